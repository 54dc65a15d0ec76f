"""From when to when data are, where nobody says which window to measure."""

from collections.abc import Collection, Iterable
from pathlib import Path

import polars as pl

from mm_ops.adapters.market_files import read_batches
from mm_ops.domain.edge.arrays import last_of_stretches
from mm_ops.domain.edge.columns import FileMapping
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow, from_ns

_HOUR_NS = 3_600_000_000_000
LEAST_SHARE = 0.01
"""Of the hours of the span, in which there is anything: a day of data and one time that is wrong by half a year."""


def span_of(times: Iterable[tuple[str, pl.Series]], clocks: Collection[str]) -> TimeWindow | None:
    """The span of times on some clocks, or on all where there is none on these; null without a time.

    Raises:
        SchemaError: nearly all hours of the span are empty: some time is wrong, and would stretch it.
    """
    hours: dict[str, set[int]] = {}
    edges: dict[str, list[int]] = {}
    for clock, at in times:
        some = at.drop_nulls()
        known = (some if some.is_sorted() else some.sort()).to_numpy()
        if known.size:
            hours.setdefault(clock, set()).update(last_of_stretches(known, _HOUR_NS)[0].tolist())
            edges.setdefault(clock, []).extend((int(known[0]), int(known[-1])))
    chosen = [clock for clock in edges if clock in clocks] or list(edges)
    if not chosen:
        return None
    ends = [edge for clock in chosen for edge in edges[clock]]
    window = TimeWindow(from_ns(min(ends)), from_ns(max(ends) + 1000))
    _refuse_empty(window, len(set().union(*(hours[clock] for clock in chosen))))
    return window


def _refuse_empty(window: TimeWindow, hours: int) -> None:
    every = window.end_ns // _HOUR_NS - window.start_ns // _HOUR_NS + 1
    if hours < LEAST_SHARE * every:
        raise SchemaError(
            f"fills and quotes are from {window.start:%Y-%m-%dT%H:%MZ} to {window.end:%Y-%m-%dT%H:%MZ}, and in only"
            f" {hours} of these {every} hours: give --start and --end, a time may be wrong"
        )


def read_symbols(file: Path, mapping: FileMapping) -> set[str]:
    """The symbols of a file; none where it has no such column."""
    name = mapping.source("symbol")
    batches = [rows[name].unique() for _, rows in read_batches(file, [name]) if name in rows.columns]
    return {symbol for some in batches for symbol in some if isinstance(symbol, str)}
