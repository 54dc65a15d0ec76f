import json
import math
from datetime import timedelta
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.soak.metrics import unmeasured_soak
from mm_ops.domain.soak.policy import SoakPolicy, sustained_name
from mm_ops.domain.soak.summary import find_finding, findings_from, gates_summary
from mm_ops.domain.soak.verdicts import fold
from mm_ops.domain.verdict import Finding, Verdict
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.soak_samples import VERSION, WINDOW, catalogue, healthy, measured, soak_policy
from mm_ops_tests.soak_samples import judged as by_policy

HEALTHY = healthy()
SERIES = HEALTHY.select("metric", "labels").unique(maintain_order=True).rows()
READ_BY_A_GATE = [
    (metric, labels) for metric, labels in SERIES if not (metric == "mm_circuit_breaker_state" and "closed" in labels)
]
PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


@cache
def policy() -> SoakPolicy:
    return soak_policy()


COMPARED = {rule.name for rule in soak_policy().baselines}


def judged(frame: pl.DataFrame, window: TimeWindow = WINDOW) -> dict[str, Finding]:
    stored = json.loads(encode(measured(frame, window)))
    return {finding.gate: finding for finding in by_policy(stored)}


def rules_of(metric: str) -> set[str]:
    """Every rule that looks at an SLI which reads the metric: the gate, its alert replayed, its trend."""
    slis = {sli.name for sli in catalogue().slis for one in sli.measure.selectors() if one.metric == metric}
    found = {gate.name for gate in policy().gates if gate.sli in slis}
    found |= {sustained_name(gate) for gate in policy().watched if gate.sli in slis}
    restarts = metric == policy().buckets.restart_metric
    return found | {trend.name for trend in policy().trends if trend.sli in slis or restarts}


def without(frame: pl.DataFrame, metric: str, labels: str) -> pl.DataFrame:
    return frame.filter(~((pl.col("metric") == metric) & (pl.col("labels") == labels)))


def test_a_healthy_soak_passes_every_gate_in_the_order_of_the_policy() -> None:
    found = judged(HEALTHY)
    assert list(found) == [rule.name for rule in policy().rules]
    assert {finding.verdict for gate, finding in found.items() if gate not in COMPARED} == {PASS}
    assert {found[gate].verdict for gate in COMPARED} == {INCONCLUSIVE}  # no known-good soak is named
    assert fold(list(found.values()), policy()) is PASS


@pytest.mark.parametrize(("metric", "labels"), READ_BY_A_GATE)
def test_losing_a_whole_series_never_passes(metric: str, labels: str) -> None:
    found = judged(without(HEALTHY, metric, labels))
    lost = rules_of(metric)
    assert {gate for gate, finding in found.items() if finding.verdict is not PASS} - COMPARED == lost
    assert {found[gate].verdict for gate in lost} == {INCONCLUSIVE}


def test_the_bot_absent_for_48_of_72_hours_is_inconclusive_though_its_ratios_look_healthy() -> None:
    gone = WINDOW.start_ns + 24 * 3_600_000_000_000
    found = judged(HEALTHY.filter(pl.col("ts_ns") < gone))
    assert {finding.verdict for finding in found.values()} == {INCONCLUSIVE}
    reason = found["md_cache_hit_ratio"].reason
    assert reason == (
        "md_cache_hit_ratio was 0.9 ratio, at least 0.7 ratio, but coverage 33.33 % is below 99 %; "
        "the longest gap of 48h15s is over 5m; 5760 samples are fewer than 17000"
    )
    assert fold(list(found.values()), policy()) is INCONCLUSIVE


def test_nan_for_ten_minutes_is_inconclusive() -> None:
    at = WINDOW.start_ns + 3_600_000_000_000
    nan = (pl.col("metric") == "mm_edge_bps_ema24h") & pl.col("ts_ns").is_between(at, at + 600_000_000_000)
    found = judged(HEALTHY.with_columns(pl.when(nan).then(math.nan).otherwise("value").alias("value")))
    assert found["edge_bps_ema24h"].verdict is INCONCLUSIVE
    assert found["edge_bps_ema24h"].reason == "edge_bps_ema24h is tainted: 41 samples are NaN or infinite"


def test_two_bots_in_one_source_are_inconclusive() -> None:
    both = pl.concat([HEALTHY, healthy(bot="other")]).sort("metric", "labels", "ts_ns")
    assert {finding.verdict for finding in judged(both).values()} == {INCONCLUSIVE}


