import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.sli.histograms import HistogramQuantile, histogram_quantile
from mm_ops.domain.sli.measurement import Problem
from mm_ops.domain.sli.series import Series
from mm_ops_tests.domain.sli.small import scope, series

INF = math.inf
P95 = HistogramQuantile(metric="d", match={"stage": "t"}, q=0.95, bounds=(10.0, 20.0))
BUCKETS: Mapping[str, Sequence[float]] = {"10.0": [0, 50], "20.0": [0, 100], "+Inf": [0, 100]}


def histogram(buckets: Mapping[str, Sequence[float]] = BUCKETS, **labels: str) -> list[Series]:
    return [
        replace(series("d_bucket", values), labels={**labels, "stage": "t", "le": le}) for le, values in buckets.items()
    ]


@pytest.mark.parametrize(
    ("q", "buckets", "value", "beyond"),
    [
        pytest.param(0.5, {10: 50, 20: 100, INF: 100}, 10.0, False, id="a rank on a bound is that bound"),
        pytest.param(0.5, {10: 50, 20: 50, INF: 100}, 10.0, False, id="also where the next bucket is empty"),
        pytest.param(0.75, {10: 50, 20: 100, INF: 100}, 15.0, False, id="halfway through the second bucket"),
        pytest.param(0.25, {10: 50, 20: 100, INF: 100}, 5.0, False, id="the first bucket begins at zero"),
        pytest.param(0.25, {-10: 50, 20: 100, INF: 100}, -10.0, False, id="unless its bound is not positive"),
        pytest.param(0.99, {10: 50, 20: 80, INF: 100}, 20.0, True, id="beyond the highest finite bound"),
        pytest.param(0.6, {10: 50, 20: 40, INF: 100}, 20.0, True, id="a count that falls is raised"),
        pytest.param(0.4, {10: 50, 20: 40, INF: 100}, 8.0, False, id="and changes nothing below"),
    ],
)
def test_a_quantile_is_interpolated_as_prometheus_does(
    q: float, buckets: dict[float, float], value: float, *, beyond: bool
) -> None:
    found = histogram_quantile(q, buckets)
    assert found[0] == pytest.approx(value)
    assert found[1] is beyond


@pytest.mark.parametrize("buckets", [{10: 0.0, INF: 0.0}, {10: math.nan, INF: 5.0}, {10: 5.0, INF: math.nan}])
def test_a_quantile_of_nothing_is_not_a_number(buckets: dict[float, float]) -> None:
    value, beyond = histogram_quantile(0.5, buckets)
    assert math.isnan(value)
    assert not beyond


@given(
    st.lists(st.integers(0, 100), min_size=3, max_size=8).filter(lambda counts: sum(counts) > 0),
    st.floats(0.01, 0.99),
)
def test_at_a_bucket_bound_the_comparison_is_exact(counts: list[int], q: float) -> None:
    """The quantile is at most a bound exactly when the bucket of that bound holds the rank."""
    total = 0.0
    buckets: dict[float, float] = {}
    for n, count in enumerate(counts):
        total += count
        buckets[INF if n == len(counts) - 1 else 10.0 * (n + 1)] = total
    value, beyond = histogram_quantile(q, buckets)
    highest = max(bound for bound in buckets if bound < INF)
    for bound, held in list(buckets.items())[:-1]:
        within = value <= bound + 1e-9 and not (beyond and bound == highest)
        assert within == (held >= q * total) or abs(held - q * total) < 1e-6


def test_buckets_are_summed_increases_over_the_window() -> None:
    found = P95.evaluate(histogram({"10.0": [7, 57], "20.0": [9, 109], "+Inf": [9, 109]}, bot="x"), scope())
    assert found.value == pytest.approx(19.0)
    assert (found.series, found.labels) == (3, {"bot": "x"})


def test_a_bound_is_a_number_however_the_exporter_writes_it() -> None:
    found = P95.evaluate(histogram({"10": [0, 50], "2e1": [0, 100], "+Inf": [0, 100]}), scope())
    assert found.value == pytest.approx(19.0)


