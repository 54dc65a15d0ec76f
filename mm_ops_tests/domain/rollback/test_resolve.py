from dataclasses import replace
from datetime import timedelta

import promql_parser
import pytest
import yaml

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.notify.notice import Told
from mm_ops.domain.rendering.rules import all_alerts
from mm_ops.domain.rollback.policy import Response, RollbackPolicy
from mm_ops.domain.rollback.resolve import rendered_alerts, resolve_rollback
from mm_ops.domain.verdict import Severity
from mm_ops_tests.policies_of_rules import project
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.rollback_world import POLICY

CATALOGUE = project()
RULES = yaml.safe_load((PROJECT / "deploy/prometheus/alerts_soak.yml").read_text(encoding="utf-8"))


def resolve(policy: RollbackPolicy) -> None:
    resolve_rollback(policy, CATALOGUE.soak, CATALOGUE.alerting)


def test_the_project_s_policy_and_its_rendered_rules_know_the_same_alerts():
    resolve(POLICY)
    rendered = {rule["alert"] for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}
    assert rendered == {rule.name for rule in POLICY.alerts} == {rule.name for rule in all_alerts(CATALOGUE)}


def test_the_response_and_the_people_are_those_of_the_rendered_labels():
    told = {"critical": Told.ONCALL, "warning": Told.TEAM, "none": None}
    for rule in all_alerts(CATALOGUE):
        asked = POLICY.rule_of(rule.name)
        assert asked is not None
        assert (asked.response, asked.told) == (Response(rule.labels["action"]), told[rule.labels["severity"]])


def longest_range(expression: str) -> timedelta:
    """The longest range selector of a rendered rule, through the recorded values that it compares."""
    recorded = {
        rule["record"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule
    }
    for name, meaning in recorded.items():
        expression = expression.replace(name, f"({meaning})")
    found = [timedelta(0)]
    waiting = [promql_parser.parse(expression)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.range)
        inner = [getattr(node, name, None) for name in ("lhs", "rhs", "expr")] + list(getattr(node, "args", []))
        waiting += [one for one in inner if isinstance(one, promql_parser.Expr)]
    return max(found)


def test_the_longest_range_is_the_one_of_the_rendered_rule():
    known = rendered_alerts(CATALOGUE.soak, CATALOGUE.alerting)
    seen = {
        rule["alert"]: longest_range(rule["expr"])
        for group in RULES["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert {name: one.longest_range for name, one in known.items()} == seen
    assert seen["SoakLatencyP95High"] == timedelta(minutes=5)
    assert seen["SoakTicksStalled"] == timedelta(minutes=2)
    assert seen["SoakEdgeDegradation"] == timedelta(0)


def test_a_cooldown_shorter_than_the_range_of_an_alert_that_stops_is_refused():
    resolve(replace(POLICY, cooldown=replace(POLICY.cooldown, length=timedelta(minutes=5))))
    with pytest.raises(PolicyError) as refused:
        resolve(replace(POLICY, cooldown=replace(POLICY.cooldown, length=timedelta(minutes=4, seconds=59))))
    lines = str(refused.value).splitlines()
    expected = "cooldown.length: expected at least the rule's longest range, 5m, was 4m59s"
    assert lines == [
        f"rollback.yaml: alerts.{number} ({name}): {expected}"
        for number, name in ((0, "SoakLatencyP95High"), (1, "SoakDeadlineMissRate"), (3, "SoakMDCacheHitRatio"))
    ]


def test_the_drill_is_the_alert_that_is_rendered_for_it_and_no_other():
    changed = [replace(rule, drill=rule.name == "SoakLatencyP95High") for rule in POLICY.alerts]
    with pytest.raises(PolicyError) as refused:
        resolve(replace(POLICY, alerts=tuple(changed)))
    last, drill = len(changed) - 1, "RollbackDrill is the alert of the drills"
    assert str(refused.value).splitlines() == [
        f"rollback.yaml: alerts.{number} ({name}): drill: expected {expected}: {drill}, {was}"
        for number, name, expected, was in (
            (0, "SoakLatencyP95High", "false", "was True"),
            (last, "RollbackDrill", "true", "was False"),
        )
    ]


def test_every_disagreement_is_named():
    first, second, third, *others = POLICY.alerts
    changed = (
        replace(first, name="SoakOther"),
        replace(second, response=Response.HOLD, actions=(), confirm=None),
        replace(
            third, cause=None, confirmations=None, response=Response.NOTIFY, actions=(), confirm=None, told=Told.TEAM
        ),
        *others,
    )
    with pytest.raises(PolicyError) as refused:
        resolve(replace(POLICY, alerts=changed))
    assert str(refused.value).splitlines() == [
        "rollback.yaml: alerts: no SoakLatencyP95High, which is rendered",
        "rollback.yaml: alerts.0 (SoakOther): name: no such alert in soak.yaml or alerting.yaml",
        "rollback.yaml: alerts.1 (SoakDeadlineMissRate): response: expected rollback as the rule says, was hold",
        "rollback.yaml: alerts.2 (SoakEdgeDegradation): response: expected rollback as the rule says, was notify",
        "rollback.yaml: alerts.2 (SoakEdgeDegradation): told: expected oncall as the rule says, was team",
        "rollback.yaml: alerts.2 (SoakEdgeDegradation): cause: expected hard as the rule says, was none",
    ]


def test_causes_are_the_severities_of_the_gates():
    known = rendered_alerts(CATALOGUE.soak, CATALOGUE.alerting)
    assert {one.cause for one in known.values() if one.response is Response.ROLLBACK} == {Severity.HARD}
    assert known["Watchdog"].cause is None
