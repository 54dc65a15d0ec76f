from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_ops.adapters.recording import RecordingSamples
from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.gauges import Gauge
from mm_ops.domain.sli.measurement import Measurement, Problem, Scope
from mm_ops.domain.sli.series import Selector, Series, split_series
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.bucket_rules import BucketPolicy, Trend
from mm_ops.domain.soak.buckets import Buckets, buckets_from, measure_buckets
from mm_ops.domain.soak.rank_statistics import mann_kendall, theil_sen
from mm_ops.domain.soak.trend import evaluate_trend
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops_tests.builders import WORDS
from mm_ops_tests.domain.soak.bucketed import GOOD, HOUR, buckets, restarted, sli_buckets
from mm_ops_tests.soak_samples import STEP, WINDOW, catalogue

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
TREND = Trend(
    name="lag_trend",
    sli="x",
    bound=Bound.AT_MOST,
    limit=200.0,
    unit="ms",
    horizon=timedelta(days=7),
    significance=0.01,
    min_points=24,
    severity=Severity.HARD,
    source=WORDS,
)
LEVEL = np.full(72, 100.0)
DAYS = np.arange(72) / 24
NOISE = np.random.default_rng(1).normal(size=72)


def judged(
    values: Sequence[float | None] | np.ndarray[Any, Any],
    trend: Trend = TREND,
    measurement: Measurement | None = GOOD,
    **different: Any,
) -> Finding:
    return evaluate_trend(trend, buckets([*values], **different), measurement, "start/end", "query")


def test_a_level_far_from_the_limit_passes() -> None:
    finding = judged(LEVEL + NOISE)
    assert finding.verdict is PASS
    assert finding.reason.startswith(
        "x was 100.032 ms in the median of 72 buckets since 2026-11-20T00:00Z, at most 200 ms: 99.968 ms to spare; "
    )
    assert finding.reason.endswith("; 0 restarts, 1 of 1 stretches judged, 72 points")
    assert "no significant trend towards the limit (" in finding.reason
    assert finding.value == pytest.approx(100, abs=0.5)


def test_a_finding_carries_its_evidence() -> None:
    finding = judged(LEVEL)
    assert finding == Finding(
        gate="lag_trend",
        severity=Severity.HARD,
        verdict=PASS,
        reason="x was 100 ms in the median of 72 buckets since 2026-11-20T00:00Z, at most 200 ms: 100 ms to spare; "
        "no significant trend towards the limit (0 ms a day, p 1); 0 restarts, 1 of 1 stretches judged, 72 points",
        unit="ms",
        bound="at_most",
        value=100.0,
        limit=200.0,
        margin=100.0,
        samples=17280,
        coverage=1.0,
        longest_gap_s=15.0,
        window="start/end",
        query="query",
    )


def test_a_leak_that_would_break_the_limit_within_the_horizon_fails() -> None:
    """From 100 by 20 a day: the centre of the last bucket is half an hour before the end, hence 160 - 20/48 at the
    end (72 h = 3 days, first centre at 0.5 h) and 140 more in a week."""
    finding = judged(100 + 20 * DAYS)
    end = 100 + 20 * (3 - 0.5 / 24)
    assert finding.verdict is FAIL
    assert finding.value == pytest.approx(end + 140)
    assert finding.margin == pytest.approx(200 - end - 140)
    assert finding.reason == (
        "x was 129.583 ms in the median of 72 buckets since 2026-11-20T00:00Z and moves 20 ms a day, p 2e-35, to "
        "299.583 ms in 168h, at most 200 ms: 99.5833 ms beyond the limit; the limit is reached in 2.02 days; "
        "0 restarts, 1 of 1 stretches judged, 72 points"
    )


def test_the_same_leak_with_room_for_the_horizon_passes_and_says_when_it_would_not() -> None:
    """10 a day from 130 at the end: 200 after 7 days and a bit more."""
    finding = judged(99 + 10 * DAYS)
    assert finding.verdict is PASS
    assert "1.20833 ms to spare; the limit is reached in 7.12 days" in finding.reason


def test_the_limit_itself_is_good() -> None:
    assert judged(LEVEL, replace(TREND, limit=100.0)).verdict is PASS


def test_a_level_beyond_the_limit_fails_without_a_trend() -> None:
    finding = judged(LEVEL, replace(TREND, limit=99.0))
    assert (finding.verdict, finding.margin) == (FAIL, -1.0)
    assert "1 ms beyond the limit; no significant trend" in finding.reason


