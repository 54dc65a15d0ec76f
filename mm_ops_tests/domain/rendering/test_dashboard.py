import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.rendering.dashboard import build_dashboard, threshold_steps
from mm_ops.domain.rendering.faults import look
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops_tests.domain.rendering.drawn import POLICIES, TEXT
from mm_ops_tests.requirements import PROJECT

SLIS, SOAK = POLICIES
GATES = {gate.name: gate for gate in SOAK.gates}
DOCUMENT = json.loads(TEXT)


def built(soak: SoakPolicy) -> Any:
    return json.loads(build_dashboard(SLIS, soak))


def with_limit(name: str, limit: float) -> SoakPolicy:
    gates = (replace(gate, limit=limit) if gate.name == name else gate for gate in SOAK.gates)
    return replace(SOAK, gates=tuple(gates))


def test_the_committed_dashboard_is_what_the_policies_render() -> None:
    committed = PROJECT / "deploy" / "grafana" / "dashboards" / "mm_operability.json"
    assert committed.read_text(encoding="utf-8") == TEXT


def test_the_same_policies_give_the_same_bytes() -> None:
    assert build_dashboard(SLIS, SOAK) == TEXT


def test_it_is_found_under_one_address_and_shows_the_soak_s_window() -> None:
    assert (DOCUMENT["uid"], DOCUMENT["time"]) == ("mm-operability", {"from": "now-72h", "to": "now"})
    assert built(replace(SOAK, window=timedelta(hours=96)))["time"]["from"] == "now-96h"
    assert [(panel["id"], [one["refId"] for one in panel["targets"]]) for panel in DOCUMENT["panels"]] == [
        (1, ["A", "B"]),
        (2, ["A", "B"]),
        (3, ["A"]),
        (4, ["A", "B"]),
        (5, ["A"]),
        (6, ["A", "B"]),
        (7, ["A", "B", "C"]),
    ]


def test_the_edge_goes_across_the_page_and_the_rest_stands_in_two_columns() -> None:
    assert [tuple(panel["gridPos"][name] for name in "xywh") for panel in DOCUMENT["panels"]] == [
        (0, 0, 24, 9),
        (0, 9, 12, 9),
        (12, 9, 12, 9),
        (0, 18, 12, 9),
        (12, 18, 12, 9),
        (0, 27, 12, 9),
        (12, 27, 12, 9),
    ]


@pytest.mark.parametrize(
    ("gate", "below", "at", "above"),
    [
        ("tick_latency_p95_ms", "transparent", 150.0, "red"),
        ("edge_bps_ema24h", "red", 2.0, "transparent"),
        ("maker_share", "orange", 0.85, "transparent"),
        ("guard_trips", "transparent", 1.0, "orange"),
    ],
)
def test_the_forbidden_side_is_coloured_red_where_the_gate_is_hard(
    gate: str, below: str, at: float, above: str
) -> None:
    low, high = threshold_steps(GATES[gate])
    assert (low.value, low.color, high.value, high.color) == (None, below, at, above)


@pytest.mark.parametrize(
    ("number", "low", "high", "unit"),
    [
        (0, 1.8, 2.0, "suffix: bps"),
        (1, 0.0, 165.0, "ms"),
        (2, 0.0, 0.022, "percentunit"),
        (3, 0.765, 0.85, "percentunit"),
        (4, 0.63, 0.7, "percentunit"),
        (5, 0.0, 220.0, "ms"),
        (6, 0.0, 330.0, "s"),
    ],
)
def test_a_limit_is_in_view_where_all_is_well(number: int, low: float, high: float, unit: str) -> None:
    """A tenth of the limit beyond it; from nothing where less is better."""
    defaults = DOCUMENT["panels"][number]["fieldConfig"]["defaults"]
    assert (defaults["custom"]["axisSoftMin"], defaults["custom"]["axisSoftMax"]) == pytest.approx((low, high))
    assert defaults["unit"] == unit


