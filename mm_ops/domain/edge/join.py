"""Which mid prevailed when: one symbol's fills joined to its quotes.

    m      the last quote strictly before the fill, at most ``stale_after`` old
    m'     the last quote at or before fill time + horizon, at most ``stale_after`` old; none past the window's end
    m_end  the last quote of the window

How much of the window the quotes speak for is measured beside it: the share of its time in which some quote is at most
``stale_after`` old, and the age of the quote at each fill. Thinned quotes give a mid everywhere, and an old one.

Both sides are ordered by one clock. Quotes at the same nanosecond (or millisecond, as the exchange stamps them) are one
moment of which the last prevails, so they are deduplicated first: engines differ in which of several they pick. As-of
joins do not check that their input is sorted, so it is sorted here.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import numpy as np
import polars as pl

from mm_ops.domain.edge.arrays import Bools, Floats, Ints
from mm_ops.domain.edge.policy import Clock, EdgePolicy
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow

STRETCH = 131_072
"""Rows worked on at once, so that their columns stay in the cache (deploy/decisions/0006)."""


def clock_column(clock: Clock) -> str:
    """The column that holds the clock's time."""
    return "exch_ts_ns" if clock == "exchange" else "ts_ns"


def nanoseconds(duration: timedelta) -> int:
    """Whole nanoseconds of a duration."""
    return duration // timedelta(microseconds=1) * 1000


def clock_times(frame: pl.DataFrame, clock: Clock, what: str) -> pl.Series:
    """The times by which a frame is ordered.

    Raises:
        SchemaError: the frame does not have that clock.
    """
    column = clock_column(clock)
    if column not in frame.columns or frame[column].null_count():
        raise SchemaError(f"{what}: the {clock} clock needs {column} in every row; give --clock, or see edge.yaml")
    return frame[column]


def on_clock(frame: pl.DataFrame, clock: Clock, what: str) -> pl.DataFrame:
    """Add ``at_ns``, the time by which a frame is ordered, and sort by it; equal times keep their order.

    Raises:
        SchemaError: the frame does not have that clock.
    """
    times = clock_times(frame, clock, what)
    timed = frame.with_columns(times.alias("at_ns"))
    return timed if times.is_sorted() else timed.sort("at_ns", maintain_order=True)


@dataclass(frozen=True, slots=True)
class Book:
    """Quotes, one for each nanosecond at most: ``at`` (growing), ``bid``, ``ask``, ``mid``.

    ``doubled`` quotes were left out: of several at one nanosecond the last prevails, and engines differ in which of
    several they pick.
    """

    at: Ints
    bid: Floats
    ask: Floats
    mid: Floats
    doubled: int

    @classmethod
    def empty(cls) -> Self:
        """No quote at all."""
        nothing = np.empty(0)
        return cls(np.empty(0, dtype=np.int64), nothing, nothing, nothing, 0)

    def pick(self, some: slice) -> Self:
        """A stretch of them, without a copy, and what was doubled."""
        return type(self)(self.at[some], self.bid[some], self.ask[some], self.mid[some], self.doubled)

    def since(self, first: int) -> Self:
        """The quotes from an index on, in memory of their own; what was doubled stays with those before, if any."""
        at, bid = self.at[first:].copy(), self.bid[first:].copy()
        ask, mid = self.ask[first:].copy(), self.mid[first:].copy()
        return type(self)(at, bid, ask, mid, 0 if first else self.doubled)


def find_last(at: Ints, needles: Ints, *, before: bool) -> Ints:
    """Find the last quote at or (``before``) strictly before each needle; both grow.

    A merge of two sorted columns, in the stretch of quotes that the needles lie in: 16 ns a fill for 10 million quotes,
    where a binary search takes 36 (deploy/decisions/0006).

    Returns:
        Indices; −1 where no quote is old enough.
    """
    if not needles.size or not at.size:
        return np.full(needles.size, -1, dtype=np.int64)
    first = max(int(np.searchsorted(at, needles[0])) - 1, 0)
    stop = int(np.searchsorted(at, needles[-1], side="right"))
    left, right = pl.DataFrame({"at": needles}), pl.DataFrame({"at": at[first:stop]}).with_row_index("quote")
    met = left.join_asof(right, on="at", strategy="backward", allow_exact_matches=not before, check_sortedness=False)
    found: Ints = met["quote"].cast(pl.Int64).fill_null(-1 - first).to_numpy() + first
    return found


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a quote speaks: ``horizons_ns``, ``stale_ns``, and ``end_ns``, the window's end."""

    horizons_ns: tuple[int, ...]
    stale_ns: int
    end_ns: int

    @classmethod
    def of(cls, policy: EdgePolicy, window: TimeWindow) -> Self:
        """The reach of a policy in a window."""
        horizons = tuple(nanoseconds(horizon) for horizon in policy.horizons)
        return cls(horizons, nanoseconds(policy.stale_after), window.end_ns)