def test_one_bad_sample_of_a_maximum_fails() -> None:
    spike = (pl.col("metric") == "mm_ws_lag_max_ms") & (pl.col("ts_ns") == WINDOW.start_ns + 15_000_000_000)
    found = judged(HEALTHY.with_columns(pl.when(spike).then(900.0).otherwise("value").alias("value")))
    assert found["ws_lag_max_ms"].verdict is FAIL
    assert fold(list(found.values()), policy()) is PASS  # a soft gate warns


def versions(frame: pl.DataFrame, version: str | None = VERSION) -> Finding:
    (finding,) = (one for one in by_policy(measured(frame), version) if one.gate == "bot_version")
    return finding


def test_the_version_that_ran_passes_and_is_named() -> None:
    assert versions(HEALTHY).reason.startswith("version 1.0.0 ran: bot_version was 1, at least 1")


def test_a_soak_of_another_version_speaks_for_that_one_only() -> None:
    found = versions(healthy(version="0.9.0"))
    assert (found.verdict, found.hard, found.reason) == (FAIL, True, "version 0.9.0 ran, and 1.0.0 is judged")


def test_two_versions_in_one_window_are_no_soak_of_either() -> None:
    middle = WINDOW.start_ns + 36 * 3_600_000_000_000
    early = healthy(version="0.9.0").filter(pl.col("ts_ns") < middle)
    both = pl.concat([early, HEALTHY.filter(pl.col("ts_ns") >= middle)]).sort("metric", "labels", "ts_ns")
    assert versions(both).verdict is INCONCLUSIVE
    assert "2 label sets" in versions(both).reason


def test_a_version_that_nobody_names_or_exports_is_unknown() -> None:
    assert versions(HEALTHY, None).reason == "no version was named to compare with, so nothing says which version ran"
    bare = pl.col("labels").str.replace(',"version":"1.0.0"', "", literal=True)
    assert versions(HEALTHY.with_columns(labels=bare)).verdict is INCONCLUSIVE


def test_a_hard_gate_that_fails_fails_the_soak() -> None:
    stale = HEALTHY.with_columns(
        pl.when(pl.col("metric") == "mm_edge_bps_ema24h").then(1.0).otherwise("value").alias("value")
    )
    assert fold(list(judged(stale).values()), policy()) is FAIL


gate_series = st.sampled_from(READ_BY_A_GATE)


@settings(max_examples=40)
@given(series=gate_series, start=st.integers(0, 17_259), length=st.integers(20, 2000))
def test_losing_a_stretch_over_the_longest_gap_never_passes(series: tuple[str, str], start: int, length: int) -> None:
    """20 samples of 15 s leave a gap of 315 s; at the head or the tail of the window at least 300 s and one."""
    metric, labels = series
    first = max(0, min(start, 17_280 - length))
    keep = length + 1 if first == 0 else length
    low = WINDOW.start_ns + first * 15_000_000_000
    lost = (
        (pl.col("metric") == metric)
        & (pl.col("labels") == labels)
        & (pl.col("ts_ns") >= low)
        & (pl.col("ts_ns") < low + keep * 15_000_000_000)
    )
    found = judged(HEALTHY.filter(~lost))
    assert all(found[gate].verdict is not PASS for gate in rules_of(metric))


@settings(max_examples=30)
@given(series=gate_series, lost=st.integers(173, 17_000), seed=st.integers(0, 2**31))
def test_losing_more_than_a_hundredth_of_the_samples_never_passes(
    series: tuple[str, str], lost: int, seed: int
) -> None:
    metric, labels = series
    one = HEALTHY.filter((pl.col("metric") == metric) & (pl.col("labels") == labels))
    left = one.sample(one.height - lost, seed=seed).sort("ts_ns")
    frame = pl.concat([without(HEALTHY, metric, labels), left]).sort("metric", "labels", "ts_ns")
    found = judged(frame)
    assert all(found[gate].verdict is not PASS for gate in rules_of(metric))


@settings(max_examples=30)
@given(dropped=st.sets(st.integers(0, 7)))
def test_findings_that_are_absent_never_make_a_pass(dropped: set[int]) -> None:
    findings = list(judged_healthy().values())
    left = [finding for n, finding in enumerate(findings) if n not in dropped]
    hard = any(findings[n].hard for n in dropped)
    assert fold(left, policy()) is (INCONCLUSIVE if hard else PASS)


@cache
def judged_healthy() -> dict[str, Finding]:
    return judged(HEALTHY)


def test_a_shorter_window_than_the_policy_asks_for_does_not_pass() -> None:
    day = TimeWindow.ending(WINDOW.end, timedelta(hours=71))
    found = judged(HEALTHY, day)
    assert {finding.verdict for finding in found.values()} == {INCONCLUSIVE}
    assert found["guard_trips"].reason.endswith("but the window was 255600 s where the policy asks for 259200 s")


