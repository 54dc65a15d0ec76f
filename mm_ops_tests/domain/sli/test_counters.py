import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.sli.counters import CounterIncrease, Ratio, counted_at, increase
from mm_ops.domain.sli.gauges import Range
from mm_ops.domain.sli.measurement import Problem
from mm_ops.domain.sli.series import Selector
from mm_ops_tests.domain.sli.small import scope, series

TRIPS = CounterIncrease(metric="trips", by={"guard": ("a", "b")})
HITS = Ratio(
    numerator=(Selector("hit"),),
    denominator=(Selector("hit"), Selector("miss")),
)
MISSED = Ratio(numerator=(Selector("miss"),), denominator=(Selector("ticks"),))


@pytest.mark.parametrize(
    ("values", "counted"),
    [
        pytest.param([5, 5, 5], 0, id="nothing counted"),
        pytest.param([5, 8, 8, 10], 5, id="steps are summed"),
        pytest.param([5, 8, 2, 3], 6, id="after a reset the new value is the step: 3 + 2 + 1"),
        pytest.param([5, 0, 0], 0, id="a reset to zero counts nothing"),
        pytest.param([1, 1], 0, id="a series that is born at 1 loses that 1"),
    ],
)
def test_an_increase_is_the_sum_of_positive_steps(values: list[float], counted: float) -> None:
    assert increase(np.array(values, dtype=np.float64)) == counted


@pytest.mark.parametrize(
    "values",
    [[], [7.0], [1.0, math.nan, 2.0], [1.0, math.inf, math.inf], [-1.0, 2.0], [1.0, -1.0, 2.0], [1.0, -math.inf, 0.0]],
)
def test_an_increase_of_too_little_or_of_no_numbers_is_not_a_number(values: list[float]) -> None:
    assert math.isnan(increase(np.array(values, dtype=np.float64)))


@given(st.lists(st.integers(0, 50), min_size=2, max_size=40), st.integers(1, 39))
def test_a_window_cut_at_a_sample_that_both_halves_hold_loses_nothing(steps: list[int], at: int) -> None:
    values = np.cumsum(np.array(steps, dtype=np.float64))
    cut = min(at, len(steps) - 1)
    halves = [increase(half) for half in (values[: cut + 1], values[cut:]) if half.size > 1]
    assert sum(halves) == increase(values) == sum(steps[1:])


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), min_size=1, max_size=5))
def test_restarts_lose_nothing_that_was_scraped(lives: list[list[int]]) -> None:
    """Each life counts from zero up and its first scrape already holds its first step."""
    values = np.concatenate([np.cumsum(np.array([*life, 10_000 * n]))[:-1] for n, life in enumerate(lives)])
    resets = np.concatenate([[1000.0], values.astype(np.float64)])
    seen, last = 0.0, 1000.0
    for value in values:
        seen += value - last if value >= last else value
        last = value
    assert increase(resets) == seen


def test_trips_are_summed_over_guards() -> None:
    found = TRIPS.evaluate(
        [series("trips", [0, 1, 1, 1], guard="a", bot="x"), series("trips", [0, 0, 0, 2], guard="b", bot="x")],
        scope(),
    )
    assert (found.value, found.series, found.labels, found.problem) == (3.0, 2, {"bot": "x"}, None)


def test_a_guard_that_is_absent_is_no_measurement() -> None:
    found = TRIPS.evaluate([series("trips", [0, 1, 1, 1], guard="a")], scope())
    assert (found.value, found.problem) == (None, Problem.NO_SERIES)
    assert found.detail == 'no series trips{guard="b"} in the window'


def test_no_guard_at_all_is_no_measurement_either() -> None:
    found = TRIPS.evaluate([], scope())
    assert (found.value, found.problem) == (None, Problem.NO_SERIES)


def test_a_guard_that_the_policy_does_not_foresee_counts_but_is_doubtful() -> None:
    guards = [series("trips", [0, 1], guard=guard) for guard in "abc"]
    found = TRIPS.evaluate(guards, scope())
    assert found.value == 3.0
    assert found.doubt == 'a series that the policy does not foresee: trips{guard="c"} in the window'


