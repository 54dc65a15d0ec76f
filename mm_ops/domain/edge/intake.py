"""From what was read to what is measured: prints and quotes by policy, the aggressor, and the count of all of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from mm_ops.domain.edge.aggressor import RULE, count_rules, infer_aggressor
from mm_ops.domain.edge.books import choose_quotes
from mm_ops.domain.edge.inputs import InputsPolicy
from mm_ops.domain.edge.policy import Clock, EdgePolicy, Instruments
from mm_ops.domain.edge.prints import choose_moments, choose_prints
from mm_ops.domain.edge.venue_clock import VenueClock, clock_of

SideIs = Literal["ours", "aggressor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePolicies:
    """What the inputs of a report are chosen by; ``clock`` overrules the venues' clocks."""

    inputs: InputsPolicy
    edge: EdgePolicy
    instruments: Instruments
    clock: Clock | None = None

    def clocks(self, fills: pl.DataFrame) -> dict[str, VenueClock]:
        """The clock of each symbol of the fills.

        Raises:
            SchemaError: a symbol is not listed.
            PolicyError: its venue has no clock.
        """
        symbols = sorted(fills["symbol"].unique())
        return {symbol: clock_of(self.instruments.of(symbol), self.edge, self.clock) for symbol in symbols}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is measured, and what was met on the way (plain values)."""

    fills: pl.DataFrame
    quotes: pl.DataFrame
    counts: Mapping[str, Any]


def prepare(
    fills: pl.DataFrame, quotes: pl.DataFrame, policies: EdgePolicies, *, side_is: SideIs, infer: bool = False
) -> Prepared:
    """Choose prints and quotes, and find out whose passive side each fill was where sides are the aggressors'.

    Args:
        fills: without faults.
        quotes: without faults.
        policies: what to keep.
        side_is: ``aggressor`` takes public trades as the fills of their passive side: the side is turned round, and
            every fill is a maker's.
        infer: where ``side`` is null, infer the aggressor; a fill of which it stays unknown is left out and counted.

    Raises:
        SchemaError: a symbol is not listed, or a row lacks its clock.
        PolicyError: a venue has no clock.
    """
    kept, prints = choose_prints(fills, policies.inputs.prints)
    market, books = choose_quotes(quotes, policies.inputs.books)
    clocks = policies.clocks(kept)
    rules = None
    if infer:
        kept, rules = _inferred(kept, market, policies, clocks)
    kept, moments = choose_moments(kept, policies.inputs.prints, clocks)
    if side_is == "aggressor" or infer:
        kept = passive_side(kept)
    return Prepared(kept, market, {"prints": prints, "moments": moments, "books": books, "aggressor": rules})


def passive_side(trades: pl.DataFrame) -> pl.DataFrame:
    """Public trades as the fills of their makers."""
    other = pl.when(pl.col("side") == "buy").then(pl.lit("sell")).otherwise(pl.lit("buy"))
    return trades.with_columns(side=other, liquidity=pl.lit("maker"))


def _inferred(
    fills: pl.DataFrame, quotes: pl.DataFrame, policies: EdgePolicies, clocks: Mapping[str, VenueClock]
) -> tuple[pl.DataFrame, dict[str, Any]]:
    ruled = infer_aggressor(
        fills,
        quotes,
        clocks=clocks,
        quote_lag=policies.inputs.aggressor.quote_lag,
        stale_after=policies.edge.stale_after,
    )
    return ruled.filter(pl.col("side").is_not_null()).drop(RULE), count_rules(ruled)
