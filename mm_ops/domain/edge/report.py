"""The edge report: every measure in total, by symbol, side, hour and venue, with what speaks for and against it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from mm_ops.domain.edge.aggregate import Group, aggregate
from mm_ops.domain.edge.carried import carried_position
from mm_ops.domain.edge.certainty import net_edge_certainty, prepare_bootstrap, symbol_intervals
from mm_ops.domain.edge.earned import Earned, earned_of
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.edge.ema_report import ema_section
from mm_ops.domain.edge.ema_track import EmaTrack, Grid, HandedOn
from mm_ops.domain.edge.identity import check_identity
from mm_ops.domain.edge.join import Reach
from mm_ops.domain.edge.measures import horizon_names
from mm_ops.domain.edge.policy import Clock, EdgePolicy, Instrument, Instruments, VenuePolicy
from mm_ops.domain.edge.quality import quality
from mm_ops.domain.edge.quote_buffer import QuoteBuffer
from mm_ops.domain.edge.sums import SIDES, Rows
from mm_ops.domain.edge.symbol_edge import SymbolEdge
from mm_ops.domain.edge.tally import HOURS
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a symbol's fills, or of its quotes, or of both; ``place`` says for people which of all parts it is."""

    symbol: str
    fills: pl.DataFrame | None = None
    quotes: pl.DataFrame | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A report, and what is drawn beside it."""

    report: dict[str, Any]
    earned: Earned | None


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
    parts = split_symbols(fills, quotes)
    return measure_parts(parts, policy=policy, instruments=instruments, window=window, clock=clock).report


def split_symbols(fills: pl.DataFrame, quotes: pl.DataFrame) -> Iterator[Part]:
    """The frames of each symbol that was filled, in the order of their names."""
    for symbol in sorted(fills["symbol"].unique()):
        yield Part(symbol, fills.filter(symbol=symbol), quotes.filter(symbol=symbol))


def measure_parts(
    parts: Iterable[Part],
    *,
    policy: EdgePolicy,
    instruments: Instruments,
    window: TimeWindow,
    clock: Clock | None = None,
    ema: EmaPolicy | None = None,
    before: Mapping[str, HandedOn] | None = None,
) -> Measured:
    """Build the report of :func:`build_edge_report` from parts, one in memory at a time.

    Args:
        parts: of each symbol in the order of time, the fills of a time before its quotes; symbols in any order. All of
            a symbol add up to one result, as if they had been given at once. A symbol without fills is left out.
        policy: as there; so are ``instruments``, ``window`` and ``clock``.
        instruments: kind, contract size and venue of every symbol.
        window: what the parts cover.
        clock: overrules the venues' clocks.
        ema: the averages that are told in the section ``ema``; none by default.
        before: by symbol, what the report of the window before handed on to its averages.

    Raises:
        SchemaError: as there, or parts are out of order.
        PolicyError: a venue has no clock.
    """
    rows, reach = Rows(tuple(horizon_names(policy.horizons))), Reach.of(policy, window)
    grid = None if ema is None else Grid.of(ema, window, reach)
    buffer = QuoteBuffer()
    found: dict[str, SymbolEdge] = {}

    def begin(symbol: str, handed_on: HandedOn | None = None) -> None:
        instrument = instruments.of(symbol)
        track = None if grid is None else EmaTrack(grid, instrument, handed_on)
        how = _how(policy, instrument, clock)
        found[symbol] = SymbolEdge(instrument, how, rows, reach, window, buffer, track)

    for symbol, handed_on in (before or {}).items():
        begin(symbol, handed_on)
    for part in parts:
        if part.symbol not in found:
            begin(part.symbol)
        _add(found[part.symbol], part)
    for each in found.values():
        each.close()
    symbols = [found[symbol] for symbol in sorted(found) if found[symbol].filled]
    report = _report(symbols, rows, policy, window)
    if grid is not None:
        report["ema"] = _averages(found, before or {}, grid)
    return Measured(report, earned_of([each.tally for each in symbols], window))


def _add(edge: SymbolEdge, part: Part) -> None:
    if part.fills is not None:
        edge.add_fills(part.fills)
    if part.quotes is not None:
        edge.add_quotes(part.quotes)


def _averages(found: Mapping[str, SymbolEdge], before: Mapping[str, HandedOn], grid: Grid) -> dict[str, Any]:
    """The section of the symbols that were filled in this window, or before it."""
    some = {name: each for name, each in sorted(found.items()) if each.filled or name in before}
    tracks = {name: each.ema for name, each in some.items() if each.ema is not None}
    handed_on = {name: each.handed_on for name, each in some.items() if each.handed_on is not None}
    section = ema_section(tracks, grid, _one_currency(list(some.values())))
    return {**section, "handed_on": {name: each.saved() for name, each in handed_on.items()}}


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
        "carried_position": carried_position(tallies),
        "net_edge": net_edge_certainty(tallies, bootstrap, policy.interval, window),
        "intervals_by_symbol": symbol_intervals(tallies, bootstrap),
        "quality": quality(symbols),
        "quality_by_symbol": {each.instrument.symbol: quality([each]) for each in symbols},
        "identity": check_identity(worst, total["net_money"] or 0.0, marked, total["notional"] or 0.0),
    }


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
