import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.kinds import ConditionTime, Gauge, Ratio
from mm_ops.domain.sli.measurement import Scope
from mm_ops.domain.sli.series import Selector, Series, split_series
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import Action, Alert, Gate, Level
from mm_ops.domain.soak.sustained import (
    judge_sustained,
    measure_sustained,
    sustained_from,
    sustained_gate,
    unmeasured_sustained,
)
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow
from mm_ops_tests.soak_samples import WINDOW, catalogue, healthy, soak_policy

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
STEP = timedelta(seconds=15)
HOUR = TimeWindow(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, 1, tzinfo=UTC))
SAMPLES = 240
WORDS = "made up for a test"
LAG = Sli(name="lag", unit="ms", measure=Gauge(metric="lag", statistic="max"), source=WORDS)
MISSES = Sli(
    name="misses",
    unit="ratio",
    measure=Ratio(numerator=(Selector("bad"),), denominator=(Selector("ticks"),)),
    source=WORDS,
)


def gate(sli: Sli = LAG, *, limit: float = 10.0, hold: int = 10, window: int | None = None, **different: Any) -> Gate:
    alert = Alert(
        name="Lagging",
        window=None if window is None else timedelta(minutes=window),
        hold=timedelta(minutes=hold),
        level=Level.CRITICAL,
        action=Action.ROLLBACK,
        source=WORDS,
    )
    usual: dict[str, Any] = {
        "name": sli.name,
        "sli": sli.name,
        "bound": Bound.AT_MOST,
        "limit": limit,
        "unit": sli.unit,
        "severity": Severity.HARD,
        "min_samples": 1,
        "alert": alert,
        "source": WORDS,
    }
    return Gate(**{**usual, **different})


def gauge(values: list[float], lost: set[int] | frozenset[int] = frozenset(), metric: str = "lag") -> Series:
    """One sample every 15 s from the start of the hour, without those that were lost."""
    kept = np.array([n for n in range(len(values)) if n not in lost], dtype=np.int64)
    times = HOUR.start_ns + kept * 15 * NS_PER_SECOND
    return Series(metric, {"bot": "x"}, times, np.array(values, dtype=np.float64)[kept])


def other_bot() -> Series:
    return replace(gauge([5.0] * SAMPLES), labels={"bot": "y"})


def with_breaches(*spans: tuple[int, int]) -> list[float]:
    """An hour at 5, at 20 from the first to before the second sample of each span."""
    values = [5.0] * SAMPLES
    for start, end in spans:
        values[start:end] = [20.0] * (end - start)
    return values


def judged(rule: Gate, sli: Sli, *table: Series) -> Finding:
    """Through the bytes that are stored."""
    stored = measure_sustained(rule, sli, table, Scope(HOUR, STEP), STEP)
    return judge_sustained(rule, json.loads(encode(stored)), str(HOUR), STEP)


def test_an_alert_that_did_not_fire_passes_and_says_so() -> None:
    finding = judged(gate(), LAG, gauge(with_breaches((100, 140))))
    assert (finding.gate, finding.severity, finding.verdict) == ("lag_sustained", Severity.HARD, PASS)
    assert (finding.value, finding.limit, finding.margin, finding.unit, finding.bound) == (0, 0, 0, "count", "at_most")
    assert (finding.samples, finding.coverage, finding.longest_gap_s) == (SAMPLES, 1.0, 15.0)
    assert (finding.window, finding.query) == (str(HOUR), "lag > 10")
    assert finding.reason == (
        "lag_episodes was 0, at most 0: 0 to spare; 240 samples, coverage 100 %, longest gap 15s; Lagging did not fire"
    )


def test_an_alert_that_fired_fails_and_names_when_how_long_and_how_bad() -> None:
    """In breach from 25:00 (sample 100) to before 40:00 (160), so firing from 35:00."""
    values = with_breaches((100, 160))
    values[120] = 31.5
    finding = judged(gate(severity=Severity.SOFT), LAG, gauge(values))
    assert (finding.severity, finding.verdict, finding.value, finding.margin) == (Severity.SOFT, FAIL, 1, -1)
    assert finding.reason == (
        "lag_episodes was 1, at most 0: 1 beyond the limit; Lagging fired at 2026-11-20T00:35:00Z for 5m, value 31.5 ms"
    )


