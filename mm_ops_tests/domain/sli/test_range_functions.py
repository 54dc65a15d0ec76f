import itertools
import math
from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.sli.instants import Instants, Times
from mm_ops.domain.sli.range_functions import (
    changes,
    count_over_time,
    delta,
    increase,
    irate,
    last_over_time,
    over_time,
    quantile_over_time,
    rate,
    resets,
)
from mm_ops.domain.sli.series import Series
from mm_ops_tests.domain.sli.small import scope, series

START_NS = scope().window.start_ns
NAN, INF = math.nan, math.inf
Range = Callable[[Series, Times, timedelta], Instants]


def at(*seconds: float) -> Times:
    return START_NS + np.array([round(second * 1e9) for second in seconds], dtype=np.int64)


def value(function: Range, one: Series, second: float, window: float) -> float | None:
    found = function(one, at(second), timedelta(seconds=window))
    return float(found.values[0]) if found.present[0] else None


@pytest.mark.parametrize(
    ("values", "seconds", "second", "window", "expected"),
    [
        pytest.param([0, 10, 20, 30, 40], None, 60, 60, 40, id="both ends are inside: 40 over all of 60 s"),
        pytest.param([0, 10, 20, 30, 40], None, 67, 60, 40, id="8 s and 7 s are near: 30 * (45 + 8 + 7) / 45"),
        pytest.param(
            [1, 11, 21], [15, 30, 45], 60, 60, 31, id="zero 1.5 s before the first: 20 * (30 + 1.5 + 15) / 30"
        ),
        pytest.param([100, 110], [30, 45], 100, 100, 20, id="30 s and 55 s are far: 10 * (15 + 7.5 + 7.5) / 15"),
        pytest.param([100, 110], [16.5, 31.5], 31.5, 31.5, 15, id="1.1 x 15 s is far: 10 * (15 + 7.5) / 15"),
        pytest.param([100, 110], [16, 31], 31, 31, 310 / 15, id="less than 1.1 x 15 s is near: 10 * (15 + 16) / 15"),
        pytest.param([10, 20, 5, 15], None, 45, 45, 25, id="a reset: 15 - 10 + 20"),
        pytest.param([10, 20, 5, 3, 4], None, 60, 60, 19, id="two resets: 4 - 10 + 20 + 5"),
        pytest.param([5, 15], None, 15, 30, 15, id="zero 7.5 s before the first: 10 * (15 + 7.5) / 15"),
        pytest.param([7, 7, 7], None, 30, 30, 0, id="nothing counted is zero, and there"),
        pytest.param([10, NAN, 5, 15], None, 45, 45, 5, id="a NaN inside hides the reset next to it"),
        pytest.param([10, 11, NAN], None, 30, 30, NAN, id="a NaN at the end is the result"),
        pytest.param([10], None, 60, 60, None, id="one sample is no step"),
        pytest.param([10, 20], None, 100, 60, None, id="no sample in the range"),
        pytest.param(
            [INF, 1, 3], None, 45, 30, 4, id="an infinity before the range leaves it alone: 2 * (15 + 15) / 15"
        ),
    ],
)
def test_an_increase_is_stretched_to_the_ends_of_its_range(
    values: list[float], seconds: list[float] | None, second: float, window: float, expected: float | None
) -> None:
    one = series("c", values, at=seconds)
    found = value(increase, one, second, window)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-12, nan_ok=True))
    per_second = value(rate, one, second, window)
    assert per_second == (None if expected is None else pytest.approx(expected / window, rel=1e-12, nan_ok=True))


def test_a_gauge_falls_without_a_reset_and_is_not_clamped_at_zero() -> None:
    assert value(delta, series("g", [10, 20, 5]), 30, 30) == -5
    assert value(delta, series("g", [1, 11], at=[15, 30]), 45, 45) == 30  # 10 * (15 + 15 + 15) / 15


def test_the_last_step_alone_is_the_instant_rate() -> None:
    assert value(irate, series("c", [0, 300, 315]), 31, 31) == 1
    assert value(irate, series("c", [0, 300, 30]), 31, 31) == 2  # a reset: 30 in 15 s
    assert value(irate, series("c", [0, 300]), 29, 5) is None


