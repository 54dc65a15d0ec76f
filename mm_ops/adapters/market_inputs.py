"""Fills and quotes as anybody's files hold them: what is wrong, doubled or no trade against the book goes by policy.

Nothing is dropped silently: rejected rows are written down with file, row and reason, and everything else that is left
out is counted in the report's section ``intake``. Fills of a symbol's day are in memory at once, quotes some rows at a
time (:mod:`.market_groups` says what a day is where files are not so divided).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from mm_ops.adapters.ahead import work_ahead
from mm_ops.adapters.market_files import find_files, folder_symbol
from mm_ops.adapters.market_groups import Group, count_days, group_files, in_time_order, read_times
from mm_ops.adapters.market_reader import MarketReader
from mm_ops.adapters.market_span import read_symbols, span_of
from mm_ops.adapters.rejects import Rejects
from mm_ops.domain.edge.books import choose_quotes
from mm_ops.domain.edge.columns import ColumnMapping, Kind
from mm_ops.domain.edge.intake import EdgePolicies, SideIs, add_up, prepare
from mm_ops.domain.edge.join import clock_column
from mm_ops.domain.edge.report import Part
from mm_ops.domain.edge.symbol_edge import OVERLAP
from mm_ops.domain.windows import TimeWindow, to_ns

KINDS: tuple[Kind, ...] = ("fills", "quotes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which inputs, and how their files call things.

    ``side_is``: whose side the fills give. ``infer_aggressor``: null sides are inferred, and all are aggressors'; each
    day anew, from the quotes of the whole day. ``since``: what was received before is not read; for a window that
    begins within a day.
    """

    fills: Path
    quotes: Path
    window: TimeWindow | None = None
    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    side_is: SideIs = "ours"
    infer_aggressor: bool = False
    since: datetime | None = None

    def place(self, kind: Kind) -> Path:
        """Where the files of a kind are."""
        return self.fills if kind == "fills" else self.quotes


