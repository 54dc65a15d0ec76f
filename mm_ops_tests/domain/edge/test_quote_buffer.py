from datetime import timedelta

import polars as pl
import pytest

from mm_ops.domain.edge.join import Book
from mm_ops.domain.edge.quote_buffer import QuoteBuffer
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import SECOND, START_NS, minute, quotes

NO_LAG = timedelta(0)


def laid_out(buffer: QuoteBuffer, held: Book, market: pl.DataFrame, lag: timedelta = NO_LAG) -> tuple[Book, Book]:
    return buffer.lay_out(held, market, "exchange", lag, minute())


def seconds(book: Book) -> list[float]:
    return [(at - START_NS) / SECOND for at in book.at.tolist()]


def test_new_quotes_stand_behind_those_that_are_held_with_their_mids():
    buffer = QuoteBuffer()
    held = laid_out(buffer, Book.empty(), quotes((0, 99, 101), (1, 98, 101)))[1].since(1)
    new, every = laid_out(buffer, held, quotes((2, 97, 101)))
    assert (seconds(new), seconds(every)) == ([2], [1, 2])
    assert (every.bid.tolist(), every.mid.tolist()) == ([98, 97], [99.5, 99])


def test_of_several_at_one_time_the_last_stays_and_the_others_are_counted():
    buffer = QuoteBuffer()
    market = quotes((0, 99, 101), (1, 98, 101), (1, 97, 101), (1, 96, 100), (2, 95, 101))
    assert laid_out(buffer, Book.empty(), market)[0].doubled == 2
    held = laid_out(buffer, Book.empty(), market)[1].since(0)
    assert (held.bid.tolist(), held.mid.tolist(), held.doubled) == ([99, 96, 95], [100, 98, 98], 2)
    _, every = laid_out(buffer, held, quotes((2, 94, 100), (3, 93, 99)))
    assert (every.bid.tolist(), every.doubled) == ([99, 96, 94, 93], 3)


def test_new_quotes_older_than_some_that_are_held_are_put_in_order():
    buffer = QuoteBuffer()
    held = laid_out(buffer, Book.empty(), quotes((0, 99, 101), (3, 98, 100)))[1].since(0)
    new, every = laid_out(buffer, held, quotes((1, 97, 99), (4, 96, 98)))
    assert (seconds(new), seconds(every)) == ([1, 4], [0, 1, 3, 4])
    assert every.mid.tolist() == [100, 98, 99, 97]


def test_what_is_held_is_not_overwritten_by_the_quotes_of_another_symbol():
    buffer = QuoteBuffer()
    held = laid_out(buffer, Book.empty(), quotes((0, 99, 101), (1, 98, 102)))[1].since(0)
    laid_out(buffer, Book.empty(), quotes(*((at, 9, 11) for at in range(10))))
    assert (seconds(held), held.mid.tolist()) == ([0, 1], [100, 100])


def test_quotes_are_known_by_their_lag_later_and_end_with_the_window():
    found = laid_out(
        QuoteBuffer(), Book.empty(), quotes((0, 99, 101), (57, 98, 101), (58, 97, 101)), timedelta(seconds=2)
    )
    assert seconds(found[1]) == [2, 59]


def test_quotes_in_several_chunks_and_whole_numbers_are_taken():
    parts = pl.concat([quotes((0, 99, 101)), quotes((1, 98, 100))], rechunk=False).with_columns(
        pl.col("bid_px").cast(int)
    )
    assert laid_out(QuoteBuffer(), Book.empty(), parts)[1].mid.tolist() == [100, 99]


def test_quotes_without_the_clock_are_refused():
    with pytest.raises(SchemaError, match="quotes: the exchange clock needs exch_ts_ns"):
        laid_out(QuoteBuffer(), Book.empty(), quotes((0, 99, 101)).drop("exch_ts_ns"))
