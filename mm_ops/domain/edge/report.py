"""The edge report: every measure in total, by symbol and by side, with what speaks for and against its inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from mm_ops.domain.edge.aggregate import aggregate
from mm_ops.domain.edge.identity import check_identity
from mm_ops.domain.edge.join import Joined, join_symbol, on_clock
from mm_ops.domain.edge.measures import horizon_names, measure_fills
from mm_ops.domain.edge.policy import Clock, EdgePolicy, Instrument, Instruments, VenuePolicy
from mm_ops.domain.edge.quality import quality
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow

MEASURED = (
    "symbol",
    "side",
    "at_ns",
    "price",
    "qty",
    "bid_px",
    "ask_px",
    "sign",
    "role",
    "notional",
    "capture",
    "net",
    "fee_money",
    "mid_end",
    "contract_size",
    "inverse",
    "order_age_ms",
)


def build_edge_report(
    fills: pl.DataFrame,
    quotes: pl.DataFrame,
    *,
    policy: EdgePolicy,
    instruments: Instruments,
    window: TimeWindow,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Measure our fills against the market's quotes.

    Args:
        fills: ``ts_ns, symbol, side (buy|sell, ours), price, qty``, optional ``exch_ts_ns, liquidity, fee, fee_asset,
            order_ts_ns, venue``.
        quotes: ``ts_ns, symbol, bid_px, ask_px``, optional ``exch_ts_ns``.
        policy: horizons, stale limit, clock by venue.
        instruments: kind, contract size and venue of every symbol.
        window: fills outside it are counted and left out; quotes from its end on are not used.
        clock: overrules the venues' clocks; a lag is the property of a venue's own clock and stays with it.

    Returns:
        A plain value that canonical JSON can write. Without a fill to measure, every measure is null.

    Raises:
        SchemaError: a symbol is unknown, a clock or a fee is missing, or venues or currencies are mixed.
        PolicyError: a venue has no clock.
    """
    parts = []
    for symbol in sorted(fills["symbol"].unique()):
        instrument = instruments.of(symbol)
        how = _how(policy, instrument, clock)
        ours, market = fills.filter(symbol=symbol), quotes.filter(symbol=symbol)
        parts.append(_measure_symbol(instrument, ours, market, how, policy, window))
    horizons = horizon_names(policy.horizons)
    inside = [part.inside for part in parts]
    measured = _stack(inside, horizons)
    return {
        "window": {"start": window.start, "end": window.end},
        "settlement": _one_currency(parts),
        "horizons": horizons,
        "clocks": {part.symbol: part.clock for part in parts},
        "total": aggregate(measured, horizons),
        "by_symbol": {part.symbol: aggregate(measured.filter(symbol=part.symbol), horizons) for part in parts},
        "by_side": {side: aggregate(measured.filter(side=side), horizons) for side in ("buy", "sell")},
        "quality": quality(
            measured, inside, [part.joined for part in parts], outside=sum(part.outside for part in parts)
        ),
        "identity": check_identity(measured, horizons),
    }


@dataclass(frozen=True, slots=True)
class _Part:
    symbol: str
    clock: Clock
    settlement: str
    joined: Joined
    inside: pl.DataFrame
    outside: int


def _measure_symbol(
    instrument: Instrument,
    fills: pl.DataFrame,
    quotes: pl.DataFrame,
    how: VenuePolicy,
    policy: EdgePolicy,
    window: TimeWindow,
) -> _Part:
    _check_venue(fills, instrument)
    ours = on_clock(fills, how.clock, f"{instrument.symbol}: fills")
    inside = ours.filter(pl.col("at_ns").is_between(window.start_ns, window.end_ns, closed="left"))
    joined = join_symbol(inside, quotes, policy=policy, clock=how.clock, quote_lag=how.quote_lag, window=window)
    return _Part(
        symbol=instrument.symbol,
        clock=how.clock,
        settlement=instrument.settlement,
        joined=joined,
        inside=measure_fills(_with_order_age(joined.fills), instrument, policy),
        outside=ours.height - inside.height,
    )


def _check_venue(fills: pl.DataFrame, instrument: Instrument) -> None:
    """Refuse fills of another venue: clock, contract size and fees are those of the instrument's own."""
    if "venue" not in fills.columns:
        return
    other = sorted(set(fills["venue"].drop_nulls().unique()) - {instrument.venue})
    if other:
        raise SchemaError(f"{instrument.symbol}: venue: expected {instrument.venue}, was {', '.join(other)}")


def _with_order_age(fills: pl.DataFrame) -> pl.DataFrame:
    if "order_ts_ns" not in fills.columns:
        return fills.with_columns(order_age_ms=pl.lit(None, dtype=pl.Float64))
    aged = fills.with_columns(order_age_ms=(pl.col("at_ns") - pl.col("order_ts_ns")) / 1e6)
    early = aged.filter(pl.col("order_age_ms") < 0)
    if early.height:
        first = early.row(0, named=True)
        where = f"{first['symbol']}: order_ts_ns {first['order_ts_ns']}"
        raise SchemaError(f"{where}: expected a time before the fill's {first['at_ns']} ({early.height} such rows)")
    return aged


def _how(policy: EdgePolicy, instrument: Instrument, clock: Clock | None) -> VenuePolicy:
    listed = policy.venues.get(instrument.venue)
    if clock is None or (listed is not None and listed.clock == clock):
        return policy.venue(instrument.venue)  # asked for or not, the venue's own clock keeps its lag
    return VenuePolicy(clock=clock, quote_lag=timedelta(0), source="given on the command line")


def _one_currency(parts: Sequence[_Part]) -> str | None:
    found = sorted({part.settlement for part in parts})
    if len(found) > 1:
        raise SchemaError(f"settlement currencies {', '.join(found)} cannot be added up; report them apart")
    return found[0] if found else None


def _stack(frames: Sequence[pl.DataFrame], horizons: Sequence[str]) -> pl.DataFrame:
    """All fills that have a mid, in one frame of the columns that every fill has."""
    columns = [*MEASURED, *(f"{kind}_{name}" for name in horizons for kind in ("markout", "adverse", "inventory"))]
    others = {"symbol": pl.String, "side": pl.String, "at_ns": pl.Int64, "inverse": pl.Boolean}
    schema = {name: others.get(name, pl.Float64) for name in columns}
    empty = pl.DataFrame(schema=schema)
    known = (frame.filter(pl.col("mid").is_not_null()).select(columns) for frame in frames)
    return pl.concat([empty, *known]).rechunk()
