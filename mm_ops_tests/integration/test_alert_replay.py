"""The replay of every alert of soak.yaml against the judgement of ``promtool test rules`` on the same series.

Each scenario is a line of letters, one sample every 15 s: ``.`` within the limit, ``#`` beyond it, ``N`` a NaN,
``_`` no sample, ``r`` a restart that sets counters to 0. At every evaluation promtool is told which alerts the
replay says are firing, and fails where it sees others.
"""

import json
import subprocess
from bisect import bisect_left
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.soak.alerting import alert_expression
from mm_ops.domain.soak.policy import Gate
from mm_ops.domain.soak.replay import alert_of, replay
from mm_ops.domain.windows import EPOCH, NS_PER_SECOND, TimeWindow, to_ns
from mm_ops_tests.requirements import require_binary
from mm_ops_tests.soak_samples import Array, bucket_bounds, catalogue, soak_policy

pytestmark = pytest.mark.integration

STEP = timedelta(seconds=15)
GATES = {gate.name: gate for gate in soak_policy().gates if gate.alert}
SLIS = {sli.name: sli for sli in catalogue().slis}
Steps = tuple[float, float]
"""A gauge's values within and beyond the limit, or by how much a counter rises in 15 s."""

COUNTERS: dict[str, dict[str, Steps]] = {
    "deadline_miss_ratio": {"mm_deadline_miss_total": (0, 3), "mm_ticks_total": (100, 100)},
    "md_cache_hit_ratio": {"mm_md_cache_hit_total": (9, 6), "mm_md_cache_miss_total": (1, 4)},
    "guard_trips": {
        f"mm_guard_trip_total guard={guard}": (0, guard == "drift")
        for guard in ("max_position", "price_band", "loss_limit", "drift")
    },
    "tick_latency_p95_ms": {
        f"mm_stage_duration_ms_bucket stage=tick_total,le={bound:g}": (10, 10 if bound > 200 else 9)
        if bound > 50
        else (2, 2)
        for bound in (*bucket_bounds(), float("inf"))
    },
}
GAUGES: dict[str, dict[str, Steps]] = {
    "edge_bps_ema24h": {"mm_edge_bps_ema24h": (2, 1.999)},
    "circuit_open_seconds": {"mm_circuit_breaker_state state=open": (0, 1)},
    "maker_share": {"mm_maker_share_ratio": (0.85, 0.84)},
    "ws_lag_max_ms": {"mm_ws_lag_max_ms": (200, 201)},
}


def values_of(line: str, steps: Steps, *, counter: bool) -> Array:
    """What a series exports at each letter; a counter goes on while it is not scraped."""
    beyond = np.array([letter != "." for letter in line])
    values = np.where(beyond, steps[1], steps[0]).astype(np.float64)
    if counter:
        counted = np.cumsum(values)
        for restart in (n for n, letter in enumerate(line) if letter == "r"):
            counted[restart:] -= counted[restart]
        values = counted
    values[[letter == "N" for letter in line]] = np.nan
    return values


def table_of(gate: str, line: str) -> list[Series]:
    counter = gate in COUNTERS
    table = []
    there = np.array([letter != "_" for letter in line])
    times = to_ns(EPOCH) + np.arange(len(line)) * 15 * NS_PER_SECOND
    for key, steps in (COUNTERS if counter else GAUGES)[gate].items():
        metric, _, pairs = key.partition(" ")
        labels = dict(pair.split("=") for pair in pairs.split(",") if pair)
        if labels.get("le") == "inf":
            labels["le"] = "+Inf"
        values = values_of(line, steps, counter=counter)
        table.append(Series(metric, {"bot": "x", **labels}, times[there], values[there]))
    return table


