"""Fills as arrays keep their order and their columns."""

from dataclasses import fields, replace

import numpy as np
import pytest

from mm_ops.domain.edge.fill_arrays import FEW, MS, FillArrays, WaitingFills
from mm_ops.domain.edge.measures import price_fills
from mm_ops.domain.edge.symbol_edge import with_order_age
from mm_ops_tests.builders import START_NS, fill, fills, instrument


def arrays(*at: int) -> FillArrays:
    """Fills of which every column says when they were."""
    found = np.array(at, dtype=np.int64)
    return FillArrays(found, *((found * factor).astype(np.float64) for factor in range(2, 9)))


def same(found: FillArrays, *at: int) -> bool:
    expected = arrays(*at)
    return all(np.array_equal(getattr(found, item.name), getattr(expected, item.name)) for item in fields(FillArrays))


def taken(waiting: WaitingFills, before_ms: int) -> list[list[int]]:
    """The milliseconds of each part."""
    return [(part.at // MS).tolist() for part in waiting.take(before_ms * MS)]


@pytest.mark.parametrize(
    ("first", "then", "parts"),
    [
        ((), (1, 2), [[1, 2]]),
        ((1, 2), (), [[1, 2]]),
        ((1, 2), (3, 4), [[1, 2], [3, 4]]),
        ((1, 2), (2, 3), [[1, 2, 2], [3]]),
        ((1, 5), (2, 3, 9), [[1, 2, 3, 5], [9]]),
        ((5, 6), (1, 2), [[1, 2, 5, 6]]),
    ],
)
def test_parts_follow_one_another_in_time_and_share_no_millisecond(
    first: tuple[int, ...], then: tuple[int, ...], parts: list[list[int]]
):
    waiting = WaitingFills()
    for some in (first, then):
        waiting.add(arrays(*(each * MS for each in some)))
    assert taken(waiting, 100) == parts
    assert taken(waiting, 100) == []


def test_those_before_a_time_are_taken_and_the_others_wait():
    waiting = WaitingFills()
    waiting.add(arrays(1 * MS, 3 * MS))
    waiting.add(arrays(4 * MS, 6 * MS))
    assert [taken(waiting, before) for before in (0, 3, 5, 5, 7)] == [[], [[1]], [[3], [4]], [], [[6]]]


def test_of_one_time_those_that_waited_come_first():
    waiting = WaitingFills()
    waiting.add(replace(arrays(MS, MS), qty=np.array([1.0, 2.0])))
    waiting.add(replace(arrays(MS), qty=np.array([3.0])))
    assert next(waiting.take(2 * MS)).qty.tolist() == [1, 2, 3]


def test_some_are_picked_by_stretch_mask_or_index():
    every = arrays(1, 2, 3)
    assert same(every.pick(slice(1, 3)), 2, 3)
    assert same(every.pick(np.array([True, False, True])), 1, 3)
    assert same(every.pick(np.array([2, 0])), 3, 1)


def test_what_is_not_known_is_not_a_number():
    timed = fills(fill(1, "buy", 99, 2, fee=0.5), fill(2, "sell", 50, liquidity=None)).with_columns(at_ns="exch_ts_ns")
    found = FillArrays.of(price_fills(with_order_age(timed), instrument(contract_size=10.0)))
    assert found.at.tolist() == [START_NS + 10**9, START_NS + 2 * 10**9]
    assert (found.sign.tolist(), found.traded.tolist(), found.fee.tolist()) == ([1, -1], [1980, 500], [0.5, 0])
    assert found.role[0] == 1
    assert np.isnan(found.role[1])
    assert np.isnan(found.order_age_ms).all()


def test_few_that_are_left_are_a_copy_and_many_are_none():
    every = arrays(1, 2, 3)
    rest = every.since(1)
    assert same(rest, 2, 3)
    assert not np.shares_memory(rest.at, every.at)
    many = arrays(*range(FEW + 2))
    assert np.shares_memory(many.since(1).at, many.at)
    assert not np.shares_memory(many.since(2).at, many.at)