@dataclass(frozen=True, slots=True)
class Met:
    """What each fill met; prices are not a number where the quote is stale or there is none.

    ``age_ms`` is not a number where no quote came before, and known where that quote is ``stale``. Of each horizon
    ``later`` has the mid, which counts where it was ``seen``.
    """

    bid: Floats
    ask: Floats
    mid: Floats
    age_ms: Floats
    stale: Bools
    later: tuple[Floats, ...]
    seen: tuple[Bools, ...]

    def pick(self, which: slice | Bools) -> Self:
        """What some of the fills met."""
        return type(self)(
            self.bid[which],
            self.ask[which],
            self.mid[which],
            self.age_ms[which],
            self.stale[which],
            tuple(part[which] for part in self.later),
            tuple(part[which] for part in self.seen),
        )


def join_fills(at: Ints, book: Book, reach: Reach) -> Met:
    """Join fills, in the order of their time, to one symbol's book."""
    if not book.at.size:
        nothing, never = np.full(at.size, np.nan), np.zeros(at.size, dtype=np.bool_)
        horizons = len(reach.horizons_ns)
        return Met(nothing, nothing, nothing, nothing, never, (nothing,) * horizons, (never,) * horizons)
    quote = find_last(book.at, at, before=True)
    met, age = quote >= 0, at - book.at[quote]
    fresh = met & (age <= reach.stale_ns)
    bid, ask, mid = (np.where(fresh, part[quote], np.nan) for part in (book.bid, book.ask, book.mid))
    near = _near(book, at, max(reach.horizons_ns))
    later = [_later(at + horizon, near, reach) for horizon in reach.horizons_ns]
    return Met(
        bid,
        ask,
        mid,
        np.where(met, age / 1e6, np.nan),
        met & ~fresh,
        tuple(mid for mid, _ in later),
        tuple(seen for _, seen in later),
    )


def _near(book: Book, at: Ints, furthest: int) -> pl.DataFrame:
    """The quotes that the horizons of fills can meet, and the first quote where there are none: ``at`` and ``mid``."""
    first, last = (at[0], at[-1] + furthest) if at.size else (0, 0)
    some = slice(max(int(np.searchsorted(book.at, first, side="right")) - 1, 0), None)
    stop = max(int(np.searchsorted(book.at, last, side="right")), some.start + 1)
    return pl.DataFrame({"at": book.at[some.start : stop], "mid": book.mid[some.start : stop]})


def _later(when: Ints, near: pl.DataFrame, reach: Reach) -> tuple[Floats, Bools]:
    """The mids at some growing times, taken with the merge itself; where none is seen, that of some other quote."""
    known = near["at"].to_numpy()
    first = max(int(np.searchsorted(known, when[0], side="right")) - 1, 0) if when.size else 0
    stop = int(np.searchsorted(known, when[-1], side="right")) if when.size else 0
    needles = pl.DataFrame({"at": when})
    met = needles.join_asof(near[first:stop], on="at", tolerance=reach.stale_ns, check_sortedness=False)["mid"]
    seen = when < reach.end_ns
    if met.null_count():
        seen &= met.is_not_null().to_numpy()
        met = met.fill_null(near["mid"][0])
    return met.to_numpy(), seen


def covered_ns(quoted: Ints, following: int, stale_ns: int, window: TimeWindow) -> int:
    """Nanoseconds of the window in which the last quote is at most ``stale_ns`` old: each lasts until the next one.

    ``following`` is the time of the quote after the last one, or the window's end.
    """
    if not quoted.size:
        return 0
    first, last = int(quoted[0]), int(quoted[-1])
    wide = np.flatnonzero(quoted[1:] - quoted[:-1] > stale_ns)  # a quote ends before the next one begins
    ends, nexts = [*quoted[wide].tolist(), last], [*quoted[wide + 1].tolist(), following]
    start = window.start_ns
    empty: int = sum(max(0, after - max(end + stale_ns, start)) for end, after in zip(ends, nexts, strict=True))
    return max(0, following - max(first, start)) - empty