def test_a_level_that_a_trend_has_broken_already_says_so() -> None:
    finding = judged(100 + 60 * DAYS)
    assert finding.verdict is FAIL
    assert "; the limit is broken at the window's end; " in finding.reason


def test_a_trend_away_from_the_limit_is_judged_by_its_level() -> None:
    finding = judged(190 - 20 * DAYS)
    assert finding.verdict is PASS
    assert finding.value == pytest.approx(190 - 20 * DAYS[35:37].mean())


def test_a_lower_limit_is_broken_by_what_falls() -> None:
    trend = replace(TREND, bound=Bound.AT_LEAST, limit=50.0)
    assert judged(100 - 20 * DAYS, trend).verdict is FAIL
    assert judged(100 + 20 * DAYS, trend).verdict is PASS


def test_wander_that_is_no_trend_is_not_projected() -> None:
    """Its slope is 1.7 a day, at p 0.18: in 14 days that would be past the limit, which no three hours were."""
    noisy = LEVEL + 10 * np.random.default_rng(5).normal(size=72)
    finding = judged(noisy, replace(TREND, limit=120.0, horizon=timedelta(days=14)))
    assert finding.verdict is PASS
    assert finding.value == np.median(noisy)


def test_a_cycle_of_a_day_is_no_trend_over_three() -> None:
    for phase in np.arange(0, 1, 0.125):
        assert judged(100 + 30 * np.sin(2 * np.pi * (DAYS + phase))).verdict is PASS


def test_a_leak_that_began_in_the_middle_is_seen_in_the_newer_half() -> None:
    """10 a day from hour 36 on, 115 at the end: 185 in a week; through all 72 points the slope is about half."""
    finding = judged(100 + 10 * np.clip(DAYS - 1.5, 0, None) + 0.01 * NOISE, replace(TREND, limit=170.0))
    assert finding.verdict is FAIL
    assert finding.value == pytest.approx(185, abs=0.5)
    assert "in the median of 36 buckets since 2026-11-21T12:00Z and moves " in finding.reason


def test_the_newer_half_speaks_only_of_a_trend() -> None:
    """It stands 10 above the older half, without a trend of its own: the median of all is what is judged."""
    finding = judged(np.where(DAYS < 1.75, 100.0, 110.0) + NOISE, replace(TREND, limit=115.0))
    assert finding.verdict is PASS
    assert "buckets since 2026-11-20T00:00Z" in finding.reason


def test_a_half_that_is_too_short_does_not_speak() -> None:
    trend = replace(TREND, limit=170.0, min_points=37)
    assert judged(100 + 10 * np.clip(DAYS - 1.5, 0, None) + 0.01 * NOISE, trend).verdict is PASS


HOURS = np.arange(72)


def test_a_leak_of_the_last_twelve_hours_is_seen_in_the_newest_quarter() -> None:
    """25 an hour from hour 60 on, to 480 of 512 (a leak in MiB); the whole and its newer half have no trend."""
    finding = judged(180 + NOISE + 25 * np.clip(HOURS + 0.5 - 60, 0, None), replace(TREND, limit=512.0))
    assert finding.verdict is FAIL
    assert "in the median of 18 buckets since 2026-11-22T06:00Z and moves " in finding.reason
    assert "beyond the limit; the limit is reached in " in finding.reason


def test_the_last_hours_of_what_falls_are_seen_as_well() -> None:
    trend = replace(TREND, bound=Bound.AT_LEAST, limit=-512.0)
    assert judged(-180 - NOISE - 25 * np.clip(HOURS + 0.5 - 60, 0, None), trend).verdict is FAIL


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        pytest.param(180 + NOISE + 5 * (HOURS >= 63), 230.0, id="a step in the middle of the newest quarter"),
        pytest.param(180 + NOISE + 100 * np.sin(2 * np.pi * (HOURS - 62.5) / 24), 512.0, id="the side of a cycle"),
    ],
)
def test_the_newest_quarter_takes_neither_a_step_nor_a_cycle_for_a_leak(
    values: np.ndarray[Any, Any], limit: float
) -> None:
    """Either has p < 0.01 in its last 18 hours, and would be past the limit in a week."""
    last, days = values[-18:], DAYS[-18:]
    slope = theil_sen(days, last)
    assert mann_kendall(days, last, slope) < 0.01
    assert np.median(last) + 7 * slope > limit
    assert judged(values, replace(TREND, limit=limit)).verdict is PASS


