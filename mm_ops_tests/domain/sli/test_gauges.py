import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.sli.gauges import ConditionTime, Gauge, Range
from mm_ops.domain.sli.measurement import Problem
from mm_ops_tests.domain.sli.small import scope, series

Statistic = Literal["min", "max", "mean", "last", "changes"]
OPEN = ConditionTime(metric="breaker", match={"state": "open"})


@pytest.mark.parametrize(
    ("statistic", "value"), [("min", -2.0), ("max", 9.0), ("mean", 3.0), ("last", 4.0), ("changes", 3.0)]
)
def test_a_statistic_is_of_raw_samples_inside_the_window(statistic: Statistic, value: float) -> None:
    gauge = Gauge(metric="g", statistic=statistic)
    found = gauge.evaluate([series("g", [1, 9, -2, 4, 1000])], scope())
    assert (found.value, found.samples) == (value, 4)


@pytest.mark.parametrize(("statistic", "value"), [("min", 1.0), ("max", 9.0), ("last", 1.0)])
def test_minimum_and_maximum_skip_nan_as_prometheus_does_but_it_is_counted(statistic: Statistic, value: float) -> None:
    found = Gauge(metric="g", statistic=statistic).evaluate([series("g", [9, math.nan, 1])], scope())
    assert (found.value, found.not_finite) == (value, 1)


@pytest.mark.parametrize(
    ("statistic", "values"),
    [
        ("mean", [1, math.nan]),
        ("last", [1, math.nan]),
        ("max", [1, math.inf]),
        ("min", [math.nan] * 3),
        ("mean", [math.inf, -math.inf]),
    ],
)
def test_a_statistic_that_is_not_finite_is_no_value(statistic: Statistic, values: list[float]) -> None:
    found = Gauge(metric="g", statistic=statistic).evaluate([series("g", values)], scope())
    assert (found.value, found.problem) == (None, Problem.NOT_A_NUMBER)


def test_a_spike_of_one_sample_is_the_maximum() -> None:
    found = Gauge(metric="g", statistic="max").evaluate([series("g", [5.0] * 20 + [900.0] + [5.0] * 19)], scope(600))
    assert found.value == 900.0


def test_absent_and_doubled_gauges_are_no_measurement() -> None:
    gauge = Gauge(metric="g", statistic="max")
    assert gauge.evaluate([], scope()).problem is Problem.NO_SERIES
    assert gauge.evaluate([series("g", [1], bot=bot) for bot in "xy"], scope()).problem is Problem.AMBIGUOUS


@pytest.mark.parametrize(
    ("values", "at", "seconds"),
    [
        pytest.param([0, 1, 1, 0], None, 30, id="from a sample to the next"),
        pytest.param([0, 0, 0, 1], None, 15, id="the last one holds to the window's end"),
        pytest.param([0, 0, 0, 0], None, 0, id="never, which is a number"),
        pytest.param([1, 0], [0, 40], 40, id="over a short gap"),
        pytest.param([0, math.nan, 2], None, 0, id="neither NaN nor another value is the condition"),
        pytest.param([1, 1], [50, 55], 10, id="what was before the first sample is not known"),
    ],
)
def test_the_time_of_a_condition(values: list[float], at: list[float] | None, seconds: float) -> None:
    found = OPEN.evaluate([series("breaker", values, at=at, state="open")], scope())
    assert found.value == seconds


def test_a_state_holds_for_five_minutes_at_most() -> None:
    found = OPEN.evaluate([series("breaker", [1, 0], at=[0, 800], state="open")], scope(900))
    assert found.value == 300


def test_other_states_do_not_count_and_no_state_is_no_measurement() -> None:
    assert OPEN.evaluate([series("breaker", [1], state="closed")], scope()).problem is Problem.NO_SERIES