class MarketInputs:
    """What is measured, part by part; ``section`` and ``rejects`` are complete when all parts were taken."""

    def __init__(self, request: Request, policies: EdgePolicies, also: Iterable[str] = ()) -> None:
        """Name inputs; nothing is read yet. ``also``: symbols whose quotes are wanted, be they filled or not."""
        self._also = frozenset(also)
        self._request = request
        self._policies = policies
        self._rejects = Rejects()
        self._readers = {kind: self._reader(kind) for kind in KINDS}
        self._counts: dict[str, dict[str, Any] | None] = dict.fromkeys(("prints", "moments", "books", "aggressor"))
        self._found: dict[Kind, Sequence[Path]] = {}

    def parts(self) -> Iterator[Part]:
        """Read fills and quotes, and leave out what the policy says; the next part is read while one is measured.

        Raises:
            MissingEvidenceError: nothing is there, or a recorded file is gone.
            IntegrityError: a file is not the one that was recorded.
            SchemaError: a file cannot be read, lacks a column or a clock, or holds a fault that the policy refuses.
            PolicyError: a venue has no clock.
        """
        yield from work_ahead(self._parts())

    @property
    def section(self) -> dict[str, Any]:
        """What belongs into the report as ``intake``."""
        inputs = self._policies.inputs
        return {
            "max_rejected_share": inputs.max_rejected.share,
            "max_crossed_share": inputs.books.max_crossed.share,
            "max_unknown_share": inputs.aggressor.max_unknown.share,
            **{kind: reader.counts for kind, reader in self._readers.items()},
            **self._counts,
        }

    @property
    def rejects(self) -> bytes:
        """The rows that were left out as faulty, as JSON lines."""
        return self._rejects.encode()

    def find_window(self) -> TimeWindow | None:
        """The span of all data on the clocks that order it; null without a row. Reads the times of all files.

        Raises:
            MissingEvidenceError: as for the parts; so are the others.
            SchemaError: a time is implausible, or is not there; or data are in so little of the span that one is wrong.
        """
        times = ((file, kind, self._request.mapping.of(kind)) for kind in KINDS for file in self._files(kind))
        return span_of(chain.from_iterable(read_times(*each) for each in times), self._clocks())

    def _clocks(self) -> set[str]:
        """The columns of time by which what was filled is ordered; none where no symbol says."""
        mapping, symbols = self._request.mapping.fills, set[str]()
        for file in self._files("fills"):
            folder = folder_symbol(file)
            symbols |= read_symbols(file, mapping) if folder is None else {folder}
        known = symbols & self._policies.measurable
        return {clock_column(each.clock) for each in self._policies.clocks(known).values()}

    def _files(self, kind: Kind) -> Sequence[Path]:
        """The files of a kind; looked for once, since each is compared with what was recorded of it."""
        if kind not in self._found:
            self._found[kind] = find_files(self._request.place(kind), self._request.window)
        return self._found[kind]

    def _reader(self, kind: Kind) -> MarketReader:
        return MarketReader(
            kind,
            self._request.mapping.of(kind),
            self._policies.inputs.rows,
            self._rejects,
            known=frozenset(item.symbol for item in self._policies.instruments.instruments),
            by_exchange=self._policies.by_exchange,
            side_given=not self._request.infer_aggressor,
            since_ns=None if self._request.since is None else to_ns(self._request.since),
        )

    def _parts(self) -> Iterator[Part]:
        groups = group_files(self._files("fills"), self._files("quotes"), self._also)
        listed = self._policies.measurable
        for at, (group, place) in enumerate(zip(groups, count_days(groups), strict=True), start=1):
            market: Iterable[pl.DataFrame] = self._quotes(group)
            if self._request.infer_aggressor:
                market = list(market)
            again = any(group.symbol == later.symbol for later in groups[at:])
            ours = self._fills(group, market if isinstance(market, list) else None, remember=again)
            symbols = listed if len(groups) > 1 else self._also.union(ours["symbol"])
            yield from (Part(symbol, fills=frame, place=place) for symbol, frame in _by_symbol(ours, group.symbol))
            del ours  # and nothing else holds a day's fills while its quotes are read
            for each in market:
                of_symbols = _by_symbol(each, group.symbol)
                yield from (
                    Part(symbol, quotes=frame, place=place) for symbol, frame in of_symbols if symbol in symbols
                )

    def _fills(self, group: Group, market: list[pl.DataFrame] | None, *, remember: bool) -> pl.DataFrame:
        if not group.fills:
            return _NO_FILLS
        fills = self._readers["fills"].read_fills(group.fills, group.symbol, remember=remember)
        infer_from = None if market is None else pl.concat([_NO_QUOTES, *market], how="diagonal")
        prepared = prepare(fills, self._policies, side_is=self._request.side_is, infer_from=infer_from)
        for name, counts in prepared.counts.items():
            self._counts[name] = add_up(self._counts[name], counts)
        return prepared.fills

    def _quotes(self, group: Group) -> Iterator[pl.DataFrame]:
        """The quotes of a group some at a time; files that overlap, or may be out of order by much, at once."""
        reader, books = self._readers["quotes"], self._policies.inputs.books
        at_once = self._policies.inputs.rows.sort_within > OVERLAP / 2
        for files in in_time_order(group.quotes, "quotes", self._request.mapping.quotes):
            frames = reader.read_quotes(files)
            if files and (at_once or len(files) > 1):
                frames = iter([pl.concat(frames, how="diagonal")])
            for frame in frames:
                kept, counts = choose_quotes(frame, books)
                self._counts["books"] = add_up(self._counts["books"], counts)
                yield kept


_NO_FILLS = pl.DataFrame(schema={"symbol": pl.String})
_NO_QUOTES = pl.DataFrame(
    schema={"ts_ns": pl.Int64, "exch_ts_ns": pl.Int64, "symbol": pl.String, "bid_px": pl.Float64, "ask_px": pl.Float64}
)


def _by_symbol(frame: pl.DataFrame, only: str | None) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of each symbol; ``only``: that of all rows, where it is known."""
    if only is not None and frame.height:
        yield only, frame
        return
    symbols = sorted(frame["symbol"].unique())
    for symbol in symbols:
        yield symbol, frame if len(symbols) == 1 else frame.filter(symbol=symbol)


def gather(parts: Iterable[Part]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All fills and all quotes of parts, in memory."""
    every = list(parts)
    fills = [part.fills for part in every if part.fills is not None]
    quotes = [part.quotes for part in every if part.quotes is not None]
    return pl.concat(fills or [_NO_FILLS], how="diagonal"), pl.concat(quotes or [_NO_QUOTES], how="diagonal")