@pytest.mark.parametrize(("bound", "far"), [(Bound.AT_MOST, 99.0), (Bound.AT_LEAST, 1.0)])
def test_of_several_episodes_the_furthest_beyond_the_limit_is_named(bound: Bound, far: float) -> None:
    values = [5.0 if bound is Bound.AT_MOST else 15.0] * SAMPLES
    values[10:60] = [20.0 if bound is Bound.AT_MOST else 9.0] * 50
    values[80:125] = [far] * 45
    finding = judged(gate(bound=bound), LAG, gauge(values))
    assert finding.value == 2
    assert f"Lagging fired at worst at 2026-11-20T00:30:00Z for 1m15s, value {far:g} ms" in finding.reason


def test_among_equals_the_longest_is_named_and_one_that_goes_on_says_so() -> None:
    finding = judged(gate(), LAG, gauge(with_breaches((10, 55), (180, 240))))
    assert "at worst at 2026-11-20T00:55:00Z for 4m45s and still at the window's end" in finding.reason


def test_a_state_has_no_unit() -> None:
    measure = ConditionTime(metric="breaker", match={"state": "open"})
    sli = Sli(name="open", unit="s", measure=measure, source=WORDS)
    series = Series("breaker", {"state": "open"}, gauge([1.0] * SAMPLES).ts_ns, np.ones(SAMPLES))
    finding = judged(gate(sli), sli, series)
    assert finding.reason.endswith(
        "Lagging fired at 2026-11-20T00:10:00Z for 49m45s and still at the window's end, value 1"
    )


def test_an_infinite_value_taints_and_is_stored_without_a_number() -> None:
    values = with_breaches((100, 160))
    values[120] = np.inf
    stored = measure_sustained(gate(), LAG, [gauge(values)], Scope(HOUR, STEP), STEP)
    assert [episode["worst"] for episode in stored["episodes"]] == [None]
    finding = judged(gate(), LAG, gauge(values))
    assert (finding.verdict, finding.reason) == (
        INCONCLUSIVE,
        "lag_episodes has no value: the samples are not numbers",
    )


def test_what_fired_on_partial_data_still_fails() -> None:
    """Half an hour is lost, long after the breach."""
    finding = judged(gate(), LAG, gauge(with_breaches((10, 60)), lost=set(range(100, 220))))
    assert finding.verdict is FAIL
    assert "(on partial data: coverage 50 % is below 99 %; the longest gap of 30m15s is over 5m)" in finding.reason


@pytest.mark.parametrize(
    ("lost", "verdict", "reason"),
    [
        pytest.param(100, INCONCLUSIVE, "but Lagging may have fired at 2026-11-20T00:35:00Z", id="its first sample"),
        pytest.param(
            120, FAIL, "Lagging fired at 2026-11-20T00:35:00Z", id="one inside, for which the last one stands"
        ),
        pytest.param(60, FAIL, "Lagging fired at 2026-11-20T00:35:00Z", id="one elsewhere"),
    ],
)
def test_a_breach_that_just_held_does_not_pass_for_a_lost_sample(lost: int, verdict: Verdict, reason: str) -> None:
    """Samples 100 to 140 are in breach: 10 min from the first to the last."""
    values = gauge(with_breaches((100, 141)), lost={lost})
    finding = judged(gate(), LAG, values)
    assert finding.verdict is verdict
    assert reason in finding.reason


def test_without_a_loss_a_breach_that_just_did_not_hold_passes() -> None:
    assert judged(gate(), LAG, gauge(with_breaches((100, 140)))).verdict is PASS