@pytest.mark.parametrize(("lost", "shown"), [("10.0", "le=10"), ("20.0", "le=20"), ("+Inf", "le=inf")])
def test_a_lost_bucket_is_no_measurement_not_a_wider_guess(lost: str, shown: str) -> None:
    found = P95.evaluate(histogram({le: v for le, v in BUCKETS.items() if le != lost}), scope())
    assert (found.value, found.problem, found.detail) == (None, Problem.NO_SERIES, f"no bucket {shown}")


def test_no_bucket_at_all_names_the_series() -> None:
    assert P95.evaluate([], scope()).detail == 'no series d_bucket{stage="t"} in the window'


@pytest.mark.parametrize(("le", "shown"), [("15.0", "le=15"), ("wide", "le=nan")])
def test_a_bucket_that_the_policy_does_not_foresee_is_doubtful(le: str, shown: str) -> None:
    found = P95.evaluate(histogram({**BUCKETS, le: [0, 75]}), scope())
    assert found.doubt == f"a bucket that the policy does not foresee: {shown}"


def test_a_quantile_beyond_the_buckets_is_doubtful() -> None:
    found = P95.evaluate(histogram({"10.0": [0, 50], "20.0": [0, 90], "+Inf": [0, 100]}), scope())
    assert found.value == 20.0
    assert found.doubt == "the quantile lies above the highest finite bucket, 20: how far is not known"


def test_nothing_observed_is_not_a_number() -> None:
    found = P95.evaluate(histogram({le: [3, 3] for le in BUCKETS}), scope())
    assert (found.value, found.problem) == (None, Problem.NOT_A_NUMBER)


def test_two_bots_are_ambiguous() -> None:
    found = P95.evaluate([*histogram(bot="x"), *histogram(bot="y")], scope())
    assert found.problem is Problem.AMBIGUOUS


def test_bounds_that_do_not_ascend_and_a_matched_le_are_refused() -> None:
    with pytest.raises(ValueError, match="bounds: expected ascending numbers"):
        HistogramQuantile(metric="d", q=0.5, bounds=(2.0, 2.0))
    with pytest.raises(ValueError, match="le is summed over"):
        HistogramQuantile(metric="d", match={"le": "1"}, q=0.5, bounds=(2.0,))


@pytest.mark.parametrize("le", ["10.0", "20.0", "+Inf"])
def test_a_bucket_below_zero_is_no_measurement_and_is_named(le: str) -> None:
    found = P95.evaluate(histogram({**BUCKETS, le: [0, -1, 100]}), scope())
    assert (found.value, found.problem) == (None, Problem.NOT_A_NUMBER)
    assert found.detail == f'd_bucket{{le="{le}",stage="t"}} was -1: a counter is never below zero'


def test_a_histogram_of_which_a_bucket_falls_all_the_time_is_in_doubt() -> None:
    found = P95.evaluate(histogram({"10.0": [90, 50, 20], "20.0": [100, 150, 200], "+Inf": [100, 150, 200]}), scope())
    assert found.value is not None
    assert found.doubt == 'd_bucket{le="10.0",stage="t"} fell at 2 of 2 steps, as if it restarted at each'


def test_a_stretch_in_which_nothing_was_observed_is_a_gap() -> None:
    """All buckets stand still from 15 s on: of 60 s the last 45 s are without evidence."""
    found = P95.evaluate(histogram({le: [0, *[values[1]] * 3] for le, values in BUCKETS.items()}), scope())
    assert found.value == pytest.approx(19.0)
    assert (found.coverage, found.longest_gap_s, found.stalled) == (1.0, 45.0, "d_bucket of +Inf")


def test_only_the_infinite_bucket_says_whether_anything_was_observed() -> None:
    slow = {"10.0": [0, 50, 50, 50], "20.0": [0, 100, 100, 100], "+Inf": [0, 100, 101, 102]}
    assert P95.evaluate(histogram(slow), scope()).longest_gap_s == 15