def test_two_bots_are_ambiguous() -> None:
    guards = [series("trips", [0, 1], guard=guard, bot=bot) for guard in "ab" for bot in "xy"]
    assert TRIPS.evaluate(guards, scope()).problem is Problem.AMBIGUOUS


def test_a_counter_without_labels_to_sum_is_one_series() -> None:
    plain = CounterIncrease(metric="trips")
    assert plain.evaluate([series("trips", [1, 4], bot="x")], scope()).value == 3.0
    assert plain.evaluate([], scope()).detail == "no series trips in the window"


def test_a_single_sample_is_no_increase() -> None:
    found = CounterIncrease(metric="trips").evaluate([series("trips", [3])], scope())
    assert (found.value, found.problem) == (None, Problem.NOT_A_NUMBER)


def test_the_miss_ratio_divides_by_ticks() -> None:
    found = MISSED.evaluate([series("miss", [1, 1, 2]), series("ticks", [100, 140, 150])], scope())
    assert found.value == pytest.approx(1 / 50)


def test_the_hit_ratio_divides_by_hits_and_misses() -> None:
    found = HITS.evaluate([series("hit", [0, 60, 90]), series("miss", [5, 10, 15])], scope())
    assert found.value == pytest.approx(90 / 100)


@pytest.mark.parametrize("absent", ["hit", "miss"])
def test_a_ratio_without_one_of_its_series_is_no_measurement(absent: str) -> None:
    both = [series("hit", [0, 60]), series("miss", [5, 10])]
    found = HITS.evaluate([one for one in both if one.metric != absent], scope())
    assert (found.value, found.problem) == (None, Problem.NO_SERIES)
    assert found.detail == f"no series {absent} in the window"


@pytest.mark.parametrize(("above", "words"), [([3, 3], "0 / 0"), ([3, 4], "1 / 0")])
def test_a_ratio_to_nothing_is_not_a_number(above: list[float], words: str) -> None:
    found = MISSED.evaluate([series("miss", above), series("ticks", [9, 9])], scope())
    assert (found.value, found.problem, found.detail) == (None, Problem.NOT_A_NUMBER, f"{words} is no ratio")


def test_a_ratio_reads_each_series_once() -> None:
    assert HITS.selectors() == (Selector("hit"), Selector("miss"))


def test_a_counter_below_zero_is_no_measurement_and_is_named() -> None:
    found = TRIPS.evaluate([series("trips", [0, 0, -3, 0], guard="a"), series("trips", [0, 0], guard="b")], scope())
    assert (found.value, found.problem) == (None, Problem.NOT_A_NUMBER)
    assert found.detail == 'trips{guard="a"} was -3: a counter is never below zero'


@pytest.mark.parametrize("below", ["hit", "miss"])
def test_a_ratio_of_a_counter_below_zero_is_no_measurement(below: str) -> None:
    values = {"hit": [0, 60, 90], "miss": [5, 10, 15]} | {below: [0, -0.5, 1]}
    found = HITS.evaluate([series(name, each) for name, each in values.items()], scope())
    assert (found.value, found.problem) == (None, Problem.NOT_A_NUMBER)
    assert found.detail == f"{below} was -0.5: a counter is never below zero"


@given(st.lists(st.integers(-3, 9), min_size=2, max_size=4), st.lists(st.integers(0, 9), min_size=2, max_size=4))
def test_no_value_ever_comes_from_a_sample_below_zero(hit: list[int], miss: list[int]) -> None:
    found = HITS.evaluate([series("hit", hit), series("miss", miss)], scope())
    assert found.value is None or min(hit) >= 0
    assert found.value is None or 0 <= found.value <= 1


def test_a_count_that_falls_all_the_time_is_in_doubt() -> None:
    # 9 is lost, then 8 + 7 + 6 are counted, as after three restarts
    found = CounterIncrease(metric="trips").evaluate([series("trips", [9, 8, 7, 6])], scope())
    assert (found.value, found.doubt) == (21.0, "trips fell at 3 of 3 steps, as if it restarted at each")