def test_a_loss_apart_from_every_breach_is_no_doubt() -> None:
    assert judged(gate(), LAG, gauge(with_breaches((100, 139)), lost={30, 200})).verdict is PASS


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        pytest.param([], "no series lag in the window", id="no series"),
        pytest.param([gauge([5.0, np.nan] * 120)], "tainted: 120 samples are NaN", id="NaN"),
        pytest.param([gauge([5.0] * SAMPLES, set(range(3, 60)))], "coverage 76.25 % is below", id="coverage and gap"),
        pytest.param([gauge([5.0] * SAMPLES), other_bot()], "2 label sets", id="two bots"),
    ],
)
def test_evidence_that_is_not_good_enough_is_inconclusive(table: list[Series], reason: str) -> None:
    finding = judged(gate(), LAG, *table)
    assert finding.verdict is INCONCLUSIVE
    assert reason in finding.reason


def test_a_source_that_did_not_answer_is_inconclusive() -> None:
    stored = unmeasured_sustained(gate(), LAG, "connection refused", HOUR, STEP)
    finding = judge_sustained(gate(), json.loads(encode(stored)), str(HOUR), STEP)
    assert (finding.verdict, finding.value) == (INCONCLUSIVE, None)
    assert finding.reason == "lag_episodes: the source gave no answer: connection refused"


def test_nothing_stored_is_inconclusive() -> None:
    finding = judge_sustained(gate(), None, str(HOUR), STEP)
    assert (finding.verdict, finding.reason) == (INCONCLUSIVE, "no measurement of lag_episodes")


@pytest.mark.parametrize(
    ("asked", "interval", "words"),
    [
        (gate(limit=25.0), STEP, "limit 10.0 where the policy has 25.0"),
        (gate(hold=30), STEP, "hold_s 600.0 where the policy has 1800.0"),
        (gate(bound=Bound.AT_LEAST), STEP, "bound at_most where the policy has at_least"),
        (gate(window=5), STEP, "window_s None where the policy has 300.0"),
        (gate(), timedelta(minutes=1), "interval_s 15.0 where the policy has 60.0"),
    ],
)
@pytest.mark.parametrize("breach", [[], [(10, 80)]], ids=["quiet", "fired"])
def test_another_rule_than_the_policy_s_was_no_measurement_of_it(
    asked: Gate, interval: timedelta, words: str, breach: list[tuple[int, int]]
) -> None:
    stored = measure_sustained(gate(), LAG, [gauge(with_breaches(*breach))], Scope(HOUR, STEP), STEP)
    finding = judge_sustained(asked, stored, str(HOUR), interval)
    assert finding.verdict is INCONCLUSIVE
    assert f"but the alert was replayed with {words}" in finding.reason


def _tampered(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    values = with_breaches((10, 80))
    stored: dict[str, Any] = json.loads(
        encode(measure_sustained(gate(), LAG, [gauge(values)], Scope(HOUR, STEP), STEP))
    )
    change(stored)
    return stored


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda one: one.pop("episodes"), r"sustained\.lag\.episodes: Field required"),
        (lambda one: one["measurement"].update(value="0"), r"sustained\.lag\.measurement\.value: .* was '0'"),
        (lambda one: one["measurement"].pop("doubt"), "expected exactly the fields"),
        (lambda one: one["measurement"].update(note="x"), "expected exactly the fields"),
        (lambda one: one["episodes"][0].update(duration_s=float("nan")), "not the JSON that was stored"),
        (lambda one: one.update(unit={1}), "not the JSON that was stored"),
    ],
)
def test_what_is_stored_is_read_exactly_or_not_at_all(change: Callable[[dict[str, Any]], object], fault: str) -> None:
    with pytest.raises(SchemaError, match=f"soak metrics: {fault}|soak metrics: sustained.lag: {fault}"):
        judge_sustained(gate(), _tampered(change), str(HOUR), STEP)


def test_what_was_stored_is_what_is_read() -> None:
    found = sustained_from("lag", _tampered(dict))
    assert [one.firing_since.minute for one in found.episodes] == [12]
    assert found.measurement.value == 1


def test_a_gate_without_an_alert_has_no_such_gate() -> None:
    with pytest.raises(PolicyError, match="lag: expected an alert, was none"):
        judge_sustained(gate(alert=None), None, str(HOUR), STEP)


