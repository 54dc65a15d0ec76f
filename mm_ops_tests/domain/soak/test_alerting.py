from dataclasses import replace

import pytest

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.soak.alerting import alert_expression, alert_value
from mm_ops.domain.soak.resolve import resolve
from mm_ops_tests.soak_samples import catalogue, soak_policy

SLIS = {sli.name: sli for sli in catalogue().slis}
GATES = {gate.name: gate for gate in soak_policy().gates}


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (
            "tick_latency_p95_ms",
            (
                "histogram_quantile(0.95, "
                'sum by (bot, le) (rate(mm_stage_duration_ms_bucket{stage="tick_total"}[5m]))) > 150'
            ),
        ),
        (
            "deadline_miss_ratio",
            "sum by (bot) (rate(mm_deadline_miss_total[5m])) / (sum by (bot) (rate(mm_ticks_total[5m])) > 0) > 0.02",
        ),
        (
            "md_cache_hit_ratio",
            (
                "sum by (bot) (rate(mm_md_cache_hit_total[5m])) / ((sum by (bot) (rate(mm_md_cache_hit_total[5m]))"
                " + sum by (bot) (rate(mm_md_cache_miss_total[5m]))) > 0) < 0.7"
            ),
        ),
        ("edge_bps_ema24h", "mm_edge_bps_ema24h < 2"),
        ("circuit_open_seconds", 'mm_circuit_breaker_state{state="open"} == 1'),
        ("guard_trips", "sum by (bot, guard) (increase(mm_guard_trip_total[5m])) > 0"),
    ],
)
def test_an_alert_watches_the_limit_of_its_gate(gate: str, expected: str) -> None:
    assert alert_expression(GATES[gate], SLIS[GATES[gate].sli], by=("bot",)) == expected


def test_the_project_has_the_eight_alerts_of_the_design() -> None:
    alerts = [gate.alert for gate in GATES.values() if gate.alert]
    assert {alert.name: (alert.hold.total_seconds() / 60, alert.action.value) for alert in alerts} == {
        "SoakLatencyP95High": (10, "rollback"),
        "SoakDeadlineMissRate": (10, "rollback"),
        "SoakEdgeDegradation": (30, "rollback"),
        "SoakMDCacheHitRatio": (15, "rollback"),
        "SoakCircuitBreakerOpen": (5, "notify"),
        "SoakGuardTrip": (0, "notify"),
        "SoakMakerTakerImbalance": (30, "notify"),
        "SoakWSLagHigh": (15, "notify"),
    }


def test_an_alert_without_what_it_needs_is_refused() -> None:
    gate, sli = GATES["deadline_miss_ratio"], SLIS["deadline_miss_ratio"]
    assert gate.alert is not None
    with pytest.raises(PolicyError, match=r"deadline_miss_ratio: expected an alert"):
        alert_value(replace(gate, alert=None), sli)
    with pytest.raises(PolicyError, match=r"alert\.window: expected one for a ratio"):
        alert_value(replace(gate, alert=replace(gate.alert, window=None)), sli)


@pytest.mark.parametrize(("gate", "word"), [("deadline_miss_ratio", "one"), ("edge_bps_ema24h", "none")])
def test_a_window_belongs_to_counters_and_not_to_gauges(gate: str, word: str) -> None:
    policy = soak_policy()
    counted = GATES["guard_trips"].alert
    assert counted is not None
    window = None if word == "one" else counted.window
    changed = [
        replace(item, alert=replace(item.alert, window=window)) if item.name == gate and item.alert else item
        for item in policy.gates
    ]
    with pytest.raises(PolicyError, match=rf"\({gate}\): alert\.window: expected {word} for a"):
        resolve(catalogue(), replace(policy, gates=tuple(changed)))


def test_two_alerts_of_one_name_are_refused() -> None:
    policy = soak_policy()
    first, second, *others = policy.gates
    with pytest.raises(ValueError, match="alerts: expected every name once, was twice: SoakLatencyP95High"):
        replace(policy, gates=(first, replace(second, alert=first.alert), *others))


@pytest.mark.parametrize(("limit", "text"), [(1_234_567.0, "1234567.0"), (0.85000001, "0.85000001"), (150.0, "150")])
def test_a_limit_is_the_same_to_the_last_bit_in_the_alert(limit: float, text: str) -> None:
    gate = next(one for one in soak_policy().gates if one.name == "ws_lag_max_ms")
    sli = catalogue().of(gate.sli)
    assert alert_expression(replace(gate, limit=limit), sli) == f"mm_ws_lag_max_ms > {text}"
    assert f"≤ {text} ms" in replace(gate, limit=limit).words
