"""Quotes of one symbol after the other in arrays that are used again: fresh memory costs more than writing to it."""

from datetime import timedelta

import numpy as np
import polars as pl

from mm_ops.domain.edge.arrays import Floats, Ints
from mm_ops.domain.edge.join import Book, clock_column, nanoseconds, on_clock
from mm_ops.domain.edge.policy import Clock
from mm_ops.domain.windows import TimeWindow

Columns = tuple[Ints, Floats, Floats, Floats]
"""Times, bids, asks and mids."""


class QuoteBuffer:
    """Room for the quotes that are held of a symbol, with the new ones behind them."""

    def __init__(self) -> None:
        self._at: Ints = np.empty(0, dtype=np.int64)
        self._bid, self._ask, self._mid = (np.empty(0) for _ in range(3))

    def lay_out(
        self, held: Book, quotes: pl.DataFrame, clock: Clock, lag: timedelta, window: TimeWindow
    ) -> tuple[Book, Book]:
        """Put a symbol's quotes up to the window's end behind those that are held; ``lag`` is how late they are known.

        Returns:
            The new quotes, and all of them. Both are overwritten by the next call.

        Raises:
            SchemaError: a quote lacks the clock.
        """
        columns = (clock_column(clock), "bid_px", "ask_px")
        timed = on_clock(quotes.select(name for name in columns if name in quotes.columns), clock, "quotes")
        first = held.at.size
        self._make_room(first + timed.height)
        self._fill(held, timed["at_ns"], timed["bid_px"], timed["ask_px"])
        at = self._at[first : first + timed.height]
        at += nanoseconds(lag)
        stop = first + int(np.searchsorted(at, window.end_ns))
        new = _book_of(self._slice(slice(first, stop)))
        if new.at.size and first and new.at[0] <= held.at[-1]:
            return new, _merge(held, new)
        return new, Book(*self._slice(slice(first + new.at.size)), held.doubled + new.doubled)

    def _slice(self, some: slice) -> Columns:
        return self._at[some], self._bid[some], self._ask[some], self._mid[some]

    def _make_room(self, size: int) -> None:
        if size > self._at.size:
            size += size // 8  # so that one more held quote does not ask for new room
            self._at = np.empty(size, dtype=np.int64)
            self._bid, self._ask, self._mid = (np.empty(size) for _ in range(3))

    def _fill(self, held: Book, *new: pl.Series) -> None:
        first = held.at.size
        self._at[:first], self._bid[:first], self._ask[:first], self._mid[:first] = (
            held.at,
            held.bid,
            held.ask,
            held.mid,
        )
        for array, column in zip((self._at, self._bid, self._ask), new, strict=True):
            at = first
            for chunk in column.get_chunks():
                array[at : at + chunk.len()] = chunk.to_numpy()
                at += chunk.len()


def _merge(held: Book, new: Book) -> Book:
    """Quotes of which some of the new ones are as old as some that are held, in memory of their own."""
    at = np.concatenate([held.at, new.at])
    order = np.argsort(at, kind="stable")
    bid, ask = np.concatenate([held.bid, new.bid]), np.concatenate([held.ask, new.ask])
    both = _book_of((at[order], bid[order], ask[order], np.empty(at.size)))
    return Book(both.at, both.bid, both.ask, both.mid, both.doubled + held.doubled + new.doubled)


def _book_of(columns: Columns) -> Book:
    """Quotes of growing times as a book in the same arrays: of several at one time the last; mids are written."""
    at, bid, ask, mid = columns
    doubled = at[1:] == at[:-1]
    size = at.size - int(np.count_nonzero(doubled))
    if size < at.size:
        last = np.append(~doubled, True)
        at[:size], bid[:size], ask[:size] = at[last], bid[last], ask[last]
    np.add(bid[:size], ask[:size], out=mid[:size])
    mid[:size] /= 2
    return Book(at[:size], bid[:size], ask[:size], mid[:size], at.size - size)