@pytest.mark.parametrize(
    ("hours", "beyond"),
    [
        pytest.param(slice(42, 72), "2026-11-21T17:00Z to 2026-11-21T20:00Z", id="the last 30 hours"),
        pytest.param(slice(18, 53), "2026-11-20T17:00Z to 2026-11-20T20:00Z", id="35 hours in the middle"),
        pytest.param(slice(70, 72), "2026-11-22T21:00Z to 2026-11-23T00:00Z", id="the last 2 hours"),
    ],
)
def test_a_limit_that_was_broken_for_hours_fails_whatever_the_median_of_all_is(hours: slice, beyond: str) -> None:
    """Two high hours of three make the median: the first three begin an hour before the first high one."""
    values = LEVEL.copy()
    values[hours] = 900.0
    finding = judged(values)
    assert finding.verdict is FAIL
    count = hours.stop - hours.start
    assert finding.reason.startswith(
        f"x was 900 ms in the median of 3 buckets in a row, {beyond}, at most 200 ms: 700 ms beyond the limit "
        f"({count} of 72 buckets are); x was "
    )
    assert finding.value == 900
    assert finding.margin == -700


def test_one_hour_beyond_the_limit_is_no_level_unless_the_policy_says_so() -> None:
    spike = np.where(HOURS == 40, 900.0, 100.0)
    assert judged(spike).verdict is PASS
    assert judged(spike, replace(TREND, level_over=1)).verdict is FAIL
    assert judged(np.where(HOURS % 3 == 1, 900.0, 100.0)).verdict is PASS


def test_a_lower_limit_is_broken_for_hours_as_well() -> None:
    trend = replace(TREND, bound=Bound.AT_LEAST, limit=50.0)
    finding = judged(np.where((HOURS > 20) & (HOURS < 26), 40.0, 100.0), trend)
    assert (finding.verdict, finding.value, finding.margin) == (FAIL, 40.0, -10.0)


def test_a_broken_level_fails_on_partial_data_and_where_restarts_are_many_or_not_known() -> None:
    high = np.where(HOURS < 10, 900.0, 100.0)
    often = judged(high, restarts=restarted(*(n + 0.5 for n in range(72))))
    assert (often.verdict, often.value) == (FAIL, 900.0)
    assert "(10 of 72 buckets are); x: 72 restarts, 0 of 73 stretches judged" in often.reason
    unknown = replace(GOOD, value=None, problem=Problem.NO_SERIES, detail="no series p in the window")
    assert judged(high, start_time=unknown).verdict is FAIL
    assert judged(high, measurement=replace(GOOD, coverage=0.5)).verdict is FAIL
    assert judged([900.0, None, 900.0, 900.0, *[100.0] * 68]).verdict is FAIL


def test_what_is_told_is_the_worse_of_level_and_projection() -> None:
    """60 a day from 100: 100 + 60 * 70 / 24 = 275 in the last but one hour, and about 700 in a week."""
    finding = judged(100 + 60 * DAYS)
    assert finding.reason.startswith("x was 275 ms in the median of 3 buckets in a row, ")
    assert finding.value == pytest.approx(100 + 60 * (10 - 0.5 / 24))


@given(st.lists(st.floats(0, 400), min_size=24, max_size=40), st.integers(0, 37), st.floats(200.1, 1000))
def test_three_hours_beyond_the_limit_never_pass(values: list[float], start: int, high: float) -> None:
    at = min(start, len(values) - 3)
    values[at : at + 3] = [high] * 3
    assert judged(values).verdict is FAIL


def test_fewer_buckets_than_a_level_have_none() -> None:
    finding = judged([900.0, 900.0, *[None] * 70])
    assert (finding.verdict, finding.value) == (INCONCLUSIVE, None)


def test_a_soft_trend_carries_its_severity() -> None:
    assert judged(100 + 20 * DAYS, replace(TREND, severity=Severity.SOFT)).severity is Severity.SOFT


LEAK_OF_A_LIFE = 100 + 20 * (DAYS % 1.25)


def test_a_restart_does_not_hide_a_leak() -> None:
    """Restarts at 30 h and 60 h reset it; as one series it would stay below 125 and have no trend to speak of."""
    finding = judged(LEAK_OF_A_LIFE, restarts=restarted(29.9, 59.9))
    assert finding.verdict is FAIL
    assert "moves 20 ms a day" in finding.reason
    assert finding.reason.endswith(
        "2 restarts, 2 of 3 stretches judged, 1 shorter than 24 points, the longest of these with 12"
    )
    assert judged(LEAK_OF_A_LIFE).verdict is PASS