def test_the_condition_may_be_another_value() -> None:
    degraded = ConditionTime(metric="breaker", equals=2)
    assert degraded.evaluate([series("breaker", [2, 1, 2, 0])], scope()).value == 30


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=4))
def test_a_condition_and_its_contrary_fill_the_window(values: list[float]) -> None:
    one = [series("breaker", values, state="open")]
    contrary = ConditionTime(metric="breaker", equals=0)
    seconds = [kind.evaluate(one, scope()).value for kind in (OPEN, contrary)]
    assert sum(value for value in seconds if value is not None) == 60


NAN = math.nan


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        pytest.param([5], 0, id="one sample"),
        pytest.param([5, 5, 5, 5], 0, id="always the same"),
        pytest.param([5, 6, 6, 5], 2, id="there and back"),
        pytest.param([5, NAN, NAN, 5], 2, id="two NaN are alike, as in Prometheus"),
    ],
)
def test_changes_are_counted_between_samples(values: list[float], changes: int) -> None:
    found = Gauge(metric="g", statistic="changes").evaluate([series("g", values)], scope())
    assert found.value == changes


SHARE = Gauge(metric="g", statistic="mean", range=Range(least=0.0, most=1.0))


def test_both_ends_of_the_range_are_possible() -> None:
    assert SHARE.evaluate([series("g", [0, 1, 1, 0])], scope()).value == 0.5


@pytest.mark.parametrize(
    ("values", "was"),
    [
        ([0.5, 5, 0.5, -1], "5 at 2026-11-20T00:00:15Z, expected 0 to 1 (in 2 of 4 samples)"),
        ([-0.25, 0.5], "-0.25 at 2026-11-20T00:00:00Z, expected 0 to 1 (in 1 of 2 samples)"),
        ([0.5, 0.5, math.inf], "inf at 2026-11-20T00:00:30Z, expected 0 to 1 (in 1 of 3 samples)"),
    ],
)
def test_one_impossible_sample_makes_it_no_measurement(values: list[float], was: str) -> None:
    found = SHARE.evaluate([series("g", values)], scope())
    assert (found.value, found.problem, found.detail) == (None, Problem.NOT_A_NUMBER, f"impossible: g was {was}")


def test_an_impossible_sample_outside_the_window_is_another_window_s() -> None:
    assert SHARE.evaluate([series("g", [1, 1, 1, 1, 5])], scope()).value == 1


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=4), st.sampled_from(["min", "max", "mean", "last", "changes"]))
def test_a_gauge_has_a_value_just_where_all_samples_are_possible(values: list[float], statistic: Statistic) -> None:
    gauge = Gauge(metric="g", statistic=statistic, range=Range(least=-1.0, most=2.0))
    found = gauge.evaluate([series("g", values)], scope())
    assert (found.value is not None) == all(-1 <= value <= 2 for value in values)


def test_a_range_from_more_to_less_is_refused() -> None:
    with pytest.raises(ValueError, match="range: expected least up to most, was 2 and 1"):
        Range(least=2.0, most=1.0)
    assert Range(least=1.0, most=1.0).least == 1


@pytest.mark.parametrize(
    ("equals", "values", "doubt"),
    [
        (1.0, [0, 1, 2, 2], "breaker was 2 in 2 samples, neither 0 nor 1"),
        (1.0, [0, 0.5], "breaker was 0.5 in 1 samples, neither 0 nor 1"),
        (2.0, [0, 2, 1], "breaker was 1 in 1 samples, neither 0 nor 2"),
        (0.0, [0, 1, 3], "breaker was 3 in 1 samples, neither 1 nor 0"),
        (0.0, [0, 1, 1], None),
        (2.0, [0, 2, 0], None),
    ],
)
def test_a_state_that_is_none_makes_the_time_doubtful(equals: float, values: list[float], doubt: str | None) -> None:
    found = ConditionTime(metric="breaker", equals=equals).evaluate([series("breaker", values)], scope())
    assert found.value is not None
    assert found.doubt == doubt
