"""One symbol, measured part by part: what a part cannot decide yet waits for the next one.

A fill near the end of what is known of the market waits, since its horizons lie beyond; with it wait the quotes from
the one before it on. So quotes that are added some at a time give what they would give at once, and most of them are
let go at once. Parts may overlap by ``OVERLAP``, since recorders cut days by their own clock.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import zip_longest

import numpy as np
import polars as pl

from mm_ops.domain.edge.ages import Ages
from mm_ops.domain.edge.arrays import Ints, with_neighbour
from mm_ops.domain.edge.ema_track import EmaTrack, HandedOn
from mm_ops.domain.edge.fill_arrays import MS, FillArrays, WaitingFills
from mm_ops.domain.edge.join import STRETCH, Book, Met, Reach, covered_ns, join_fills, nanoseconds, on_clock
from mm_ops.domain.edge.mark import Mark
from mm_ops.domain.edge.measures import price_fills
from mm_ops.domain.edge.policy import Instrument, VenuePolicy
from mm_ops.domain.edge.quote_buffer import QuoteBuffer
from mm_ops.domain.edge.sums import Rows
from mm_ops.domain.edge.tally import Tally
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow, from_ns

OVERLAP = timedelta(seconds=60)
"""Source: a recorder whose clock was 1.3 s off wrote trades of the next exchange day; a minute leaves room."""

_AHEAD = 2


@dataclass(slots=True)
class Counts:
    """What was met on the way, of all fills of the window and of the quotes before its end."""

    quotes: int = 0
    doubled: int = 0
    locked: int = 0
    crossed: int = 0
    covered_ns: int = 0
    fills: int = 0
    outside_window: int = 0
    without_fee: int = 0
    orders_late: int = 0
    traded: float = 0.0
    traded_measured: float = 0.0
    alone: int = 0
    alone_outside: int = 0
    last_quote_age_s: float | None = None
    longest_fill_gap_ns: int = 0
    mark_jump_bps: float | None = None


@dataclass(slots=True)
class SymbolEdge:
    """The tally of one symbol, and what waits."""

    instrument: Instrument
    how: VenuePolicy
    rows: Rows
    reach: Reach
    window: TimeWindow
    buffer: QuoteBuffer
    ema: EmaTrack | None = None
    handed_on: HandedOn | None = None
    tally: Tally = field(init=False)
    counts: Counts = field(default_factory=Counts)
    quote_ages: Ages = field(default_factory=Ages)
    filled: bool = False
    _book: Book = field(default_factory=Book.empty)
    _fills: WaitingFills = field(default_factory=WaitingFills)
    _settled_ns: int = 0
    _known_ns: int = 0
    _last_fill_ns: int = field(init=False)
    _mark: Mark = field(default_factory=Mark)

    def __post_init__(self) -> None:
        self.tally = Tally(self.instrument, self.rows, self.window, mark=1.0)
        self._last_fill_ns = self.window.start_ns

    def add_fills(self, fills: pl.DataFrame) -> None:
        """Take fills, of any order, before the quotes of their time.

        Raises:
            SchemaError: a fill of another venue, a clock or a fee is missing, or the first lies before what is measured
                already.
        """
        _check_venue(fills, self.instrument)
        ours = on_clock(fills, self.how.clock, f"{self.instrument.symbol}: fills")
        inside = inside_window(ours, self.window)
        self.filled = self.filled or ours.height > 0
        self.counts.outside_window += ours.height - inside.height
        self.counts.fills += inside.height
        self.counts.orders_late += _orders_late(inside)
        self.counts.without_fee += inside["fee"].null_count() if "fee" in inside.columns else inside.height
        new = FillArrays.of(price_fills(with_order_age(inside), self.instrument))
        self._check_order(new.at, self._settled_ns, "fills")
        self._fills.add(new)

    def add_quotes(self, quotes: pl.DataFrame) -> None:
        """Measure the fills that these quotes make known.

        Raises:
            SchemaError: a clock is missing, or the first lies more than ``OVERLAP`` before the last so far.
        """
        first = not self._book.at.size
        how = self.how
        new, self._book = self.buffer.lay_out(self._book, quotes, how.clock, how.quote_lag, self.window)
        self._check_order(new.at, self._known_ns, "quotes")
        self._mark.see(new.at, new.mid)
        self.tally.mids.see(new.at, new.mid)
        if first and new.at.size:
            self.tally.revalue(float(new.mid[-1]))
        if self._book.at.size:
            known = int(self._book.at[-1]) - nanoseconds(OVERLAP)
            self._book = self._book.since(self._settle((known - max(self.reach.horizons_ns)) // MS * MS))
            self._known_ns = max(self._known_ns, known)

    def close(self) -> None:
        """Measure what waits: no more quotes will come."""
        self.counts.mark_jump_bps = self._mark.jump_bps()
        self._book = self._book.since(self._settle(self.window.end_ns))
        self._see_fills(np.array([self.window.end_ns]))
        if self.ema is not None:
            self.handed_on = self.ema.handed_on(self._book)
        if self._book.at.size:
            self.counts.last_quote_age_s = (self.window.end_ns - int(self._book.at[-1])) / NS_PER_SECOND
            self._count_quotes(self._book, self.window.end_ns)
            self.tally.revalue(float(self._book.mid[-1]))

    def _check_order(self, at: Ints, least: int, what: str) -> None:
        if at.size and int(at[0]) < least:
            was, expected = from_ns(int(at[0])).isoformat(), from_ns(least).isoformat()
            raise SchemaError(
                f"{self.instrument.symbol}: {what}: expected them in the order of time, from {expected} on, was {was}"
            )

    def _settle(self, before_ns: int) -> int:
        """Measure the fills before a time, and count the quotes that no later fill can meet, which are the first."""
        if before_ns <= self._settled_ns or (self.ema is not None and before_ns < self.ema.waits_until):
            return 0
        if self.ema is not None:
            self.ema.close_waiting(self._book)
        for fills in self._fills.take(before_ns):
            self._measure(fills)
        self._settled_ns = before_ns
        kept = max(int(np.searchsorted(self._book.at, before_ns)) - 1, 0)
        if kept:
            self._count_quotes(self._book.pick(slice(kept)), int(self._book.at[kept]))
        return kept

    def _see_fills(self, at: Ints) -> None:
        """Keep the longest time without a fill, from the window's start to its end."""
        longest = int(np.diff(at, prepend=self._last_fill_ns).max())
        self.counts.longest_fill_gap_ns = max(self.counts.longest_fill_gap_ns, longest)
        self._last_fill_ns = int(at[-1])

    def _measure(self, fills: FillArrays) -> None:
        self._see_fills(fills.at)
        measured, outside = (np.zeros(fills.at.size, dtype=np.bool_) for _ in range(2))
        for part, some, met in self._joined(fills):
            self.quote_ages.add(met.age_ms[~np.isnan(met.age_ms)])
            measured[part] = self.tally.add(some, met)
            if self.ema is not None:
                self.ema.add(some, met)
            outside[part] = (some.price < met.bid) | (some.price > met.ask)
        counts = self.counts
        counts.traded += float(fills.traded.sum())
        counts.traded_measured += float(fills.traded[measured].sum())
        alone = ~with_neighbour(fills.at[measured] // MS)
        counts.alone += int(np.count_nonzero(alone))
        counts.alone_outside += int(np.count_nonzero(alone & outside[measured]))

    def _joined(self, fills: FillArrays) -> Iterator[tuple[slice, FillArrays, Met]]:
        """Join stretch by stretch, each on another core while the one before it is added up."""
        parts = [slice(start, start + STRETCH) for start in range(0, fills.at.size, STRETCH)]
        with ThreadPoolExecutor(1) as other:
            ahead = [other.submit(join_fills, fills.at[part], self._book, self.reach) for part in parts[:_AHEAD]]
            for part, following in zip_longest(parts, parts[_AHEAD:]):
                if following is not None:
                    ahead.append(other.submit(join_fills, fills.at[following], self._book, self.reach))
                yield part, fills.pick(part), ahead.pop(0).result()

    def _count_quotes(self, book: Book, following: int) -> None:
        counts = self.counts
        counts.quotes += book.at.size
        counts.doubled += book.doubled
        for start in range(0, book.at.size, STRETCH):
            some = slice(start, start + STRETCH)
            bid, ask, at = book.bid[some], book.ask[some], book.at[some]
            counts.locked += int(np.count_nonzero(bid == ask))
            counts.crossed += int(np.count_nonzero(bid > ask))
            then = int(book.at[start + STRETCH]) if start + STRETCH < book.at.size else following
            counts.covered_ns += covered_ns(at, then, self.reach.stale_ns, self.window)


def _check_venue(fills: pl.DataFrame, instrument: Instrument) -> None:
    """Refuse fills of another venue: clock, contract size and fees are those of the instrument's own."""
    if "venue" not in fills.columns:
        return
    other = sorted(set(fills["venue"].drop_nulls().unique()) - {instrument.venue})
    if other:
        raise SchemaError(f"{instrument.symbol}: venue: expected {instrument.venue}, was {', '.join(other)}")


def inside_window(fills: pl.DataFrame, window: TimeWindow) -> pl.DataFrame:
    """The fills of the window, of fills in the order of their time."""
    first, after = (int(fills["at_ns"].search_sorted(edge)) for edge in (window.start_ns, window.end_ns))
    return fills.slice(first, after - first)


def with_order_age(fills: pl.DataFrame) -> pl.DataFrame:
    """Add ``order_age_ms`` to fills, from the order's sending until we heard that it was filled, both on our own clock.

    The exchange's clock may be ahead of ours or behind by more than that. Null where the order's time is not known, and
    where it is later than its fill, which it cannot be.
    """
    if "order_ts_ns" not in fills.columns:
        return fills.with_columns(order_age_ms=pl.lit(None, dtype=pl.Float64))
    age = pl.col("ts_ns") - pl.col("order_ts_ns")
    return fills.with_columns(order_age_ms=pl.when(age >= 0).then(age / 1e6))


def _orders_late(fills: pl.DataFrame) -> int:
    """How many orders are told to have been sent after they were filled."""
    return int((fills["order_ts_ns"] > fills["ts_ns"]).sum()) if "order_ts_ns" in fills.columns else 0