def test_the_worst_stretch_counts_wherever_it_is() -> None:
    leak_then_level = np.concatenate([100 + 20 * DAYS[:36], LEVEL[36:]])
    level_then_leak = np.concatenate([LEVEL[:36], 100 + 20 * DAYS[:36]])
    assert judged(leak_then_level, restarts=restarted(35.9)).verdict is FAIL
    assert judged(level_then_leak, restarts=restarted(35.9)).verdict is FAIL


def test_a_process_that_restarts_every_hour_does_not_pass() -> None:
    finding = judged(LEVEL, restarts=restarted(*(n + 0.5 for n in range(72))))
    assert (finding.verdict, finding.value) == (INCONCLUSIVE, None)
    assert finding.reason == (
        "x: 72 restarts, 0 of 73 stretches judged, 73 shorter than 24 points, the longest of these with 0"
    )


def test_less_than_half_of_the_window_judged_does_not_pass() -> None:
    """Restarts at 12 h, 24 h and 36 h leave 35 of 72 buckets in one stretch that is long enough; at 35 h, 36."""
    finding = judged(LEVEL, restarts=restarted(12.5, 24.5, 36.5))
    assert finding.verdict is INCONCLUSIVE
    assert finding.reason.endswith("; but only 35 of 72 buckets are judged, fewer than 50 %")
    assert judged(LEVEL, restarts=restarted(12.5, 24.5, 35.5)).verdict is PASS


def test_a_leak_fails_on_partial_data_too_and_says_so() -> None:
    finding = judged(100 + 20 * DAYS, measurement=replace(GOOD, coverage=0.5))
    assert finding.verdict is FAIL
    assert finding.reason.endswith(" (on partial data: coverage of x is 50 %, below 99 %)")


@pytest.mark.parametrize(
    ("measurement", "different", "reason"),
    [
        pytest.param(None, {}, "no measurement of x", id="no measurement"),
        pytest.param(
            replace(GOOD, value=None, problem=Problem.SOURCE_ERROR, detail="refused"),
            {},
            "x: the source gave no answer: refused",
            id="source error",
        ),
        pytest.param(replace(GOOD, not_finite=1), {}, "x is tainted: 1 samples are NaN or infinite", id="NaN"),
        pytest.param(replace(GOOD, coverage=0.98), {}, "coverage of x is 98 %, below 99 %", id="coverage"),
        pytest.param(replace(GOOD, longest_gap_s=600.0), {}, "the longest gap of x, 10m, is over 5m", id="gap"),
        pytest.param(replace(GOOD, doubt="a bucket is new"), {}, "x: a bucket is new", id="doubt"),
        pytest.param(
            GOOD,
            {"start_time": replace(GOOD, value=None, problem=Problem.NO_SERIES, detail="no series p in the window")},
            "the process' start time: no series p in the window",
            id="restarts not known",
        ),
        pytest.param(
            GOOD,
            {"start_time": replace(GOOD, longest_gap_s=7200.0)},
            "the longest gap of the process' start time, 2h, is over 5m",
            id="restarts not known for hours",
        ),
        pytest.param(
            GOOD,
            {"sli": sli_buckets(LEVEL.tolist(), unit="s")},
            "x was measured in s, not in ms",
            id="another unit",
        ),
        pytest.param(
            GOOD,
            {"sli": sli_buckets(LEVEL.tolist(), remarks={5: "beyond the highest"})},
            "1 buckets of x are doubtful: bucket 5: beyond the highest",
            id="a doubtful bucket",
        ),
        pytest.param(
            GOOD,
            {"sli": sli_buckets([*LEVEL[:68], *[None] * 4], remarks={68: "no series g"})},
            "68 of 72 buckets of x are measured, fewer than 95 % (no series g)",
            id="buckets lost",
        ),
        pytest.param(GOOD, {"slis": {}}, "x was not measured in buckets", id="no such sli"),
    ],
)
def test_evidence_that_falls_short_does_not_pass(
    measurement: Measurement | None, different: dict[str, Any], reason: str
) -> None:
    finding = judged(LEVEL, measurement=measurement, **different)
    assert finding.verdict is INCONCLUSIVE
    assert finding.reason.endswith(reason)


def test_without_buckets_there_is_no_verdict() -> None:
    finding = evaluate_trend(TREND, None, GOOD, "start/end", None)
    assert (finding.verdict, finding.reason) == (INCONCLUSIVE, "x was not measured in buckets")
    assert (finding.samples, finding.coverage) == (17280, 1.0)


