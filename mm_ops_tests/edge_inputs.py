"""Policies of inputs, and what they choose from, with one interesting difference."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from mm_ops.adapters.market_inputs import MarketInputs, Request, gather
from mm_ops.domain.edge.inputs import (
    REASONS,
    Aggressor,
    Books,
    Condition,
    Duplicates,
    InputsPolicy,
    Limit,
    OffExchange,
    Prints,
    Reason,
    Rows,
)
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.join import Book
from mm_ops.domain.edge.policy import Clock, EdgePolicy, Instruments
from mm_ops.domain.edge.quote_buffer import QuoteBuffer
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import WORDS, edge_policy, instruments


def book_of(market: pl.DataFrame, clock: Clock, lag: timedelta, window: TimeWindow) -> Book:
    """All quotes of one symbol at once."""
    return QuoteBuffer().lay_out(Book.empty(), market, clock, lag, window)[1]


def rows(*refused: Reason, **different: Any) -> Rows:
    """Every fault is quarantined but those that are refused."""
    usual: dict[str, Any] = {
        "faults": {reason: "refuse" if reason in refused else "quarantine" for reason in REASONS},
        "sort_within": timedelta(seconds=1),
        "duplicates": duplicates(),
        "source": WORDS,
    }
    return Rows(**{**usual, **different})


def duplicates(with_id: str = "drop", without_id: str = "keep") -> Duplicates:
    return Duplicates(with_id=with_id, without_id=without_id, source=WORDS)  # type: ignore[arg-type]  # checked by pydantic


def condition(name: str, bits: str, treat: str = "exclude") -> Condition:
    return Condition(name=name, bits=bits, treat=treat, source=WORDS)  # type: ignore[arg-type]  # checked by pydantic


def prints(*conditions: Condition, off_exchange: str = "keep", **different: Any) -> Prints:
    usual: dict[str, Any] = {
        "off_exchange": OffExchange(exchanges=("D",), treat=off_exchange, source=WORDS),  # type: ignore[arg-type]  # as above
        "conditions": conditions,
        "several_in_one_millisecond": "keep",
        "sweeps": "keep",
        "source": WORDS,
    }
    return Prints(**{**usual, **different})


def books(locked: str = "keep", crossed: str = "keep") -> Books:
    return Books(locked=locked, crossed=crossed, max_crossed=Limit(share=0.1, source=WORDS), source=WORDS)  # type: ignore[arg-type]  # as above


def inputs_policy(**different: Any) -> InputsPolicy:
    usual: dict[str, Any] = {
        "max_rejected": Limit(share=0.1, source=WORDS),
        "rows": rows(),
        "prints": prints(),
        "books": books(),
        "aggressor": Aggressor(quote_lag=timedelta(0), max_unknown=Limit(share=0.1, source=WORDS), source=WORDS),
    }
    return InputsPolicy(**{**usual, **different})


def policies(
    inputs: InputsPolicy | None = None,
    edge: EdgePolicy | None = None,
    listed: Instruments | None = None,
    clock: Clock | None = None,
) -> EdgePolicies:
    return EdgePolicies(
        inputs=inputs or inputs_policy(), edge=edge or edge_policy(), instruments=listed or instruments(), clock=clock
    )


@dataclass(frozen=True)
class Inputs:
    """All that a report measures, at once, and what is said beside it."""

    fills: pl.DataFrame
    quotes: pl.DataFrame
    section: dict[str, Any]
    rejects: bytes


def read_inputs(request: Request, how: EdgePolicies) -> Inputs:
    inputs = MarketInputs(request, how)
    fills, quotes = gather(inputs.parts())
    return Inputs(fills, quotes, inputs.section, inputs.rejects)