def test_another_scrape_interval_than_the_policy_has_does_not_pass() -> None:
    metrics = {**measured(HEALTHY), "scrape_interval_s": 30.0}
    found = by_policy(metrics)
    assert {finding.verdict for finding in found} == {INCONCLUSIVE}
    assert "the scrape interval was 30 s where the policy asks for 15 s" in found[0].reason


def test_a_misfit_leaves_a_fail_a_fail() -> None:
    metrics = json.loads(encode({**measured(HEALTHY), "scrape_interval_s": 30.0}))
    metrics["slis"]["maker_share"]["value"] = 0.1
    assert {finding.gate: finding.verdict for finding in by_policy(metrics)}["maker_share"] is FAIL


def test_an_sli_that_was_not_measured_is_inconclusive() -> None:
    metrics = json.loads(encode(measured(HEALTHY)))
    del metrics["slis"]["maker_share"]
    finding = next(one for one in by_policy(metrics) if one.gate == "maker_share")
    assert (finding.verdict, finding.reason, finding.query) == (INCONCLUSIVE, "no measurement of maker_share", None)


def test_a_source_that_is_down_is_inconclusive_everywhere() -> None:
    findings = by_policy(unmeasured_soak(catalogue(), policy(), "down", WINDOW))
    assert {finding.verdict for finding in findings} == {INCONCLUSIVE}
    assert fold(findings, policy()) is INCONCLUSIVE


def summary() -> dict[str, Any]:
    findings = list(judged_healthy().values())
    stored: dict[str, Any] = json.loads(encode(gates_summary(findings, PASS, str(WINDOW))))
    return stored


def test_a_summary_says_verdict_window_and_counts() -> None:
    found = summary()
    assert (found["verdict"], found["window"]) == ("pass", str(WINDOW))
    assert found["counts"] == {
        "hard": {"pass": 12, "fail": 0, "inconclusive": 0},
        "soft": {"pass": 10, "fail": 0, "inconclusive": 6},
    }


def test_findings_are_read_back_as_they_were() -> None:
    assert findings_from(summary()) == list(judged_healthy().values())
    assert find_finding(summary(), "guard_trips") == judged_healthy()["guard_trips"]


def test_a_gate_must_have_exactly_one_finding() -> None:
    with pytest.raises(SchemaError, match="expected one finding of edge, was 0"):
        find_finding(summary(), "edge")
    doubled = summary()
    doubled["findings"] *= 2
    with pytest.raises(SchemaError, match="expected one finding of maker_share, was 2"):
        find_finding(doubled, "maker_share")


def with_finding(name: str, value: Any) -> dict[str, Any]:
    found = summary()
    found["findings"][0][name] = value
    return found


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({}, "findings: expected a field of this name"),
        ({"findings": [1]}, r"findings\.0: expected the fields of a finding, was int"),
        ({"findings": [{"gate": "x"}]}, r"findings\.0: expected the fields of a finding, was \['gate'\]"),
        (with_finding("severity", "hardish"), r"findings\.0\.severity: "),
        (with_finding("verdict", "ok"), r"findings\.0\.verdict: "),
        (with_finding("samples", "17280"), r"findings\.0\.samples: "),
        (with_finding("value", math.inf), r"findings\.0: not the JSON that was stored"),
        (with_finding("hardness", 1), r"findings\.0: expected the fields of a finding"),
    ],
)
def test_a_broken_summary_is_refused_by_name(document: Any, fault: str) -> None:
    with pytest.raises(SchemaError, match=fault):
        findings_from(document)


def test_buckets_that_are_none_are_refused() -> None:
    with pytest.raises(SchemaError, match="buckets: expected an object or null, was list"):
        by_policy({**measured(HEALTHY), "buckets": []})


HOUR = 3_600_000_000_000


def frozen(frame: pl.DataFrame, metrics: str, since: int, until: int) -> pl.DataFrame:
    """Let what counts keep the value of one hour to another; the names are a regular expression."""
    start = WINDOW.start_ns + since * HOUR
    still = pl.col("metric").str.contains(metrics) & pl.col("ts_ns").is_between(start, start + (until - since) * HOUR)
    first = pl.col("value").filter(pl.col("ts_ns") >= start).first().over("metric", "labels")
    return frame.with_columns(pl.when(still).then(first).otherwise(pl.col("value")).alias("value"))


COUNTED = {
    "_total$|_bucket$": {"tick_latency_p95_ms", "deadline_miss_ratio", "md_cache_hit_ratio"},
    "_bucket$": {"tick_latency_p95_ms"},
    "mm_ticks_total": {"deadline_miss_ratio"},
    "mm_md_cache_": {"md_cache_hit_ratio"},
}