def test_the_gate_on_episodes_demands_the_evidence_of_the_gate_itself() -> None:
    rule = gate(min_samples=7, min_coverage=0.5, max_gap=timedelta(minutes=7))
    found = sustained_gate(rule)
    assert (found.min_samples, found.min_coverage, found.max_gap) == (7, 0.5, timedelta(minutes=7))
    assert (found.name, found.limit, found.alert) == ("lag_sustained", 0, None)


def test_no_alert_of_the_project_fires_for_a_healthy_bot() -> None:
    table, slis = split_series(healthy()), {sli.name: sli for sli in catalogue().slis}
    gates = [one for one in soak_policy().gates if one.alert]
    assert len(gates) == 8
    for one in gates:
        stored = measure_sustained(one, slis[one.sli], table, Scope(WINDOW, STEP), STEP)
        assert judge_sustained(one, stored, str(WINDOW), STEP).verdict is PASS, one.name


SPANS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 90)), max_size=4)
LOST = st.sets(st.integers(0, SAMPLES - 1), max_size=120)
LAX: dict[str, Any] = {"min_coverage": 0.1, "max_gap": timedelta(minutes=5)}


def of_kind(
    kind: Literal["gauge", "ratio"], spans: list[tuple[int, int]], lost: set[int]
) -> tuple[Gate, Sli, list[Series]]:
    """A gauge, or a ratio of counters that were reset once, in breach during the spans."""
    values = with_breaches(*((start, min(start + length, SAMPLES)) for start, length in spans))
    if kind == "gauge":
        return gate(**LAX), LAG, [gauge(values, lost)]
    counters = {"ticks": np.full(SAMPLES, 100.0), "bad": np.array(values)}
    table = []
    for metric, steps in counters.items():
        counted = np.cumsum(steps)
        counted[120:] -= counted[119]
        table.append(gauge(counted.tolist(), lost, metric))
    return gate(MISSES, limit=0.1, window=5, **LAX), MISSES, table


@pytest.mark.parametrize("kind", ["gauge", "ratio"])
@given(SPANS, LOST)
@settings(max_examples=150)
def test_losing_samples_never_turns_a_fail_into_a_pass(
    kind: Literal["gauge", "ratio"], spans: list[tuple[int, int]], lost: set[int]
) -> None:
    """Where coverage asks for little, what the loss may have hidden is still in doubt."""
    whole, partial = judged(*_flat(of_kind(kind, spans, set()))), judged(*_flat(of_kind(kind, spans, lost)))
    assert not (whole.verdict is FAIL and partial.verdict is PASS), (whole.reason, partial.reason)


@pytest.mark.parametrize("kind", ["gauge", "ratio"])
@given(SPANS, st.integers(0, SAMPLES - 22))
@settings(max_examples=60)
def test_a_stretch_over_the_longest_gap_never_passes(
    kind: Literal["gauge", "ratio"], spans: list[tuple[int, int]], start: int
) -> None:
    rule, sli, table = of_kind(kind, spans, set(range(start, start + 21)))
    assert judged(rule, sli, *table).verdict is not PASS


@pytest.mark.parametrize("kind", ["gauge", "ratio"])
@given(SPANS, st.sets(st.integers(0, SAMPLES - 1), min_size=3))
@settings(max_examples=60)
def test_more_lost_samples_than_the_coverage_allows_never_pass(
    kind: Literal["gauge", "ratio"], spans: list[tuple[int, int]], lost: set[int]
) -> None:
    """3 of 240 are 1.25 %."""
    rule, sli, table = of_kind(kind, spans, lost)
    assert judged(replace(rule, min_coverage=0.99), sli, *table).verdict is not PASS


@given(SPANS)
@settings(max_examples=30)
def test_a_series_that_is_gone_never_passes(spans: list[tuple[int, int]]) -> None:
    rule, sli, table = of_kind("ratio", spans, set())
    for n in range(2):
        assert judged(rule, sli, table[n]).verdict is INCONCLUSIVE


def _flat(of: tuple[Gate, Sli, list[Series]]) -> tuple[Any, ...]:
    rule, sli, table = of
    return (rule, sli, *table)
