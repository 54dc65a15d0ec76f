from dataclasses import replace
from datetime import timedelta

import pytest

from mm_ops.domain.sli.measurement import Measurement, Problem
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.gate import evaluate_gate
from mm_ops.domain.soak.policy import Gate, OnMissing
from mm_ops.domain.verdict import Severity, Verdict

GATE = Gate(
    name="latency",
    sli="latency_ms",
    bound=Bound.AT_MOST,
    limit=150.0,
    unit="ms",
    severity=Severity.HARD,
    min_samples=100,
    max_gap=timedelta(minutes=5),
    source="made for this test",
)
GOOD = Measurement(
    value=120.0, samples=17280, coverage=1.0, longest_gap_s=15.0, series=1, not_finite=0, labels={"bot": "x"}
)
TAINTED = replace(GOOD, value=200.0, not_finite=1)
PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def judged(measurement: Measurement | None, gate: Gate = GATE) -> tuple[Verdict, str]:
    finding = evaluate_gate(gate, measurement, "start/end", "query")
    return finding.verdict, finding.reason


def test_a_pass_says_why_in_numbers_and_units() -> None:
    assert judged(GOOD) == (
        PASS,
        "latency_ms was 120 ms, at most 150 ms: 30 ms to spare; 17280 samples, coverage 100 %, longest gap 15s",
    )


def test_a_fail_says_by_how_much() -> None:
    assert judged(replace(GOOD, value=151.5)) == (
        FAIL,
        "latency_ms was 151.5 ms, at most 150 ms: 1.5 ms beyond the limit",
    )


@pytest.mark.parametrize("bound", list(Bound))
def test_the_limit_itself_is_good(bound: Bound) -> None:
    assert judged(replace(GOOD, value=150.0), replace(GATE, bound=bound))[0] is PASS


def test_at_least_fails_below() -> None:
    gate = replace(GATE, bound=Bound.AT_LEAST, limit=2.0, unit="bps")
    verdict, reason = judged(replace(GOOD, value=1.25), gate)
    assert (verdict, reason) == (FAIL, "latency_ms was 1.25 bps, at least 2 bps: 0.75 bps beyond the limit")


def test_a_count_has_no_unit_word() -> None:
    assert "was 120, at most 150: 30 to spare" in judged(GOOD, replace(GATE, unit="count"))[1]


@pytest.mark.parametrize(
    ("measurement", "reason"),
    [
        pytest.param(None, "no measurement of latency_ms", id="not measured"),
        pytest.param(
            replace(GOOD, value=None, problem=Problem.SOURCE_ERROR, detail="refused"),
            "latency_ms: the source gave no answer: refused",
            id="source error",
        ),
        pytest.param(
            replace(GOOD, value=None, problem=Problem.NO_SERIES, detail="no series x in the window"),
            "latency_ms: no series x in the window",
            id="no series",
        ),
        pytest.param(
            replace(GOOD, value=None, problem=Problem.NOT_A_NUMBER, detail="0 / 0 is no ratio"),
            "latency_ms has no value: 0 / 0 is no ratio",
            id="not a number",
        ),
        pytest.param(
            replace(GOOD, not_finite=40), "latency_ms is tainted: 40 samples are NaN or infinite", id="tainted"
        ),
        pytest.param(
            replace(GOOD, value=None, problem=Problem.AMBIGUOUS, detail="2 label sets"),
            "latency_ms is ambiguous: 2 label sets",
            id="several series",
        ),
        pytest.param(replace(GOOD, value=None), "latency_ms has no value", id="nothing at all"),
        pytest.param(
            replace(GOOD, coverage=0.98999),
            "latency_ms was 120 ms, at most 150 ms, but coverage 98.99 % is below 99 %",
            id="coverage",
        ),
        pytest.param(
            replace(GOOD, longest_gap_s=315.0),
            "latency_ms was 120 ms, at most 150 ms, but the longest gap of 5m15s is over 5m",
            id="gap",
        ),
        pytest.param(
            replace(GOOD, longest_gap_s=252_000.0, stalled="ticks"),
            "latency_ms was 120 ms, at most 150 ms, but the longest gap of 70h in which ticks stood still is over 5m",
            id="stall",
        ),
        pytest.param(
            replace(GOOD, samples=99),
            "latency_ms was 120 ms, at most 150 ms, but 99 samples are fewer than 100",
            id="samples",
        ),
        pytest.param(
            replace(GOOD, doubt="a bucket is unknown"),
            "latency_ms was 120 ms, at most 150 ms, but a bucket is unknown",
            id="doubt",
        ),
    ],
)
def test_what_is_missing_is_inconclusive_with_its_reason(measurement: Measurement | None, reason: str) -> None:
    assert judged(measurement) == (INCONCLUSIVE, reason)


