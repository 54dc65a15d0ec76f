import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.counters import CounterIncrease, Ratio
from mm_ops.domain.sli.gauges import ConditionTime, Gauge
from mm_ops.domain.sli.histograms import HistogramQuantile
from mm_ops.domain.sli.kinds import Kind
from mm_ops.domain.sli.measurement import Problem, Scope
from mm_ops.domain.sli.series import Selector, Series, split_series
from mm_ops.domain.soak.bucket_rules import BucketPolicy
from mm_ops.domain.soak.buckets import Buckets, SliBuckets, buckets_from, measure_buckets
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import START, WORDS
from mm_ops_tests.domain.sli.small import scope, series
from mm_ops_tests.soak_samples import STEP, WINDOW, catalogue, healthy

MINUTE = timedelta(minutes=1)
POLICY = BucketPolicy(length=MINUTE, restart_metric="process_start_time_seconds", source=WORDS)
COUNTER = CounterIncrease(metric="c_total")
MEAN = Gauge(metric="g", statistic="mean")
BORN = series("process_start_time_seconds", [5.0] * 8)


def sli(measure: Kind) -> Sli:
    return Sli(name="x", unit="count", measure=measure, source=WORDS)


def measured(measure: Kind, *table: Series, seconds: int = 120, policy: BucketPolicy = POLICY) -> SliBuckets:
    return buckets_from(measure_buckets([sli(measure)], table, scope(seconds), policy)).slis["x"]


def restarts(*table: Series) -> Buckets:
    return buckets_from(measure_buckets([], table, scope(120), POLICY))


def test_a_gauge_is_measured_in_each_bucket_apart() -> None:
    assert measured(MEAN, series("g", [1, 2, 3, 4, 5, 6, 7, 8])).values == (2.5, 6.5)


def test_what_a_counter_counts_between_two_buckets_belongs_to_the_later_one() -> None:
    """Samples 0 1 2 3 | 10 11 12 13: the first bucket has three steps, the second its own three and the one of 7."""
    found = measured(COUNTER, series("c_total", [0, 1, 2, 3, 10, 11, 12, 13]))
    assert found.values == (3.0, 10.0)
    assert found.coverage == (1.0, 1.0)


def test_scrapes_need_not_lie_on_the_bucket_s_edge() -> None:
    """Samples at 7 s, 22 s, …: the last one before the minute is at 52 s."""
    at = [7.0 + 15 * n for n in range(8)]
    assert measured(COUNTER, series("c_total", [0, 1, 2, 3, 10, 11, 12, 13], at=at)).values == (3.0, 10.0)


def test_after_an_outage_a_bucket_holds_what_happened_since_and_its_coverage_says_so() -> None:
    """No sample from 15 s to 60 s: the second minute reaches back to 0 s, 5 samples where 8 would be."""
    found = measured(COUNTER, series("c_total", [0, 50, 51, 52, 53], at=[0, 60, 75, 90, 105]))
    assert (found.values, found.coverage) == ((None, 53.0), (0.25, 0.625))
    assert found.remarks == {0: "a series has a single sample or one that is not a number"}


def test_a_bucket_without_a_sample_has_no_value_and_says_why() -> None:
    found = measured(COUNTER, series("c_total", [0, 1, 2, 3]))
    assert (found.values, found.coverage) == ((3.0, None), (1.0, 0.0))
    assert found.remarks == {1: "no series c_total in the window"}


def test_samples_outside_the_window_do_not_count() -> None:
    at = [-15.0, *(15.0 * n for n in range(8)), 120.0]
    outside = series("c_total", [-100, 0, 1, 2, 3, 4, 5, 6, 7, 900], at=at)
    assert measured(COUNTER, outside).values == (3.0, 4.0)


def test_a_reset_counts_as_in_the_window() -> None:
    """3 | 2 4 6 8: after the reset the new value 2 is the step, then three of 2."""
    assert measured(COUNTER, series("c_total", [0, 1, 2, 3, 2, 4, 6, 8])).values == (3.0, 8.0)


def test_a_series_that_ended_long_ago_does_not_stretch_a_bucket() -> None:
    guards = CounterIncrease(metric="c_total", by={"guard": ("a", "b")})
    gone = series("c_total", [0, 1], guard="a")
    found = measured(guards, gone, series("c_total", [0, 1, 2, 3, 4, 5, 6, 7], guard="b"))
    assert found.values == (4.0, None)
    assert found.coverage == (0.5, 1.0)
    assert found.remarks == {1: 'no series c_total{guard="a"} in the window'}


