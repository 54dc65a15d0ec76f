from typing import Any

import pytest

from mm_ops.domain.rendering.faults import look
from mm_ops_tests.domain.rendering.drawn import DROP, faults_of, planted

EDGE, LATENCY, MISSES = "panel 1 (Net edge)", "panel 2 (Tick latency, p95)", "panel 3 (Deadline misses per tick)"
BREAKER = "panel 7 (Circuit breaker and guards)"
OTHER = {"type": "prometheus", "uid": "prometheus-1"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"uid": "mm operability"}, "dashboard: uid: expected [a-zA-Z0-9_-]{1,40}, was 'mm operability'"),
        ({"uid": DROP}, "dashboard: uid: expected [a-zA-Z0-9_-]{1,40}, was None"),
        ({"title": " "}, "dashboard: title: expected .*\\S.*, was ' '"),
        ({"refresh": "often"}, "dashboard: refresh: expected \\d+[smhd], was 'often'"),
        ({"time/from": "72h"}, "dashboard: time.from: expected now(-\\d+[smhdwMy])?, was '72h'"),
        ({"schemaVersion": 36}, "dashboard: schemaVersion: expected 42, was 36"),
        ({"panels": []}, "dashboard: panels: expected at least one, was none"),
        ({"panels/1/id": 1}, f"{LATENCY}: id: expected another, was 1 a second time"),
        ({"panels/1/id": DROP}, f"{LATENCY}: id: expected one, was none"),
        ({"panels/1/title": "Net edge"}, "panel 2 (Net edge): title: expected another, was 'Net edge' a second time"),
        ({"panels/1/title": ""}, "panel 2 (): title: expected one, was none"),
        ({"panels/1/title": DROP}, "panel 2 (without a title): title: expected one, was none"),
        ({"panels/0/targets/1/refId": "A"}, f"{EDGE}: targets.1.refId: expected another, was 'A' a second time"),
        ({"panels/0/targets/1/refId": DROP}, f"{EDGE}: targets.1.refId: expected one, was none"),
        ({"panels/0/targets/1/refId": ""}, f"{EDGE}: targets.1.refId: expected one, was none"),
        ({"panels/0/targets/1/legendFormat": " "}, f"{EDGE}: targets.1.legendFormat: expected a legend, was none"),
        ({"panels/0/targets/1/hide": True}, f"{EDGE}: targets.1.hide: expected a query that is shown, was hidden"),
        ({"panels/0/targets": DROP}, f"{EDGE}: targets: expected at least one, was none"),
        (
            {"panels/2/gridPos/x": 13},
            f"{MISSES}: gridPos: expected a place within 24 columns, was x 13, y 9, w 12, h 9",
        ),
        ({"panels/6/gridPos/y": -1}, f"{BREAKER}: gridPos: expected a place within 24 columns, was x 12, y -1"),
        (
            {"panels/6/gridPos/h": 0},
            f"{BREAKER}: gridPos: expected a place within 24 columns, was x 12, y 27, w 12, h 0",
        ),
        ({"panels/2/gridPos/x": 11}, f"{MISSES}: gridPos: overlaps the panel at x 0, y 9"),
        ({"panels/2/gridPos/y": 8}, f"{MISSES}: gridPos: overlaps the panel at x 0, y 0"),
        ({"panels/2/gridPos": DROP}, f"{MISSES}: gridPos: expected a place, was none"),
        ({"panels/0/fieldConfig/defaults/unit": "msec"}, f"{EDGE}: fieldConfig.defaults.unit: expected a unit of Graf"),
        ({"panels/0/fieldConfig/defaults/unit": "suffix:"}, f"{EDGE}: fieldConfig.defaults.unit: expected a unit"),
        (
            {"panels/6/fieldConfig/overrides/0/properties/0/value": "counts"},
            f"{BREAKER}: fieldConfig.overrides.0.properties.0.value: expected a unit of Grafana, or suffix:…, was",
        ),
        (
            {"panels/6/fieldConfig/overrides/0/matcher/options": "Z"},
            f"{BREAKER}: fieldConfig.overrides.0: expected a query of the panel, was byFrameRefID 'Z'",
        ),
        (
            {"panels/6/fieldConfig/overrides/0/matcher/id": "byName"},
            f"{BREAKER}: fieldConfig.overrides.0: expected a query of the panel, was byName 'B'",
        ),
        ({"panels/1/maxDataPoints": 17280}, f"{LATENCY}: maxDataPoints: expected at most 11000, was 17280"),
        ({"panels/1/datasource": OTHER}, f"{LATENCY}: datasource: expected ${{datasource}} (prometheus), was {OTHER}"),
        ({"panels/1/targets/0/datasource": DROP}, f"{LATENCY}: targets.0.datasource: expected ${{datasource}}"),
        ({"panels/1/targets/0/datasource": OTHER}, f"{LATENCY}: targets.0.datasource: expected ${{datasource}}"),
        ({"annotations/list/0/datasource": OTHER}, "dashboard: annotations.list.0.datasource: expected ${datasource}"),
        ({"templating/list/1/datasource": OTHER}, "dashboard: templating.list.1.datasource: expected ${datasource}"),
        ({"templating/list/0/query": "loki"}, "dashboard: templating.list: expected a variable datasource that"),
        ({"templating/list/0/query": {"a": 1}}, "dashboard: templating.list: expected a variable datasource that"),
        ({"templating/list/1/name": "datasource"}, "dashboard: templating.list.1.name: expected another, was 'datasou"),
    ],
    ids=lambda value: (
        " ".join(f"{place} {new}" for place, new in value.items())[:60] if isinstance(value, dict) else ""
    ),
)
def test_what_grafana_takes_and_nobody_finds_is_named(changes: dict[str, Any], expected: str) -> None:
    assert [fault for fault in faults_of(changes) if fault.startswith(expected)], faults_of(changes)


@pytest.mark.parametrize("place", ["panels/0/targets/1/hide", "panels/1/gridPos/static"])
def test_a_field_that_may_be_there_is_no_fault(place: str) -> None:
    assert faults_of({place: False}) == []


def test_panels_that_touch_do_not_overlap() -> None:
    lower = planted({})["panels"][5]["gridPos"]
    assert look(planted({}), ("panels", 3, "gridPos")) == {**lower, "y": lower["y"] - lower["h"]}
    assert faults_of({}) == []
    assert faults_of({"panels/1/gridPos/x": 12, "panels/2/gridPos/x": 0}) == []