def test_a_negative_limit_is_in_view_too() -> None:
    custom = built(with_limit("edge_bps_ema24h", -2.0))["panels"][0]["fieldConfig"]["defaults"]["custom"]
    assert (custom["axisSoftMin"], custom["axisSoftMax"]) == pytest.approx((-2.2, -2.0))


def test_a_limit_that_the_policy_changes_moves_the_line_and_nothing_else() -> None:
    before, after = TEXT.splitlines(), build_dashboard(SLIS, with_limit("ws_lag_max_ms", 250.0)).splitlines()
    words, *numbers = [(old.strip(), new.strip()) for old, new in zip(before, after, strict=True) if old != new]
    assert words[1] == words[0].replace("≤ 200 ms", "≤ 250 ms").replace("> 200", "> 250")
    assert numbers == [('"axisSoftMax": 220,', '"axisSoftMax": 275,'), ('"value": 200', '"value": 250')]


def overrides(number: int) -> dict[str, dict[str, Any]]:
    found = DOCUMENT["panels"][number]["fieldConfig"]["overrides"]
    return {one["matcher"]["options"]: {p["id"]: p["value"] for p in one["properties"]} for one in found}


def test_the_taker_s_share_has_an_axis_without_a_limit() -> None:
    assert overrides(3) == {
        "B": {
            "unit": "percentunit",
            "custom.axisPlacement": "right",
            "custom.thresholdsStyle": {"mode": "off"},
        }
    }


def test_breaker_state_and_guard_trips_share_the_right_axis_and_its_limit() -> None:
    state, trips = overrides(6)["B"], overrides(6)["C"]
    assert {name: trips[name] for name in state} == state
    assert {name: value for name, value in trips.items() if name not in state} == {
        "custom.drawStyle": "bars",
        "custom.fillOpacity": 100,
    }
    assert state["thresholds"]["steps"] == [
        {"color": "transparent", "value": None},
        {"color": "orange", "value": 1.0},
    ]


def test_no_step_is_longer_than_the_window_that_a_counter_is_shown_over() -> None:
    """72 h / 5 min = 864, and twice as many for whatever Grafana rounds; a gauge is seen whole at any step."""
    points = [panel.get("maxDataPoints") for panel in DOCUMENT["panels"]]
    assert points == [None, 1728, 1728, None, 1728, None, 1728]
    month = built(replace(SOAK, window=timedelta(days=30)))
    assert month["panels"][1]["maxDataPoints"] == 11_000


@pytest.mark.parametrize(("days", "step"), [(3, "1m"), (7, "1m"), (8, "2m"), (30, "4m")])
def test_marks_of_alerts_stay_below_what_prometheus_answers(days: int, step: str) -> None:
    """7 d are 10,080 min and 8 d 11,520, of which it answers 11,000; 30 d are 43,200: 3.9 min each."""
    (mark,) = built(replace(SOAK, window=timedelta(days=days)))["annotations"]["list"]
    assert (mark["expr"], mark["step"]) == ('ALERTS{alertstate="firing",bot="$bot"}', step)


def test_the_variables_choose_a_prometheus_and_a_bot_that_it_has() -> None:
    source, bot = DOCUMENT["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    assert (bot["name"], bot["type"], bot["multi"], bot["includeAll"]) == ("bot", "query", False, False)
    assert bot["query"] == 'label_values(mm_stage_duration_ms_bucket{stage="tick_total"}, bot)'


def test_a_panel_whose_first_gate_is_gone_draws_the_other_on_its_own_axis() -> None:
    gates = tuple(gate for gate in SOAK.gates if gate.name != "circuit_open_seconds")
    slis = replace(SLIS, slis=tuple(sli for sli in SLIS.slis if sli.name != "circuit_open_seconds"))
    last = json.loads(build_dashboard(slis, replace(SOAK, gates=gates)))["panels"][6]
    assert [target["legendFormat"] for target in last["targets"]] == ["trips of {{guard}}"]
    assert look(last, ("fieldConfig", "defaults", "thresholds")) is None
    assert last["fieldConfig"]["overrides"][0]["matcher"]["options"] == "A"
