"""Which types the SDK gives to a field is written here by hand, as its documentation states them."""

from typing import Any

import pytest

from mm_ops.domain.rendering.dashboard_check import find_dashboard_faults
from mm_ops_tests.domain.rendering.drawn import DROP, faults_of

EDGE, LATENCY, BREAKER = "panel 1 (Net edge)", "panel 2 (Tick latency, p95)", "panel 7 (Circuit breaker and guards)"
CUSTOM = "panels/0/fieldConfig/defaults/custom"
RIGHT = "panels/6/fieldConfig/overrides/0/properties"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"panles": []}, "dashboard: panles: unknown field of Dashboard"),
        ({"refresh": 60}, "dashboard: refresh: expected str, was 60"),
        ({"schemaVersion": "42"}, "dashboard: schemaVersion: expected int, was '42'"),
        ({"graphTooltip": True}, "dashboard: graphTooltip: expected one of 0, 1, 2, was True"),
        ({"templating": DROP}, "dashboard: templating: missing field of Dashboard"),
        ({"templating/list/1/type": "queri"}, "dashboard: templating.list.1.type: expected one of query, adhoc"),
        ({"panels": {}}, "dashboard: panels: expected list, was {}"),
        ({"panels/0/heading": "x"}, f"{EDGE}: heading: unknown field of Panel"),
        ({"panels/0/type": DROP}, f"{EDGE}: type: expected one of timeseries, was None"),
        ({"panels/0/type": "graph"}, f"{EDGE}: type: expected one of timeseries, was 'graph'"),
        ({"panels/0/type": ["timeseries"]}, f"{EDGE}: type: expected one of timeseries, was ['timeseries']"),
        ({"panels/1/gridPos/x": "0"}, f"{LATENCY}: gridPos.x: expected int, was '0'"),
        ({"panels/1/gridPos/h": 9.5}, f"{LATENCY}: gridPos.h: expected int, was 9.5"),
        ({"panels/1/gridPos": [0, 0]}, f"{LATENCY}: gridPos: expected mapping, was [0, 0]"),
        ({"panels/1/repeatDirection": "x"}, f"{LATENCY}: repeatDirection: expected one of h, v, was 'x'"),
        ({"panels/0/targets/0/expression": "up"}, f"{EDGE}: targets.0.expression: unknown field of Dataquery"),
        ({"panels/0/targets/0/expr": DROP}, f"{EDGE}: targets.0.expr: missing field of Dataquery"),
        ({"panels/0/targets/0/range": "yes"}, f"{EDGE}: targets.0.range: expected bool, was 'yes'"),
        ({"panels/0/options/legend/showLegends": True}, f"{EDGE}: options.legend.showLegends: unknown field of Viz"),
        ({"panels/0/options/legend/placement": "left"}, f"{EDGE}: options.legend.placement: expected one of bottom"),
        ({f"{CUSTOM}/lineWidht": 2}, f"{EDGE}: fieldConfig.defaults.custom.lineWidht: unknown field of GraphField"),
        ({f"{CUSTOM}/lineWidth": "2"}, f"{EDGE}: fieldConfig.defaults.custom.lineWidth: expected float, was '2'"),
        ({f"{CUSTOM}/lineWidth": True}, f"{EDGE}: fieldConfig.defaults.custom.lineWidth: expected float, was True"),
        (
            {f"{CUSTOM}/thresholdsStyle/mode": "lines"},
            f"{EDGE}: fieldConfig.defaults.custom.thresholdsStyle.mode: expected one of off, line, dashed",
        ),
        (
            {"panels/0/fieldConfig/defaults/thresholds/steps/1/value": "2.0"},
            f"{EDGE}: fieldConfig.defaults.thresholds.steps.1.value: expected float, was '2.0'",
        ),
        (
            {f"{RIGHT}/0/id": "unti"},
            f"{BREAKER}: fieldConfig.overrides.0.properties.0.id: expected a field of the panel, was 'unti'",
        ),
        (
            {f"{RIGHT}/0/value": 7},
            f"{BREAKER}: fieldConfig.overrides.0.properties.0.value: expected str, was 7",
        ),
        (
            {f"{RIGHT}/1/value": "sideways"},
            f"{BREAKER}: fieldConfig.overrides.0.properties.1.value: expected one of auto, top, right",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_field_that_is_unknown_missing_or_of_another_type_is_named(changes: dict[str, Any], expected: str) -> None:
    (fault,) = faults_of(changes)
    assert fault.startswith(expected)


def test_what_the_sdk_s_own_reader_takes_without_a_word_is_found_at_every_place_at_once() -> None:
    faults = faults_of({"panels/0/gridPos/x": "0", "panels/1/lol": 1, f"{CUSTOM}/lineWidht": 2})
    assert len(faults) == 3


@pytest.mark.parametrize(("text", "shown"), [("[]", "[]"), ("3", "3"), ("null", "None")])
def test_a_document_that_is_no_mapping_is_no_dashboard(text: str, shown: str) -> None:
    assert find_dashboard_faults(text) == [f"dashboard: as a whole: expected mapping, was {shown}"]


@pytest.mark.parametrize(
    "changes",
    [
        {f"{CUSTOM}/lineWidth": 2},
        {f"{CUSTOM}/spanNulls": True},
        {f"{CUSTOM}/spanNulls": 300000},
        {"panels/0/fieldConfig/defaults/decimals": 3},
    ],
)
def test_an_integer_is_a_number_and_any_type_of_several_will_do(changes: dict[str, Any]) -> None:
    assert faults_of(changes) == []