def test_a_ratio_of_a_count_that_falls_all_the_time_is_in_doubt() -> None:
    found = HITS.evaluate([series("hit", [9, 8, 7, 9]), series("miss", [0, 0, 0, 1])], scope())
    assert (found.value, found.doubt) == (17 / 18, "hit fell at 2 of 3 steps, as if it restarted at each")


def test_a_restart_at_every_second_step_is_believed_still() -> None:
    found = CounterIncrease(metric="trips").evaluate([series("trips", [9, 0, 0])], scope())
    assert (found.value, found.doubt) == (0.0, None)


@pytest.mark.parametrize(
    ("values", "at"),
    [
        pytest.param([5, 6, 6, 7], [0, 15, 45], id="where it grew, and at first"),
        pytest.param([5, 2, 2, 2], [0, 15], id="a restart to 2 counted 2"),
        pytest.param([5, 0, 0, 1], [0, 45], id="a restart to 0 counted nothing"),
        pytest.param([5], [0], id="a single sample"),
    ],
)
def test_a_counter_is_seen_to_count(values: list[float], at: list[int]) -> None:
    start = scope().window.start_ns
    assert ((counted_at(series("c", values)) - start) / 1e9).tolist() == at


def test_a_share_of_ticks_that_stand_still_has_a_gap_though_every_sample_is_there() -> None:
    """The last tick that was seen is that of 15 s; the misses go on, as they may."""
    found = MISSED.evaluate([series("miss", [0, 1, 2, 3]), series("ticks", [0, 100, 100, 100])], scope())
    assert (found.value, found.coverage, found.longest_gap_s, found.stalled) == (0.03, 1.0, 45.0, "ticks")


SHARE = replace(MISSED, range=Range(least=0, most=1))


@pytest.mark.parametrize(
    ("missed", "ticks", "value", "detail"),
    [
        ([0, 4], [0, 4], 1.0, ""),
        ([0, 0], [0, 4], 0.0, ""),
        ([0, 5], [0, 4], None, "impossible: 5 / 4 was 1.25, expected 0 to 1"),
        ([0, 0], [4, 4], None, "0 / 0 is no ratio"),
        ([0, -1], [0, 4], None, "miss was -1: a counter is never below zero"),
        ([0, math.inf], [0, 4], None, "impossible: inf / 4 was inf, expected 0 to 1"),
    ],
)
def test_a_share_of_more_than_all_is_no_measurement(
    missed: list[float], ticks: list[float], value: float | None, detail: str
) -> None:
    found = SHARE.evaluate([series("miss", missed), series("ticks", ticks)], scope())
    assert (found.value, found.detail) == (value, detail)
    assert (found.problem is Problem.NOT_A_NUMBER) is (value is None)


def test_a_ratio_without_a_range_may_be_over_one() -> None:
    assert MISSED.evaluate([series("miss", [0, 5]), series("ticks", [0, 4])], scope()).value == 1.25


def test_a_share_has_evidence_where_any_part_of_its_denominator_grows() -> None:
    hit, miss = series("hit", [0, 1, 1, 1]), series("miss", [0, 0, 1, 2])
    assert HITS.evaluate([hit, miss], scope()).longest_gap_s == 15
    still = HITS.evaluate([hit, series("miss", [0] * 4)], scope())
    assert (still.longest_gap_s, still.stalled) == (45, "hit + miss")


def test_no_trip_is_evidence_as_good_as_a_trip() -> None:
    found = CounterIncrease(metric="trips").evaluate([series("trips", [7] * 4)], scope())
    assert (found.value, found.longest_gap_s, found.stalled) == (0.0, 15.0, None)


@given(st.lists(st.integers(1, 9), min_size=240, max_size=240), st.integers(1, 200), st.integers(21, 240))
def test_a_stall_is_a_gap_as_long_as_it_lasts(ticks: list[int], start: int, length: int) -> None:
    """From sample ``start`` on nothing is counted for so many samples, or to the window's end."""
    end = min(start + length, 240)
    values = np.cumsum([0 if start <= n < end else tick for n, tick in enumerate(ticks)]).tolist()
    found = MISSED.evaluate([series("miss", [0] * 240), series("ticks", values)], scope(3600))
    assert found.longest_gap_s == 15 * (end - start + 1)