def test_ratios_and_quantiles_reach_back_as_well() -> None:
    """Second minute: 4 of 8 missed. Quantile 0.5 of 8 below 10, of which 4 below 5: 5."""
    miss, all_of = series("m_total", [0, 0, 0, 0, 4, 4, 4, 4]), series("t_total", [0, 1, 2, 3, 11, 11, 11, 11])
    ratio = Ratio(numerator=(Selector("m_total"),), denominator=(Selector("t_total"),))
    assert measured(ratio, miss, all_of).values == (0.0, 0.5)
    counts = [0, 0, 0, 0, 8, 8, 8, 8]
    table = [
        series("h_bucket", [count * share for count in counts], le=le)
        for le, share in (("5.0", 0.5), ("10.0", 1.0), ("+Inf", 1.0))
    ]
    assert measured(HistogramQuantile(metric="h", q=0.5, bounds=(5.0, 10.0)), *table).values == (None, 5.0)


def test_a_quantile_beyond_the_highest_bucket_is_known_and_doubtful() -> None:
    table = [series("h_bucket", [0, 0, 0, 0, 0, 0, 0, 0], le="5"), series("h_bucket", list(range(8)), le="+Inf")]
    found = measured(HistogramQuantile(metric="h", q=0.5, bounds=(5.0,)), *table)
    assert (found.values, found.doubtful) == ((5.0, 5.0), [0, 1])
    assert found.remarks[0].startswith("the quantile lies above the highest finite bucket, 5")


def test_a_sample_that_is_not_finite_takes_the_value_of_its_bucket() -> None:
    """The maximum skips NaN as Prometheus does; the bucket does not."""
    found = measured(Gauge(metric="g", statistic="max"), series("g", [1, math.nan, 3, 4, 5, 6, 7, 8]))
    assert (found.values, found.remarks) == ((None, 8.0), {0: "1 samples are NaN or infinite"})
    assert found.doubtful == []


def test_the_time_of_a_condition_is_that_of_the_samples_of_its_bucket() -> None:
    assert measured(ConditionTime(metric="g"), series("g", [0, 0, 0, 1, 1, 0, 0, 0])).values == (15.0, 15.0)


def test_a_restart_lies_between_two_samples() -> None:
    found = restarts(series("process_start_time_seconds", [5, 5, 5, 65, 65, 65, 95, 95])).restarts
    seconds = [((one.after - START).seconds, (one.by - START).seconds) for one in found.times]
    assert seconds == [(30, 45), (75, 90)]
    assert (found.evidence.coverage, found.evidence.problem) == (1.0, None)


def test_a_process_that_went_on_did_not_restart() -> None:
    assert restarts(BORN).restarts.times == ()


@pytest.mark.parametrize(
    ("table", "problem", "not_finite"),
    [
        pytest.param([], Problem.NO_SERIES, 0, id="no start time"),
        pytest.param([BORN, replace(BORN, labels={"bot": "b"})], Problem.AMBIGUOUS, 0, id="two processes"),
        pytest.param([series("process_start_time_seconds", [5, math.nan, 5, 5, 5, 5, 5, 6])], None, 1, id="NaN"),
    ],
)
def test_without_one_whole_start_time_nothing_is_known_of_restarts(
    table: list[Series], problem: Problem | None, not_finite: int
) -> None:
    found = restarts(*table).restarts
    assert (found.times, found.evidence.problem, found.evidence.not_finite) == ((), problem, not_finite)


@pytest.mark.parametrize("seconds", [90, 1])
def test_a_window_of_no_whole_number_of_buckets_is_refused(seconds: int) -> None:
    with pytest.raises(PolicyError, match=r"buckets\.length: expected a whole number of them up to 1000 in .*, was 1m"):
        measure_buckets([], [BORN], scope(seconds), POLICY)


def test_more_buckets_than_can_be_compared_are_refused() -> None:
    assert len(buckets_from(measure_buckets([], [BORN], scope(60_000), POLICY)).starts) == 1000
    with pytest.raises(PolicyError, match="up to 1000 in 16h41m, was 1m"):
        measure_buckets([], [BORN], scope(60_060), POLICY)


