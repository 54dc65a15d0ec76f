from dataclasses import replace
from typing import Any

import pytest

from mm_ops.domain.rendering.dashboard_check import find_dashboard_faults
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import Gate, SoakPolicy
from mm_ops_tests.domain.rendering.drawn import DROP, POLICIES, TEXT, faults_of, planted

EDGE, LATENCY = "panel 1 (Net edge): fieldConfig.A", "panel 2 (Tick latency, p95): fieldConfig.A"
BREAKER = "panel 7 (Circuit breaker and guards): fieldConfig.C"
STEPS = "panels/{}/fieldConfig/defaults/thresholds/steps"
RIGHT = "panels/6/fieldConfig/overrides/1/properties"
CLEAR, RED = {"color": "transparent", "value": None}, {"color": "red", "value": 150}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"panels/0/fieldConfig/defaults/thresholds": DROP},
            f"{EDGE}.thresholds: edge_bps_ema24h: expected 2 bps, was []",
        ),
        ({STEPS.format(0) + "/1/value": 1.5}, f"{EDGE}.thresholds: edge_bps_ema24h: expected 2 bps, was [None, 1.5]"),
        (
            {STEPS.format(1) + "/1/value": 151.0},
            f"{LATENCY}.thresholds: tick_latency_p95_ms: expected 150 ms, was [None, 151.0]",
        ),
        (
            {STEPS.format(1) + "/0/value": 0.0},
            f"{LATENCY}.thresholds: tick_latency_p95_ms: expected 150 ms, was [0.0, 150]",
        ),
        (
            {STEPS.format(1): [CLEAR, RED, RED]},
            f"{LATENCY}.thresholds: tick_latency_p95_ms: expected 150 ms, was [None, 150, 150]",
        ),
        (
            {STEPS.format(1): [RED, CLEAR]},
            f"{LATENCY}.thresholds: tick_latency_p95_ms: expected 150 ms, was [150, None]",
        ),
        (
            {STEPS.format(1): [{**CLEAR, "color": "red"}, {**RED, "color": "transparent"}]},
            f"{LATENCY}.thresholds: tick_latency_p95_ms: expected a colour above the limit only",
        ),
        (
            {STEPS.format(1) + "/0/color": "green"},
            f"{LATENCY}.thresholds: tick_latency_p95_ms: expected a colour above the limit only",
        ),
        (
            {STEPS.format(0) + "/1/color": "red", STEPS.format(0) + "/0/color": "transparent"},
            f"{EDGE}.thresholds: edge_bps_ema24h: expected a colour below the limit only",
        ),
        (
            {"panels/0/fieldConfig/defaults/thresholds/mode": "percentage"},
            f"{EDGE}.thresholds: edge_bps_ema24h: expected absolute steps, was percentage",
        ),
        (
            {"panels/0/fieldConfig/defaults/custom/thresholdsStyle/mode": "off"},
            f"{EDGE}.thresholdsStyle: edge_bps_ema24h: expected a limit that is drawn, was off",
        ),
        (
            {"panels/0/fieldConfig/defaults/custom/thresholdsStyle": DROP},
            f"{EDGE}.thresholdsStyle: edge_bps_ema24h: expected a limit that is drawn, was None",
        ),
        (
            {"panels/0/fieldConfig/defaults/unit": "bps"},
            f"{EDGE}.unit: edge_bps_ema24h: expected 'suffix: bps', was 'bps'",
        ),
        ({"panels/1/fieldConfig/defaults/unit": "s"}, f"{LATENCY}.unit: tick_latency_p95_ms: expected 'ms', was 's'"),
        ({RIGHT + "/0/value": "s"}, f"{BREAKER}.unit: guard_trips: expected 'short', was 's'"),
        (
            {RIGHT + "/2/value/mode": "off"},
            f"{BREAKER}.thresholdsStyle: guard_trips: expected a limit that is drawn, was off",
        ),
        (
            {RIGHT + "/5/value/steps/1/value": 0.0},
            f"{BREAKER}.thresholds: guard_trips: expected 1 count, was [None, 0.0]",
        ),
        (
            {RIGHT + "/5/value/steps/1/value": DROP},
            f"{BREAKER}.thresholds: guard_trips: expected 1 count, was [None, None]",
        ),
        ({"annotations/list": []}, "dashboard: annotations.list: expected marks of ALERTS, was none"),
        ({"annotations/list/0/enable": False}, "dashboard: annotations.list: expected marks of ALERTS, was none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_limit_other_than_the_gate_s_is_named(changes: dict[str, Any], expected: str) -> None:
    faults = faults_of(changes)
    assert [fault for fault in faults if fault.startswith(expected)], faults


def test_the_first_step_may_be_without_a_value_as_grafana_writes_it() -> None:
    assert faults_of({RIGHT + "/5/value/steps/0/value": DROP}) == []


def test_a_panel_that_is_missing_leaves_its_gate_unseen() -> None:
    panels = planted({})["panels"]
    query = panels[5]["targets"][0]["expr"]
    assert faults_of({"panels": [*panels[:5], panels[6]]}) == [
        f"dashboard: panels: no panel shows the gate ws_lag_max_ms: {query}"
    ]


def other(name: str, **changes: Any) -> SoakPolicy:
    """The policy with one gate that is different."""
    soak = POLICIES[1]

    def change(gate: Gate) -> Gate:
        return replace(gate, **changes) if gate.name == name else gate

    return replace(soak, gates=tuple(change(gate) for gate in soak.gates))


def test_a_limit_that_was_changed_in_the_policy_alone_is_found() -> None:
    faults = find_dashboard_faults(TEXT, None, (POLICIES[0], other("ws_lag_max_ms", limit=250.0)))
    assert faults == [
        "panel 6 (Websocket lag): fieldConfig.A.thresholds: ws_lag_max_ms: expected 250 ms, was [None, 200]"
    ]


def test_a_bound_that_was_turned_in_the_policy_alone_is_found() -> None:
    turned = other("deadline_miss_ratio", bound=Bound.AT_LEAST)
    (fault,) = find_dashboard_faults(TEXT, None, (POLICIES[0], turned))
    assert fault.endswith("deadline_miss_ratio: expected a colour below the limit only")


def test_without_policies_no_limit_is_compared() -> None:
    assert find_dashboard_faults(TEXT) == []