@pytest.mark.parametrize(
    ("different", "fault"),
    [
        ({"level_over": 0}, "greater than or equal to 1"),
        ({"level_over": 25}, r"level_over: expected at most 24 \(min_points\), was 25"),
        ({"horizon": timedelta(0)}, "horizon: expected more than 0s, was 0s"),
        ({"significance": 0.2}, "less than or equal to 0.1"),
        ({"min_points": 9}, "greater than or equal to 10"),
        ({"limit": float("nan")}, "finite number"),
        ({"source": "?"}, "at least 8 characters"),
        ({"sigma": 1}, "[Uu]nexpected"),
    ],
)
def test_an_impossible_policy_is_refused(different: dict[str, Any], fault: str) -> None:
    usual = {field: getattr(TREND, field) for field in TREND.__dataclass_fields__}
    with pytest.raises(ValidationError, match=fault):
        Trend(**{**usual, **different})


@given(st.lists(st.floats(0, 400), min_size=40, max_size=72), st.data())
def test_losing_buckets_below_what_the_policy_asks_for_never_gives_a_pass(
    values: list[float], data: st.DataObject
) -> None:
    most = int(0.05 * len(values))
    lost = data.draw(st.sets(st.integers(0, len(values) - 1), min_size=most + 1))
    assert judged([None if n in lost else value for n, value in enumerate(values)]).verdict is not PASS


@given(st.sets(st.integers(0, 71), max_size=71))
def test_losing_buckets_of_a_leak_never_gives_a_pass(lost: set[int]) -> None:
    values = [None if n in lost else float(value) for n, value in enumerate(100 + 20 * DAYS)]
    assert judged(values).verdict is not PASS


MEMORY = Sli(
    name="x", unit="count", measure=Gauge(metric="process_resident_memory_bytes", statistic="mean"), source=WORDS
)
MIB = 2.0**20
MEMORY_TREND = replace(TREND, limit=512 * MIB, unit="count")
POLICY = BucketPolicy(length=HOUR, restart_metric="process_start_time_seconds", source=WORDS)


@pytest.fixture(scope="module")
def table(healthy: Path) -> list[Series]:
    wanted = (Selector("process_resident_memory_bytes"), Selector("process_start_time_seconds"))
    return split_series(RecordingSamples(healthy).read(wanted, WINDOW))


def of_bot(table: list[Series]) -> tuple[Buckets, Measurement]:
    scope = Scope(WINDOW, STEP)
    return buckets_from(measure_buckets([MEMORY], table, scope, POLICY)), MEMORY.measure.evaluate(table, scope)


def leaking(table: list[Series], mib_per_day: float, life: float) -> list[Series]:
    """Add memory that grows from one restart to the next, so many days apart."""
    found = []
    for series in table:
        days = (series.ts_ns - WINDOW.start_ns) / 86_400e9
        grown = mib_per_day * MIB * (days % life)
        added = grown if series.metric == "process_resident_memory_bytes" else np.floor(days / life)
        found.append(replace(series, values=series.values + added))
    return found


@pytest.mark.parametrize(
    ("mib_per_day", "life", "verdict"),
    [
        pytest.param(0.0, 9.0, PASS, id="healthy"),
        pytest.param(60.0, 9.0, FAIL, id="60 MiB a day on 180: 780 MiB in ten days"),
        pytest.param(20.0, 9.0, PASS, id="20 MiB a day on 180: 380 MiB in ten days"),
        pytest.param(60.0, 1.25, FAIL, id="hidden by restarts every 30 h"),
        pytest.param(60.0, 1 / 24, INCONCLUSIVE, id="restarts every hour"),
    ],
)
def test_a_leak_of_the_real_bot_is_found(
    table: list[Series], mib_per_day: float, life: float, verdict: Verdict
) -> None:
    found, measurement = of_bot(leaking(table, mib_per_day, life))
    assert evaluate_trend(MEMORY_TREND, found, measurement, str(WINDOW), None).verdict is verdict


@pytest.mark.parametrize("name", ["tick_latency_p95_ms", "ws_lag_max_ms"])
def test_the_healthy_bot_has_no_trend(healthy: Path, name: str) -> None:
    sli = next(one for one in catalogue().slis if one.name == name)
    wanted = (*sli.measure.selectors(), Selector("process_start_time_seconds"))
    table = split_series(RecordingSamples(healthy).read(wanted, WINDOW))
    scope = Scope(WINDOW, STEP)
    found = buckets_from(measure_buckets([sli], table, scope, POLICY))
    trend = replace(TREND, sli=name)
    assert evaluate_trend(trend, found, sli.measure.evaluate(table, scope), str(WINDOW), None).verdict is PASS
