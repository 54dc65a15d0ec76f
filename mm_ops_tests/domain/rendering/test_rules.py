import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.canonical import number_text
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.policy import DRILL_METRIC
from mm_ops.domain.rendering.promql import metrics_of
from mm_ops.domain.rendering.rules import (
    AlertRule,
    all_alerts,
    build_rules,
    gate_rules,
    no_data_rules,
    record_rules,
    watchdog_rule,
)
from mm_ops.domain.soak.alerting import alert_expression
from mm_ops_tests.policies_of_rules import project, scraped, with_bots, with_gate

CATALOGUE = project()


def rules_of(document: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    rules = itertools.chain.from_iterable(group["rules"] for group in document["groups"])
    return (rule for rule in rules if kind in rule)


def test_every_alert_of_a_gate_means_what_the_gate_s_alert_expression_says() -> None:
    """A recorded name stands for its own expression: putting that in its place gives the expression of the gate."""
    recorded = {rule["record"]: rule["expr"] for rule in record_rules(CATALOGUE)}
    assert len(recorded) == 3
    for one, rule in zip(CATALOGUE.watched, gate_rules(CATALOGUE), strict=True):
        name, operator, number = rule.expr.rsplit(" ", 2)
        assert " ".join([recorded.get(name, name), operator, number]) == alert_expression(one.gate, one.sli)


def test_the_eight_alerts_of_the_gates_are_followed_by_those_on_missing_evidence() -> None:
    names = [rule["alert"] for rule in rules_of(build_rules(CATALOGUE), "alert")]
    assert list(dict.fromkeys(names)) == [
        "SoakLatencyP95High",
        "SoakDeadlineMissRate",
        "SoakEdgeDegradation",
        "SoakMDCacheHitRatio",
        "SoakCircuitBreakerOpen",
        "SoakGuardTrip",
        "SoakMakerTakerImbalance",
        "SoakWSLagHigh",
        "SoakMetricAbsent",
        "SoakMetricNaN",
        "SoakTicksStalled",
        "SoakTargetDown",
        "Watchdog",
        "RollbackDrill",
    ]
    assert list(dict.fromkeys(names)) == CATALOGUE.alert_names


def test_recorded_values_stand_before_the_alerts_that_read_them_in_one_group() -> None:
    first = build_rules(CATALOGUE)["groups"][0]["rules"]
    assert ["record" in rule for rule in first] == [True] * 3 + [False] * 8


def test_another_limit_is_another_expression_and_another_annotation() -> None:
    changed = with_gate(CATALOGUE, "ws_lag_max_ms", limit=250.0, alert_hold=timedelta(minutes=20))
    rule = gate_rules(changed)[-1].plain()
    assert rule["expr"] == "mm_ws_lag_max_ms > 250"
    assert rule["for"] == "20m"
    assert rule["annotations"]["limit"] == "≤ 250 ms"
    assert rule["annotations"]["summary"].endswith("ms for 20m; expected at most 250 ms")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_limit_is_written_to_the_last_bit(value: float) -> None:
    assert float(number_text(value)) == value


def test_a_limit_that_six_digits_cannot_hold_is_watched_in_full() -> None:
    changed = with_gate(CATALOGUE, "ws_lag_max_ms", limit=200.0000001)
    assert gate_rules(changed)[-1].expr == "mm_ws_lag_max_ms > 200.0000001"


def test_absence_is_asked_for_each_bot_by_its_labels() -> None:
    (paper,) = CATALOGUE.fleet.bots
    fleet = with_bots(CATALOGUE, paper, scraped(paper, "mm1", bot="mm1", env="live"))
    absent = [rule for rule in no_data_rules(fleet) if rule.name == "SoakMetricAbsent"]
    expected = len(CATALOGUE.needed())
    assert len(absent) == 2 * expected
    assert absent[2].expr == 'absent(mm_ticks_total{bot="paper"})'
    assert absent[expected + 2].expr == 'absent(mm_ticks_total{bot="mm1",env="live"})'
    assert {rule.labels["metric"] for rule in absent} == set(CATALOGUE.needed())


def test_the_absence_of_one_guard_is_not_hidden_by_the_others() -> None:
    (guards,) = [rule for rule in no_data_rules(CATALOGUE) if rule.labels.get("metric") == "mm_guard_trip_total"]
    assert guards.expr.count("absent(") == 4
    assert 'absent(mm_guard_trip_total{bot="paper",guard="drift"})' in guards.expr.split(" or ")


def test_missing_evidence_asks_to_hold_and_the_watchdog_beats() -> None:
    assert {rule.labels["action"] for rule in no_data_rules(CATALOGUE)} == {"hold"}
    assert {rule.labels["severity"] for rule in no_data_rules(CATALOGUE)} == {"critical"}
    assert watchdog_rule(CATALOGUE).labels == {"severity": "none", "action": "heartbeat"}


def test_every_alert_says_what_to_read_and_leaves_no_place_empty() -> None:
    series = {"bot": "paper", "guard": "drift", "state": "open"}
    for rule in all_alerts(CATALOGUE):
        said = rule.said(series, 1.23456)
        assert said["runbook"] == f"deploy/runbooks/{rule.name}.md" == rule.plain()["annotations"]["runbook"]
        assert said["summary"]
        assert said["limit"]
        assert "{{" not in "".join(said.values())
        assert ("paper" in said["summary"]) == (rule.name != "Watchdog")


def test_a_summary_gives_four_digits_of_the_value_and_which_guard() -> None:
    (guard,) = [rule for rule in gate_rules(CATALOGUE) if rule.name == "SoakGuardTrip"]
    said = guard.said({"bot": "mm1", "guard": "drift"}, 1.052631)
    assert said["summary"] == "mm1: guard_trips (guard drift) over 5m was 1.053; expected at most 0"


def test_an_expression_that_no_rule_may_have_is_never_written() -> None:
    rule = AlertRule(name="Bad", expr="mm_x[5m]", labels={}, source="made up for a test")
    with pytest.raises(PolicyError, match="Bad: expected one number for each series, was a MatrixSelector"):
        rule.plain()


def test_every_metric_of_a_rule_is_one_that_the_bot_or_the_watcher_exports_or_the_file_records(healthy: Path) -> None:
    files = sorted(healthy.glob("samples/*/samples.parquet"))
    exported = set(pl.read_parquet(files[-1], columns=["metric"])["metric"].unique())
    document = build_rules(CATALOGUE)
    recorded = {rule["record"] for rule in rules_of(document, "record")}
    for rule in itertools.chain(rules_of(document, "record"), rules_of(document, "alert")):
        assert metrics_of(rule["expr"], "X") <= exported | recorded | {DRILL_METRIC}
    read = set().union(*(metrics_of(rule["expr"], "X") for rule in rules_of(document, "alert")))
    assert recorded <= read
