"""Which files of fills and quotes belong together: the least that can be read, measured and let go at once.

That is a symbol's day where all files lie in folders ``date=…/symbol=…``, a day or a symbol where only one of the two
holds, and everything where neither does.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from mm_ops.adapters.market_data import conformed_rows
from mm_ops.adapters.market_files import folder_symbol, load, read_batches
from mm_ops.domain.edge.columns import FileMapping, Kind
from mm_ops.domain.edge.faults import CLOCKS
from mm_ops.domain.edge.join import nanoseconds
from mm_ops.domain.edge.symbol_edge import OVERLAP
from mm_ops.domain.edge.times import to_ns

_DATE = "date="
Span = tuple[int, int]
"""The first and the last time, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are read together; ``symbol`` and ``day`` where all of them are of one, the day as folders name it."""

    symbol: str | None
    day: str | None = None
    fills: list[Path] = field(default_factory=list)
    quotes: list[Path] = field(default_factory=list)


def group_files(fills: Sequence[Path], quotes: Sequence[Path], also: Collection[str] = ()) -> list[Group]:
    """Group files by day and symbol, days in order.

    Quotes of a symbol without any file of fills are left out, unless it is among ``also``.
    """
    by_day = all(_day(file) for file in (*fills, *quotes))
    by_symbol = all(folder_symbol(file) is not None for file in (*fills, *quotes))
    found: dict[tuple[str, str], Group] = {}
    wanted = {*also, *(folder_symbol(file) for file in fills)}
    for kind, files in (("fills", fills), ("quotes", quotes)):
        for file in files:
            symbol = folder_symbol(file) if by_symbol else None
            if symbol is None or symbol in wanted:
                day = _day(file).removeprefix(_DATE) if by_day else None
                group = found.setdefault((day or "", symbol or ""), Group(symbol, day))
                getattr(group, kind).append(file)
    return [found[key] for key in sorted(found)]


def count_days(groups: Sequence[Group]) -> list[str]:
    """Which day of how many each group is of, for people; empty where there are not several."""
    days = sorted({group.day for group in groups if group.day is not None})
    if len(days) < 2:  # noqa: PLR2004 - nothing to count
        return [""] * len(groups)
    return [f"day {days.index(group.day) + 1} of {len(days)}, {group.day}" for group in groups if group.day]


def in_time_order(files: Sequence[Path], kind: Kind, mapping: FileMapping) -> Iterator[list[Path]]:
    """Put files in the order of their times; those that overlap on a clock by much are one list.

    By a little, as where a recorder's clock is late, the next part may overlap anyway: see :mod:`.symbol_edge`.
    """
    if len(files) < 2:  # noqa: PLR2004 - nothing to order
        yield list(files)
        return
    spans = sorted(((find_spans(file, kind, mapping), file) for file in files), key=lambda pair: _first(pair[0]))
    together: list[Path] = []
    latest: dict[str, int] = {}
    for span, file in spans:
        if together and not _overlaps(span, latest):
            yield together
            together = []
        together.append(file)
        latest |= {clock: max(last, latest.get(clock, last)) for clock, (_, last) in span.items()}
    yield together


def find_spans(file: Path, kind: Kind, mapping: FileMapping) -> dict[str, Span]:
    """The first and last time of a file on each clock that it has.

    Raises:
        SchemaError: it cannot be read, lacks a column, or holds an implausible time.
    """
    found: dict[str, Span] = {}
    for clock, at in read_times(file, kind, mapping):
        edges = [edge for edge in (at.min(), at.max(), *found.get(clock, ())) if isinstance(edge, int)]
        found |= {clock: (min(edges), max(edges))} if edges else {}
    return found


def read_times(file: Path, kind: Kind, mapping: FileMapping) -> Iterator[tuple[str, pl.Series]]:
    """Read the times of a file on each clock that it has, in nanoseconds, some rows at a time.

    Raises:
        SchemaError: as for the spans.
    """
    for first_row, times in read_batches(file, sorted({mapping.source(clock) for clock in CLOCKS})):
        if mapping.source("ts_ns") not in times.columns:
            conformed_rows(file, load(file), kind, mapping)  # says what it lacks
        for clock in CLOCKS:
            if mapping.source(clock) in times.columns:
                yield clock, to_ns(times[mapping.source(clock)], mapping.unit(clock), f"{file}: {clock}", first_row)


def _day(file: Path) -> str:
    return next((part.name for part in file.parents if part.name.startswith(_DATE)), "")


def _first(span: dict[str, Span]) -> list[int]:
    return [first for first, _ in span.values()]


def _overlaps(span: dict[str, Span], latest: dict[str, int]) -> bool:
    most = nanoseconds(OVERLAP) // 2
    shared: Iterable[str] = span.keys() & latest.keys()
    return not span or not latest or any(span[clock][0] < latest[clock] - most for clock in shared)
