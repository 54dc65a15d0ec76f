"""From what was read to what is measured: prints and quotes by policy, the aggressor, and the count of all of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from mm_ops.domain.edge.aggressor import RULE, count_rules, infer_aggressor
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

    @property
    def measurable(self) -> frozenset[str]:
        """The listed symbols whose quotes can be ordered."""
        clocked = self.edge.venues
        listed = self.instruments.instruments
        return frozenset(item.symbol for item in listed if self.clock is not None or item.venue in clocked)

    @property
    def by_exchange(self) -> frozenset[str]:
        """The measurable symbols that the exchange's clock orders."""
        return frozenset(symbol for symbol, how in self.clocks(self.measurable).items() if how.clock == "exchange")

    def clocks(self, symbols: Iterable[str]) -> dict[str, VenueClock]:
        """The clock of each symbol.

        Raises:
            SchemaError: a symbol is not listed.
            PolicyError: its venue has no clock.
        """
        return {symbol: clock_of(self.instruments.of(symbol), self.edge, self.clock) for symbol in sorted(symbols)}


@dataclass(frozen=True, slots=True)
class Prepared:
    """The fills that are measured, and what was met on the way (plain values)."""

    fills: pl.DataFrame
    counts: dict[str, Any]


def prepare(
    fills: pl.DataFrame, policies: EdgePolicies, *, side_is: SideIs, infer_from: pl.DataFrame | None = None
) -> Prepared:
    """Choose fills, and find out whose passive side each was where sides are the aggressors'.

    Args:
        fills: without faults.
        policies: what to keep.
        side_is: ``aggressor`` takes public trades as the fills of their passive side: the side is turned round, and
            every fill is a maker's.
        infer_from: quotes from which the aggressor is inferred where ``side`` is null; a fill of which it stays
            unknown is left out and counted, and all sides are the aggressors'.

    Raises:
        SchemaError: a symbol is not listed, or a row lacks its clock.
        PolicyError: a venue has no clock.
    """
    kept, prints = choose_prints(fills, policies.inputs.prints)
    clocks = policies.clocks(kept["symbol"].unique())
    rules = None
    if infer_from is not None:
        kept, rules = _inferred(kept, infer_from, policies, clocks)
    kept, moments = choose_moments(kept, policies.inputs.prints, clocks)
    if side_is == "aggressor" or infer_from is not None:
        kept = passive_side(kept)
    return Prepared(kept, {"prints": prints, "moments": moments, "aggressor": rules})


def add_up(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Counts of two parts as counts of both; a share is of the ``rows`` of both. What no part says stays null."""
    if one is None or other is None:
        found = one or other
        return None if found is None else dict(found)
    both = {name: _sum(value, other[name]) for name, value in one.items()}
    rows = both.get("rows")
    for name, value in both.items():
        if name.endswith("_share"):
            both[name] = _share(both[name.removesuffix("_share")], rows)
        elif isinstance(value, dict) and "share" in value:
            value["share"] = _share(value["count"], rows)
    return both


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping):
        return add_up(one, other)
    if isinstance(one, str):
        return one
    known = [value for value in (one, other) if value is not None]
    return sum(known) if known else None


def _share(count: int | None, rows: int | None) -> float | None:
    return count / rows if rows and count is not None else None


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