def test_a_bucket_has_a_length() -> None:
    with pytest.raises(ValidationError, match="length: expected more than 0s, was 0s"):
        BucketPolicy(length=timedelta(0), restart_metric="x", source=WORDS)


counts = st.lists(st.integers(0, 5) | st.just(-1000), min_size=9, max_size=60)


@given(counts, st.lists(st.booleans(), min_size=60, max_size=60), st.sampled_from([0.0, 7.0, 14.9]))
def test_the_increases_of_all_buckets_are_that_of_the_window(steps: list[int], kept: list[bool], offset: float) -> None:
    """Whatever is lost or reset: nothing falls between two of them."""
    values, at = [0.0], [offset]
    for n, step in enumerate(steps):
        if kept[n]:
            values.append(max(0.0, values[-1] + step))
            at.append(offset + 15.0 * (n + 1))
    window = 60 * math.ceil((at[-1] + 1) / 60)
    table = [series("c_total", values, at=at)]
    found = measured(COUNTER, *table, seconds=window).values
    whole = COUNTER.evaluate(table, scope(window)).value
    if whole is not None:
        assert sum(value for value in found if value is not None) == whole


TABLE = split_series(healthy())
DOCUMENT = measure_buckets(catalogue().slis, TABLE, Scope(WINDOW, STEP), replace(POLICY, length=timedelta(hours=1)))


def test_what_is_stored_is_what_was_measured() -> None:
    stored = json.loads(encode(DOCUMENT))
    assert stored == DOCUMENT
    found = buckets_from(stored)
    assert found.window == WINDOW
    assert (len(found.starts), found.length, found.scrape_interval_s) == (72, timedelta(hours=1), 15.0)
    assert set(found.slis) == {one.name for one in catalogue().slis}


def test_a_bucket_means_what_the_sli_means() -> None:
    """Hour 17 of every kind, measured by itself on the same samples and the scrape before."""
    found = buckets_from(DOCUMENT)
    hour = TimeWindow(found.starts[17], found.starts[18])
    before = TimeWindow(hour.start - STEP, hour.end)
    for one in catalogue().slis:
        window = before if one.measure.windowed else hour
        alone = one.measure.evaluate(TABLE, Scope(window, STEP))
        assert (found.slis[one.name].values[17], found.slis[one.name].coverage[17]) == (alone.value, alone.coverage)


def test_the_order_of_series_and_slis_does_not_matter() -> None:
    policy = replace(POLICY, length=timedelta(hours=1))
    assert measure_buckets(catalogue().slis[::-1], TABLE[::-1], Scope(WINDOW, STEP), policy) == DOCUMENT


def test_an_sli_says_what_defines_it() -> None:
    assert measured(MEAN, series("g", [1] * 8)).definition == {
        "kind": "gauge",
        "metric": "g",
        "match": {},
        "statistic": "mean",
        "range": None,
    }


def changed(path: Sequence[str], value: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(encode(DOCUMENT))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return document


LAG = ("slis", "ws_lag_max_ms")


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({}, r"soak buckets: length_s: Field required"),
        (changed(["more"], 1), r"soak buckets: more: "),
        (changed(["length_s"], 0), r"length_s: .*greater than 0, was '0'"),
        (changed(["length_s"], 60.0), r"starts: expected one every 1m"),
        (changed(["starts"], []), r"starts: "),
        (changed([*LAG, "values"], ["1"] * 72), r"slis\.ws_lag_max_ms\.values\.0: .*valid number, was '1'"),
        (changed([*LAG, "values"], [1.0]), r"slis\.ws_lag_max_ms\.values: expected 72, was 1"),
        (changed([*LAG, "coverage"], [1.0]), r"slis\.ws_lag_max_ms\.coverage: expected 72, was 1"),
        (changed([*LAG, "coverage"], [2.0] * 72), r"slis\.ws_lag_max_ms\.coverage\.0: .*less than or equal to 1"),
        (changed([*LAG, "remarks"], {"72": "x"}), r"slis\.ws_lag_max_ms\.remarks: expected numbers of buckets"),
        (changed([*LAG, "values"], [math.nan] * 72), "not the JSON that was stored"),
        (changed(["restarts", "times"], [{"after": "noon", "by": "noon"}]), r"restarts\.times\.0\.after: "),
    ],
)
def test_a_broken_structure_is_refused_by_name(document: dict[str, Any], fault: str) -> None:
    with pytest.raises(SchemaError, match=fault):
        buckets_from(document)