def test_resets_and_changes_are_steps_inside_the_range() -> None:
    one = series("c", [3, 2, 2, NAN, NAN, 1, 0])
    assert [value(resets, one, second, 60) for second in (0, 15, 60, 90)] == [0, 1, 1, 1]
    assert [value(changes, one, second, 60) for second in (0, 15, 60, 90)] == [0, 1, 2, 3]
    assert value(resets, one, 200, 60) is None


def test_the_samples_of_a_range_are_folded() -> None:
    one = series("g", [4, NAN, -2, 9])
    assert [value(count_over_time, one, second, 30) for second in (-1, 0, 30, 75, 76)] == [None, 1, 3, 1, None]
    assert [value(last_over_time, one, second, 30) for second in (14, 44, 45)] == [4, -2, 9]
    assert value(_min, one, 30, 30) == -2
    assert value(_max, one, 30, 30) == 4
    assert value(_sum, one, 45, 15) == 7
    assert math.isnan(value(_sum, one, 45, 45) or 0)


@pytest.mark.parametrize(("q", "expected"), [(0, -2), (0.25, 1), (0.5, 4), (0.75, 6.5), (1, 9)])
def test_a_quantile_lies_between_the_two_nearest_samples(q: float, expected: float) -> None:
    """Sorted: -2, 4, 9; the rank of q is 2 q."""
    one = series("g", [4, -2, 9, 1000])
    assert value(lambda *rest: quantile_over_time(q, *rest), one, 30, 60) == expected


def test_nan_ranks_below_everything_in_a_quantile_even_below_minus_infinity() -> None:
    one = series("g", [4, NAN, -INF])
    low, middle, high = (value(lambda *rest, q=q: quantile_over_time(q, *rest), one, 30, 60) for q in (0, 0.75, 1))
    assert (math.isnan(low or 0), middle, high) == (True, -INF, 4)


def _min(one: Series, times: Times, window: timedelta) -> Instants:
    return over_time(np.fmin, one, times, window)


def _max(one: Series, times: Times, window: timedelta) -> Instants:
    return over_time(np.fmax, one, times, window)


def _sum(one: Series, times: Times, window: timedelta) -> Instants:
    return over_time(np.add, one, times, window)


def one_by_one(points: Sequence[tuple[int, float]], second: int, window: int, *, counter: bool) -> float | None:
    """The formula of the module's text for one time, sample by sample."""
    inside = [(ts, number) for ts, number in points if second - window <= ts <= second]
    if len(inside) < 2:
        return None
    (start, low), (end, high) = inside[0], inside[-1]
    counted = high - low
    if counter:
        counted += sum(before for (_, before), (_, now) in itertools.pairwise(inside) if now < before)
    average = (end - start) / (len(inside) - 1)
    head, tail = float(start - (second - window)), float(second - end)
    if counter and counted > 0 and low >= 0:
        head = min(head, (end - start) * (low / counted))
    reach = float(end - start)
    for edge in (head, tail):
        reach += edge if edge < 1.1 * average else average / 2
    return counted * (reach / (end - start))


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
    st.lists(st.one_of(st.integers(-5, 50), st.just(NAN)), min_size=30, max_size=30),
    st.integers(1, 200),
)
def test_many_times_at_once_are_each_time_by_itself(gaps: list[int], values: list[float], window: int) -> None:
    seconds = np.cumsum(gaps).tolist()
    points = list(zip(seconds, values, strict=False))
    one = series("c", values[: len(seconds)], at=seconds)
    times = list(range(0, seconds[-1] + window + 30, 7))
    for function, counter in ((increase, True), (delta, False)):
        found = function(one, at(*times), timedelta(seconds=window))
        expected = [one_by_one(points, second, window, counter=counter) for second in times]
        assert found.present.tolist() == [number is not None for number in expected]
        numbers = [NAN if number is None else number for number in expected]
        assert found.values.tolist() == pytest.approx(numbers, rel=1e-12, nan_ok=True)