def input_series(one: Series, steps: int) -> dict[str, str]:
    """In promtool's notation."""
    shown = ["_"] * steps
    for ts_ns, value in zip(one.ts_ns.tolist(), one.values.tolist(), strict=True):
        shown[ts_ns // (15 * NS_PER_SECOND)] = "NaN" if np.isnan(value) else repr(value)
    return {"series": Selector(one.metric, dict(one.labels)).promql({}), "values": " ".join(shown)}


def firing(gate: Gate, line: str) -> list[list[Mapping[str, str]]]:
    """The label sets that fire at each evaluation, by the replay."""
    window = TimeWindow(EPOCH, EPOCH + len(line) * STEP)
    found: list[list[Mapping[str, str]]] = [[] for _ in line]
    for episode in replay(gate, SLIS[gate.sli], table_of(gate.name, line), window, STEP):
        start = (episode.firing_since - EPOCH) // STEP
        until = len(line) if episode.until is None else (episode.until - EPOCH) // STEP
        for step in range(start, until):
            found[step].append(episode.labels)
    return found


def longest_without_firing(gate: Gate) -> int:
    """The most samples in a row beyond the limit for which the alert does not fire."""
    return bisect_left(range(400), True, key=lambda n: any(firing(gate, "." * 25 + "#" * (n + 1) + "." * 60)))


def scenarios(gate: Gate) -> dict[str, str]:
    just = longest_without_firing(gate)
    hold = alert_of(gate).hold // STEP
    long = "#" * (hold + 40)
    return {
        "fires": "." * 30 + long + "." * 60,
        "just does not fire": "." * 25 + "#" * just + "." * 60,
        "just fires": "." * 25 + "#" * (just + 1) + "." * 60,
        "begins in breach": long + "." * 60,
        "flaps": "." * 25 + long + "." * 35 + "###" + "." * 18 + "#" + "." * 60 + "#" * 30 + "." * 40,
        "flaps while kept": "." * 25 + long + ("." * 25 + "#" * 20) * 3 + "." * 80,
        "restarts": "." * 25 + "#" * (hold // 2) + "r" + "#" * (hold // 2) + "r" + "#" * 50 + "." * 30 + "r" + "." * 60,
        "is not scraped for 3 min": "." * 25 + "#" * (hold // 2 + 4) + "_" * 12 + long + "." * 60,
        "is not scraped for 7 min": "." * 25 + long + "_" * 28 + "#" * 30 + "." * 10 + "_" * 28 + "." * 30,
        "goes away": "." * 25 + long + "_" * 60,
        "is NaN": "." * 25 + "#" * (hold // 2 + 4) + "N" * 6 + long + "N" * 30 + "." * 60,
    }


def write_rules(folder: Path) -> None:
    rules = [
        {
            "alert": alert_of(gate).name,
            "expr": alert_expression(gate, SLIS[gate.sli]),
            "for": f"{alert_of(gate).hold // timedelta(seconds=1)}s",
            "keep_firing_for": f"{alert_of(gate).keep_firing_for // timedelta(seconds=1)}s",
        }
        for gate in GATES.values()
    ]
    text = json.dumps({"groups": [{"name": "soak", "rules": rules}]})
    (folder / "rules.yml").write_text(text, encoding="utf-8")


def promtool_test(folder: Path, tests: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    write_rules(folder)
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": tests}
    (folder / "test.yml").write_text(json.dumps(document), encoding="utf-8")
    command = [require_binary("promtool"), "test", "rules", "test.yml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def rule_test(gate: Gate, line: str) -> dict[str, Any]:
    return {
        "interval": "15s",
        "input_series": [input_series(one, len(line)) for one in table_of(gate.name, line)],
        "alert_rule_test": [
            {
                "eval_time": f"{15 * step}s",
                "alertname": alert_of(gate).name,
                "exp_alerts": [{"exp_labels": dict(labels)} for labels in alerts],
            }
            for step, alerts in enumerate(firing(gate, line))
        ],
    }


@pytest.mark.parametrize("name", GATES)
def test_promtool_sees_an_alert_firing_exactly_when_the_replay_does(name: str, tmp_path: Path) -> None:
    gate = GATES[name]
    lines = scenarios(gate)
    fired = {what: any(firing(gate, line)) for what, line in lines.items()}
    assert not fired.pop("just does not fire")
    assert all(fired.values())
    done = promtool_test(tmp_path, [rule_test(gate, line) for line in lines.values()])
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]


def test_promtool_refuses_a_replay_that_is_one_evaluation_off(tmp_path: Path) -> None:
    gate = GATES["edge_bps_ema24h"]
    wrong = rule_test(gate, scenarios(gate)["fires"])
    expected = [one["exp_alerts"] for one in wrong["alert_rule_test"]]
    for one, alerts in zip(wrong["alert_rule_test"][1:], expected, strict=False):
        one["exp_alerts"] = alerts
    assert promtool_test(tmp_path, [wrong]).returncode == 1


@pytest.mark.parametrize("name", GAUGES)
def test_a_gauge_may_be_beyond_its_limit_for_as_many_samples_as_fit_into_the_hold(name: str) -> None:
    """One more spans the whole of it: 10 min are 40 steps, from the first to the 41st sample."""
    assert longest_without_firing(GATES[name]) == alert_of(GATES[name]).hold // STEP
