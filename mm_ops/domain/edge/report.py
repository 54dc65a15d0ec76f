"""The edge report: every measure in total, by symbol, side, hour and venue, with what speaks for and against it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import polars as pl

from mm_ops.domain.edge.aggregate import Group, aggregate
from mm_ops.domain.edge.certainty import net_edge_certainty, prepare_bootstrap, symbol_intervals
from mm_ops.domain.edge.identity import check_identity
from mm_ops.domain.edge.join import Reach, join_symbol, on_clock
from mm_ops.domain.edge.measures import horizon_names, measure_fills
from mm_ops.domain.edge.policy import Clock, EdgePolicy, Instrument, Instruments, VenuePolicy
from mm_ops.domain.edge.quality import quality
from mm_ops.domain.edge.sums import SIDES, Rows
from mm_ops.domain.edge.symbol_edge import SymbolEdge, inside_window, with_order_age
from mm_ops.domain.edge.tally import HOURS
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


@dataclass(frozen=True, slots=True)
class SymbolDay:
    """A symbol's fills and quotes of a stretch of time; each is read when it is called for, and then let go."""

    symbol: str
    fills: Callable[[], pl.DataFrame]
    quotes: Callable[[], pl.DataFrame]


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
    days = split_symbols(fills, quotes)
    return measure_days(days, policy=policy, instruments=instruments, window=window, clock=clock)


def split_symbols(fills: pl.DataFrame, quotes: pl.DataFrame) -> list[SymbolDay]:
    """The frames of each symbol that was filled, in the order of their names."""
    return [
        SymbolDay(symbol, partial(_of, fills, symbol), partial(_of, quotes, symbol))
        for symbol in sorted(fills["symbol"].unique())
    ]


def _of(frame: pl.DataFrame, symbol: str) -> pl.DataFrame:
    return frame.filter(symbol=symbol)


def measure_days(
    days: Iterable[SymbolDay],
    *,
    policy: EdgePolicy,
    instruments: Instruments,
    window: TimeWindow,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Build the report of :func:`build_edge_report` from parts, one in memory at a time.

    Args:
        days: the days of one symbol in the order of time, symbols in any order; all days of a symbol add up to one
            result, as if they had been given at once.
        policy: as there; so are ``instruments``, ``window`` and ``clock``.
        instruments: kind, contract size and venue of every symbol.
        window: what the days cover.
        clock: overrules the venues' clocks.

    Raises:
        SchemaError: as there, or days are out of order.
        PolicyError: a venue has no clock.
    """
    rows, reach = Rows(tuple(horizon_names(policy.horizons))), Reach.of(policy, window)
    found: dict[str, SymbolEdge] = {}
    for day in days:
        if day.symbol not in found:
            instrument = instruments.of(day.symbol)
            found[day.symbol] = SymbolEdge(instrument, _how(policy, instrument, clock), rows, reach, window)
        found[day.symbol].add(day.fills, day.quotes)
    symbols = [found[symbol] for symbol in sorted(found)]
    for symbol in symbols:
        symbol.close()
    return _report(symbols, rows, policy, window)


def _report(symbols: Sequence[SymbolEdge], rows: Rows, policy: EdgePolicy, window: TimeWindow) -> dict[str, Any]:
    tallies = [each.tally for each in symbols]
    total = aggregate(Group.of(tallies, rows), rows)
    marked = sum(each.tally.cash.marked(each.tally.mark, each.instrument) for each in symbols)
    worst = max((each.tally.capture_error for each in symbols), default=0.0)
    bootstrap = prepare_bootstrap(tallies, policy.interval)
    venues = sorted({each.instrument.venue for each in symbols})
    hours = [hour for hour in range(HOURS) if any(each.has_hour(hour) for each in tallies)]
    return {
        "window": {"start": window.start, "end": window.end},
        "settlement": _one_currency(symbols),
        "horizons": list(rows.horizons),
        "clocks": {each.instrument.symbol: each.how.clock for each in symbols},
        "total": total,
        "by_symbol": {each.instrument.symbol: aggregate(Group.of([each.tally], rows), rows) for each in symbols},
        "by_side": {name: aggregate(Group.of(tallies, rows, side=at), rows) for at, name in enumerate(SIDES)},
        "by_hour": {f"{hour:02d}": aggregate(Group.of(tallies, rows, hour=hour), rows) for hour in hours},
        "by_venue": {
            venue: aggregate(Group.of([each for each in tallies if each.instrument.venue == venue], rows), rows)
            for venue in venues
        },
        "net_edge": net_edge_certainty(tallies, bootstrap, policy.interval, window),
        "intervals_by_symbol": symbol_intervals(tallies, bootstrap),
        "quality": quality(symbols),
        "quality_by_symbol": {each.instrument.symbol: quality([each]) for each in symbols},
        "identity": check_identity(worst, total["net_money"] or 0.0, marked, total["notional"] or 0.0),
    }


def measured_fills(
    fills: pl.DataFrame,
    quotes: pl.DataFrame,
    *,
    policy: EdgePolicy,
    instruments: Instruments,
    window: TimeWindow,
    clock: Clock | None = None,
) -> pl.DataFrame:
    """Measure fill by fill: one row for each fill of the window that has a mid, ordered by symbol and time.

    Takes and raises what :func:`build_edge_report` does; the sums of its columns are the report's money.

    Returns:
        ``MEASURED``, and ``markout_…``, ``adverse_…``, ``inventory_…`` by horizon: money in the settlement currency.
    """
    frames = []
    for day in split_symbols(fills, quotes):
        instrument = instruments.of(day.symbol)
        how = _how(policy, instrument, clock)
        ours = on_clock(day.fills(), how.clock, f"{instrument.symbol}: fills")
        inside, lag = inside_window(ours, window), how.quote_lag
        joined = join_symbol(inside, day.quotes(), policy=policy, clock=how.clock, quote_lag=lag, window=window)
        frames.append(measure_fills(with_order_age(joined.fills), instrument, policy))
    return _stack(frames, horizon_names(policy.horizons))


def clock_by_symbol(policy: EdgePolicy, instruments: Instruments, symbol: str) -> Clock:
    """The clock of a symbol's venue.

    Raises:
        SchemaError: the symbol is not listed.
        PolicyError: its venue has no clock.
    """
    return policy.venue(instruments.of(symbol).venue).clock


def _how(policy: EdgePolicy, instrument: Instrument, clock: Clock | None) -> VenuePolicy:
    listed = policy.venues.get(instrument.venue)
    if clock is None or (listed is not None and listed.clock == clock):
        return policy.venue(instrument.venue)  # asked for or not, the venue's own clock keeps its lag
    return VenuePolicy(clock=clock, quote_lag=timedelta(0), source="given on the command line")


def _one_currency(symbols: Sequence[SymbolEdge]) -> str | None:
    found = sorted({each.instrument.settlement for each in symbols})
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
