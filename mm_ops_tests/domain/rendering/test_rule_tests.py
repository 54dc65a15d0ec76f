"""What the rendered tests hold; that the rules pass them, and others do not, is promtool's to say (integration)."""

from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.rendering.rule_tests import build_rule_tests
from mm_ops_tests.policies_of_rules import project, with_gate

CATALOGUE = project()
DOCUMENT = build_rule_tests(CATALOGUE, "alerts_soak.yml")
COMMON = {"just beyond the limit", "just inside the limit", "not a number", "its series are absent"}
RESTARTS = {"a restart does not end a breach", "a restart is no breach"}


def cases_of(document: dict[str, Any], alert: str) -> dict[str, dict[str, Any]]:
    """By what is tested."""
    named = (test["name"].split(": ") for test in document["tests"])
    tests = zip(named, document["tests"], strict=True)
    return {name[1]: test for name, test in tests if name[0] == alert}


@pytest.mark.parametrize("one", CATALOGUE.watched, ids=lambda one: one.alert.name)
def test_every_alert_of_a_gate_is_tested_in_every_way(one: Any) -> None:
    further = {
        "SoakGuardTrip": {"a restart counts nothing"},
        "SoakLatencyP95High": RESTARTS,
        "SoakDeadlineMissRate": RESTARTS,
        "SoakMDCacheHitRatio": RESTARTS,
    }.get(one.alert.name, set())
    interrupted = {"beyond the limit, interrupted"} if one.alert.hold else set()
    assert set(cases_of(DOCUMENT, one.alert.name)) == COMMON | further | interrupted


def checks(document: dict[str, Any], alert: str, what: str) -> list[tuple[str, int]]:
    """When an alert is looked at, and how many are expected."""
    found = cases_of(document, alert)[what]["alert_rule_test"]
    return [(check["eval_time"], len(check.get("exp_alerts", []))) for check in found if check["alertname"] == alert]


def test_an_alert_is_silent_until_for_is_over_and_up_until_it_may_end() -> None:
    """Edge: breach from 0 s, for 30 m, breach ends after 30 m 30 s, kept for 5 m from the first good step on."""
    assert checks(DOCUMENT, "SoakEdgeDegradation", "just beyond the limit") == [
        ("29m45s", 0),
        ("30m", 1),
        ("35m30s", 1),
        ("35m45s", 0),
    ]


def test_a_rate_is_known_one_step_later() -> None:
    assert checks(DOCUMENT, "SoakDeadlineMissRate", "just beyond the limit")[:2] == [("10m", 0), ("10m15s", 1)]


def test_a_single_trip_fires_at_once_and_until_the_window_has_passed_it() -> None:
    """Trips at 15, 30 and 45 s; the last is inside the closed window of 5 m until 5 m 30 s."""
    found = checks(DOCUMENT, "SoakGuardTrip", "just beyond the limit")
    assert found == [("0s", 0), ("15s", 1), ("5m30s", 1), ("5m45s", 0)]


def test_another_limit_and_another_hold_are_another_test() -> None:
    changed = with_gate(CATALOGUE, "edge_bps_ema24h", limit=3.0, alert_hold=timedelta(minutes=45))
    document = build_rule_tests(changed, "alerts_soak.yml")
    (series,) = cases_of(document, "SoakEdgeDegradation")["just beyond the limit"]["input_series"]
    assert series["values"].startswith("2.97x182 3x")
    assert checks(document, "SoakEdgeDegradation", "just beyond the limit")[:2] == [("44m45s", 0), ("45m", 1)]


def test_a_gauge_that_is_not_a_number_raises_its_own_alert_and_a_counter_none() -> None:
    told = {
        alert: [check["alertname"] for check in cases_of(DOCUMENT, alert)["not a number"]["alert_rule_test"]]
        for alert in ("SoakEdgeDegradation", "SoakDeadlineMissRate")
    }
    assert told == {
        "SoakEdgeDegradation": ["SoakEdgeDegradation", "SoakMetricNaN"],
        "SoakDeadlineMissRate": ["SoakDeadlineMissRate"],
    }


def test_where_one_gate_s_series_are_absent_only_they_are_missed() -> None:
    test = cases_of(DOCUMENT, "SoakMDCacheHitRatio")["its series are absent"]
    (missed,) = [check for check in test["alert_rule_test"] if check["alertname"] == "SoakMetricAbsent"]
    assert [alert["exp_labels"]["metric"] for alert in missed["exp_alerts"]] == [
        "mm_md_cache_hit_total",
        "mm_md_cache_miss_total",
    ]


def test_an_alert_without_a_hold_that_waits_for_nothing_is_not_interrupted() -> None:
    changed = with_gate(CATALOGUE, "ws_lag_max_ms", alert_hold=timedelta(0))
    document = build_rule_tests(changed, "alerts_soak.yml")
    assert "beyond the limit, interrupted" not in cases_of(document, "SoakWSLagHigh")
    assert checks(document, "SoakWSLagHigh", "just beyond the limit") == [("0s", 1), ("30s", 1), ("45s", 0)]


def test_a_count_is_interrupted_only_where_its_window_is_shorter_than_its_hold() -> None:
    """A trip stays in the window of 20 steps: growing for 1 + 24 − 20 steps breaks the limit for 24, one too few."""
    what = "beyond the limit, interrupted"
    shorter = with_gate(CATALOGUE, "guard_trips", alert_hold=timedelta(minutes=4))
    assert what not in cases_of(build_rule_tests(shorter, "alerts_soak.yml"), "SoakGuardTrip")
    longer = with_gate(CATALOGUE, "guard_trips", alert_hold=timedelta(minutes=6))
    series = cases_of(build_rule_tests(longer, "alerts_soak.yml"), "SoakGuardTrip")[what]["input_series"]
    assert series[0]["values"] == "0 1+1x4 5+0x19 6+1x22"
