from typing import Any

import polars as pl
import pytest

from mm_ops.domain.edge.duplicates import ROW_HASH, Seen, count_doubled_quotes, find_doubled, last_moment
from mm_ops_tests.builders import START_NS, fill, fills, quotes


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    """Fills with the hash of their rows, where ``other`` is a column that only the file has."""
    raw = pl.concat([pl.DataFrame([{**row, "other": row.get("other", 0)}]) for row in rows], how="diagonal_relaxed")
    return raw.drop("other").with_columns(raw.hash_rows().alias(ROW_HASH))


def one(**different: Any) -> dict[str, Any]:
    return {**fill(0, "buy", 99), **different}


CASES: dict[str, tuple[list[dict[str, Any]], list[bool], list[bool]]] = {
    "an id that comes again at another exchange time is of ids that began anew": (
        [one(fill_id="a"), one(fill_id="a", exch_ts_ns=START_NS + 1), one(fill_id="b")],
        [False] * 3,
        [True, True, False],
    ),
    "an id that comes twice is one fill": (
        [one(fill_id="a"), one(fill_id="b"), one(fill_id="a")],
        [False, False, True],
        [False] * 3,
    ),
    "received at another time it is still the same": (
        [one(fill_id="a"), one(fill_id="a", ts_ns=5)],
        [False, True],
        [False, False],
    ),
    "an id of two prices is ambiguous, and all of it is": (
        [one(fill_id="a"), one(fill_id="b"), one(fill_id="a", price=98.0), one(fill_id="a")],
        [False] * 4,
        [True, False, True, True],
    ),
    "an id of two sides is ambiguous": (
        [one(fill_id="a"), one(fill_id="a", side="sell")],
        [False, False],
        [True, True],
    ),
    "an id of two quantities is ambiguous": (
        [one(fill_id="a"), one(fill_id="a", qty=2.0)],
        [False, False],
        [True, True],
    ),
    "two symbols may have one id": ([one(fill_id="a"), one(fill_id="a", symbol="Y")], [False] * 2, [False] * 2),
    "two venues may have one id": (
        [one(fill_id="a", venue="v"), one(fill_id="a", venue="w")],
        [False] * 2,
        [False] * 2,
    ),
    "a venue that is not told is one venue, and ambiguous as any": (
        [one(fill_id="a", venue=None), one(fill_id="a", venue=None, price=1.0)],
        [False] * 2,
        [True] * 2,
    ),
    "without ids equal rows are alike": ([one(), one(), one(qty=2.0)], [False, True, False], [False] * 3),
    "without ids another column of the file tells them apart": (
        [one(other=1), one(other=2)],
        [False, False],
        [False, False],
    ),
    "rows without an id beside rows with one": (
        [one(fill_id=None), one(fill_id="a"), one(fill_id=None), one(fill_id="a")],
        [False, False, True, True],
        [False] * 4,
    ),
    "ids that all differ": ([one(fill_id="a"), one(fill_id="b")], [False, False], [False, False]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fill_that_came_twice_is_found(name: str):
    rows, again, conflicting = CASES[name]
    found = find_doubled(frame(*rows))
    named = [row.get("fill_id") is not None for row in rows]
    assert ((found.again | found.alike).to_list(), found.conflicting.to_list()) == (again, conflicting)
    assert not [mask for mask, id_ in zip(found.alike, named, strict=True) if mask and id_]
    assert not [mask for mask, id_ in zip(found.again, named, strict=True) if mask and not id_]


def test_no_fills_are_no_doubled_fills():
    empty = fills().with_columns(pl.lit(0, dtype=pl.UInt64).alias(ROW_HASH))
    assert find_doubled(empty).again.to_list() == []


QUOTES: dict[str, tuple[list[tuple[float, float, float]], int]] = {
    "none": ([(0, 99, 101), (1, 99, 101)], 0),
    "one after the other": ([(0, 99, 101), (0, 99, 101)], 1),
    "with another between": ([(0, 99, 101), (0, 98, 101), (0, 99, 101)], 1),
    "three times": ([(0, 99, 101), (0, 99, 101), (0, 99, 101), (1, 99, 101)], 2),
    "of another price": ([(0, 99, 101), (0, 98, 101)], 0),
}


@pytest.mark.parametrize("name", QUOTES)
def test_quotes_that_equal_an_earlier_one_are_counted(name: str):
    rows, expected = QUOTES[name]
    assert count_doubled_quotes(quotes(*rows)) == expected


def test_the_column_of_time_may_have_another_name():
    twice = quotes((0, 99, 101), (0, 99, 101)).rename({"ts_ns": "time"})
    assert count_doubled_quotes(twice, "time") == 1


def test_quotes_doubled_across_two_parts_are_counted_once():
    rows = [(0, 99, 101), (1, 99, 101), (1, 99, 101), (1, 98, 101), (1, 99, 101), (1, 98, 101), (2, 98, 101)]
    whole = count_doubled_quotes(quotes(*rows))
    for cut in range(1, len(rows)):
        first, second = quotes(*rows[:cut]), quotes(*rows[cut:])
        parts = count_doubled_quotes(first) + count_doubled_quotes(second, before=last_moment(first))
        assert parts == whole == 3
    assert last_moment(quotes(*rows[:4])).height == 3
    assert last_moment(quotes()).height == 0


def test_later_fills_are_known_by_all_they_were_or_by_their_whole_row():
    given = frame(fill(1, "buy", 99, fill_id="a"), fill(2, "buy", 98, fill_id=None), fill(3, "buy", 97, fill_id="b"))
    later = frame(
        fill(1, "buy", 99, fill_id="a"),
        fill(2, "buy", 98, fill_id=None),
        fill(9, "buy", 97, fill_id="b"),
        fill(3, "sell", 97, fill_id="b"),
        fill(3, "buy", 97, fill_id="c"),
        fill(1, "buy", 99, fill_id="a", symbol="Y"),
    )
    found = Seen.of(given).find(later)
    assert found.again.to_list() == [True, *[False] * 5], "the next day may count its ids from 1 again"
    assert found.alike.to_list() == [False, True, *[False] * 4]
    assert not found.conflicting.any()
    received = later.with_columns(pl.col("ts_ns") + 1)
    assert Seen.of(given).find(received).again.to_list()[0], "sent again, it is the same by the exchange's clock"
    assert not Seen.of(given.drop("exch_ts_ns")).find(received.drop("exch_ts_ns")).again[0]


def test_where_all_have_an_id_no_row_needs_a_hash_and_where_none_has_each_does():
    named = fills(fill(1, "buy", 99, fill_id="a"))
    assert Seen.of(named).find(frame(fill(1, "buy", 99, fill_id="a"))).again.to_list() == [True]
    bare = frame(fill(1, "buy", 99)).drop("fill_id", strict=False)
    assert Seen.of(bare).find(bare).alike.to_list() == [True]


def test_every_fill_of_a_day_is_remembered():
    given = fills(fill(0, "buy", 99, fill_id="a"), fill(1, "buy", 99, fill_id="b"), fill(86399, "buy", 99, fill_id="c"))
    assert Seen.of(given).find(given).again.to_list() == [True, True, True]
    assert Seen.of(given).find(fills(fill(86400, "buy", 99, fill_id="a"))).again.to_list() == [False]


def test_fills_whose_time_is_not_known_are_compared_too():
    bare = fills(fill(0, "buy", 99, fill_id="a")).with_columns(exch_ts_ns=pl.lit(None, dtype=pl.Int64))
    assert Seen.of(bare).find(bare).again.to_list() == [True]
    timed = fills(fill(0, "buy", 99, fill_id="a"))
    assert Seen.of(timed).find(pl.concat([bare, timed])).again.to_list() == [False, True]


def test_doubled_quotes_are_counted_by_times_as_text_and_not_where_there_is_no_time():
    market = quotes((0, 99, 101), (0, 99, 101), (1, 99, 101), (2, 99, 101), (2, 98, 101), (2, 99, 101))
    assert count_doubled_quotes(market.with_columns(pl.col("ts_ns").cast(pl.String))) == 2
    assert count_doubled_quotes(market.with_columns(ts_ns=pl.lit(None, dtype=pl.Int64))) == 0