@pytest.mark.parametrize(
    "partial",
    [
        pytest.param(replace(GOOD, value=200.0, coverage=0.3), id="coverage"),
        pytest.param(replace(GOOD, value=200.0, longest_gap_s=172_800.0), id="gap"),
        pytest.param(replace(GOOD, value=200.0, samples=3), id="samples"),
        pytest.param(replace(GOOD, value=200.0, doubt="beyond the highest bucket"), id="doubt"),
    ],
)
def test_a_broken_limit_is_a_fail_on_partial_data_too(partial: Measurement) -> None:
    verdict, reason = judged(partial)
    assert verdict is FAIL
    assert "50 ms beyond the limit (on partial data: " in reason


@pytest.mark.parametrize(
    ("measurement", "word"),
    [
        (replace(TAINTED, problem=Problem.SOURCE_ERROR, value=None), "source"),
        (replace(TAINTED, problem=Problem.NO_SERIES, value=None, detail="no series"), "no series"),
        (TAINTED, "tainted"),
    ],
)
def test_the_earlier_reason_is_the_one_that_is_given(measurement: Measurement, word: str) -> None:
    """With NaN among the samples and the limit broken, only source error and no series come first."""
    verdict, reason = judged(measurement)
    assert verdict is INCONCLUSIVE
    assert word in reason


def test_nan_comes_before_several_series() -> None:
    both = replace(GOOD, value=None, problem=Problem.AMBIGUOUS, detail="2 label sets", not_finite=1)
    assert "tainted" in judged(both)[1]


def test_the_gap_and_the_coverage_of_the_policy_are_still_good() -> None:
    assert judged(replace(GOOD, coverage=0.99, longest_gap_s=300.0, samples=100))[0] is PASS


def test_every_shortfall_is_listed() -> None:
    _, reason = judged(replace(GOOD, coverage=0.5, longest_gap_s=900.0, samples=50))
    assert reason.count(";") == 2


def test_a_finding_carries_the_evidence() -> None:
    finding = evaluate_gate(GATE, replace(GOOD, value=160.0), "start/end", "query")
    assert (finding.gate, finding.severity, finding.unit, finding.bound) == ("latency", Severity.HARD, "ms", "at_most")
    assert (finding.value, finding.limit, finding.margin) == (160.0, 150.0, -10.0)
    assert (finding.samples, finding.coverage, finding.longest_gap_s) == (17280, 1.0, 15.0)
    assert (finding.window, finding.query) == ("start/end", "query")


STRICT = replace(GATE, on_missing=OnMissing.FAIL)
NO_SOURCE = replace(GOOD, value=None, problem=Problem.SOURCE_ERROR, detail="refused")


@pytest.mark.parametrize(
    ("measurement", "reason"),
    [
        pytest.param(None, "no measurement of latency_ms", id="not measured"),
        pytest.param(NO_SOURCE, "latency_ms: the source gave no answer: refused", id="source error"),
        pytest.param(replace(NO_SOURCE, problem=Problem.NO_SERIES), "latency_ms: refused", id="no series"),
        pytest.param(
            replace(NO_SOURCE, problem=Problem.NOT_A_NUMBER), "latency_ms has no value: refused", id="no number"
        ),
        pytest.param(replace(GOOD, not_finite=1), "latency_ms is tainted: 1 samples are NaN or infinite", id="tainted"),
        pytest.param(replace(GOOD, value=None), "latency_ms has no value", id="nothing at all"),
        pytest.param(
            replace(GOOD, coverage=0.5),
            "latency_ms was 120 ms, at most 150 ms, but coverage 50 % is below 99 %",
            id="coverage",
        ),
        pytest.param(
            replace(GOOD, longest_gap_s=301.0),
            "latency_ms was 120 ms, at most 150 ms, but the longest gap of 5m1s is over 5m",
            id="gap",
        ),
        pytest.param(
            replace(GOOD, samples=99, doubt="a bucket is unknown"),
            "latency_ms was 120 ms, at most 150 ms, but 99 samples are fewer than 100; a bucket is unknown",
            id="samples, and a doubt",
        ),
    ],
)
def test_a_gate_may_ask_that_missing_evidence_fails(measurement: Measurement | None, reason: str) -> None:
    assert judged(measurement, STRICT) == (FAIL, f"{reason}; missing evidence fails this gate")
    assert judged(measurement) == (INCONCLUSIVE, reason)


@pytest.mark.parametrize(
    "measurement",
    [
        pytest.param(replace(NO_SOURCE, problem=Problem.AMBIGUOUS, detail="2 label sets"), id="ambiguous"),
        pytest.param(replace(GOOD, doubt="a bucket is unknown"), id="doubt"),
        pytest.param(GOOD, id="whole"),
        pytest.param(replace(GOOD, value=200.0, coverage=0.5), id="a broken limit"),
    ],
)
def test_what_is_not_missing_is_judged_alike_whatever_a_gate_asks_for(measurement: Measurement) -> None:
    assert judged(measurement, STRICT) == judged(measurement)


def test_a_gate_that_fails_without_evidence_says_so_in_its_rule() -> None:
    assert STRICT.words == "latency_ms ≤ 150 ms; fails without evidence. made for this test"
    assert GATE.words == "latency_ms ≤ 150 ms. made for this test"