@pytest.mark.parametrize("metrics", COUNTED)
def test_a_bot_that_counts_nothing_from_its_third_hour_on_does_not_pass(metrics: str) -> None:
    found = judged(frozen(HEALTHY, metrics, 2, 72))
    gates = {gate.name for gate in policy().gates}
    assert {name for name in gates if found[name].verdict is not PASS} == COUNTED[metrics]
    assert all(" in which " in found[name].reason for name in COUNTED[metrics])
    assert fold(list(found.values()), policy()) is not PASS


def test_a_stall_of_five_minutes_is_tolerated_and_one_of_an_hour_is_not() -> None:
    start = WINDOW.start_ns + 40 * HOUR
    still = (pl.col("metric") == "mm_ticks_total") & (pl.col("ts_ns") >= start)
    for seconds, verdict in ((285, PASS), (3600, INCONCLUSIVE)):
        inside = still & (pl.col("ts_ns") < start + seconds * 10**9)
        value = pl.when(inside).then(pl.col("value").filter(inside).first()).otherwise(pl.col("value"))
        assert judged(HEALTHY.with_columns(value))["deadline_miss_ratio"].verdict is verdict


@pytest.mark.parametrize(("restarts", "verdict"), [(0, PASS), (2, PASS), (3, FAIL), (30, FAIL)])
def test_a_process_that_restarts_by_itself_does_not_pass(restarts: int, verdict: Verdict) -> None:
    """One an hour, from hour 10 on; counters carry on, so that nothing else shows it."""
    hours = ((pl.col("ts_ns") - WINDOW.start_ns) // HOUR - 9).clip(0, restarts)
    value = pl.when(pl.col("metric") == "process_start_time_seconds").then(pl.col("value") + 3600 * hours)
    finding = judged(HEALTHY.with_columns(value.otherwise(pl.col("value"))))["restarts"]
    assert (finding.verdict, finding.value) == (verdict, restarts)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("mm_maker_share_ratio", 5.0),
        ("mm_edge_bps_ema24h", 1e9),
        ("mm_ws_lag_max_ms", -5.0),
        ("mm_ws_lag_p95_ms", -5.0),
        ("process_resident_memory_bytes", 0.0),
        ("process_open_fds", 0.0),
        ("process_start_time_seconds", 0.0),
        ("mm_circuit_breaker_state", 2.0),
        ("mm_circuit_breaker_state", 0.5),
        ("mm_build_info", 7.0),
    ],
)
@pytest.mark.parametrize("once", [True, False])
def test_what_cannot_be_does_not_pass(metric: str, value: float, *, once: bool) -> None:
    at = pl.col("ts_ns") == WINDOW.start_ns + 30 * HOUR if once else pl.col("ts_ns") > 0
    odd = pl.when((pl.col("metric") == metric) & at).then(value).otherwise(pl.col("value")).alias("value")
    found = judged(HEALTHY.with_columns(odd))
    slis = {sli.name for sli in catalogue().slis for one in sli.measure.selectors() if one.metric == metric}
    touched = {gate.name for gate in policy().gates if gate.sli in slis}
    touched |= {trend.name for trend in policy().trends if trend.sli in slis}
    assert touched
    assert {found[name].verdict for name in touched} == {INCONCLUSIVE}


def test_more_misses_than_ticks_are_no_share_and_do_not_fail_as_one() -> None:
    """A thousand a second: the limit of 2 % of ticks is broken, but by a counter that is wrong."""
    odd = HEALTHY.with_columns(
        pl.when(pl.col("metric") == "mm_deadline_miss_total")
        .then((pl.col("ts_ns") - WINDOW.start_ns) / 10**6)
        .otherwise(pl.col("value"))
        .alias("value")
    )
    finding = judged(odd)["deadline_miss_ratio"]
    assert (finding.verdict, finding.value) == (INCONCLUSIVE, None)
    assert finding.reason.startswith("deadline_miss_ratio has no value: impossible: ")


def test_bursts_of_samples_do_not_stand_for_the_silence_between_them() -> None:
    """20 samples a second apart, then 281 s of nothing, 864 times: as many as expected, and no gap is over 5 min.

    Each burst covers 19 s and an interval of 15 s, of 300 s.
    """
    number = (pl.col("ts_ns") - WINDOW.start_ns) // (15 * 10**9)
    found = judged(HEALTHY.with_columns((WINDOW.start_ns + (number // 20 * 300 + number % 20) * 10**9).alias("ts_ns")))
    assert {found[gate.name].verdict for gate in policy().gates} == {INCONCLUSIVE}
    assert found["maker_share"].reason.endswith("but coverage 11.33 % is below 99 %")
