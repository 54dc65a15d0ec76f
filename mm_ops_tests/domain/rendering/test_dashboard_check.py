import json
from typing import Any

import pytest

from mm_ops.domain import canonical
from mm_ops.domain.rendering.dashboard_check import find_dashboard_faults
from mm_ops_tests.domain.rendering.drawn import DROP, POLICIES, TEXT, faults_of, planted


def test_the_project_s_dashboard_has_no_fault() -> None:
    assert find_dashboard_faults(TEXT, None, POLICIES) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "dashboard: not readable as JSON: "),
        (TEXT[:-10], "dashboard: not readable as JSON: "),
        (TEXT + "{}", "dashboard: not readable as JSON: Extra data"),
        ("[" * 100_000, "dashboard: not readable as JSON: maximum recursion depth"),
        (TEXT.replace('"w": 24,', '"w": 24,\n"w": 12,'), "panel 1 (Net edge): gridPos.w: the key stands twice"),
        (
            TEXT.replace('"uid": "mm', '"uid": "x",\n"uid": "mm'),
            "dashboard: uid: the key stands twice; the last would win",
        ),
        (
            TEXT.replace('"expr": "min', '"expr": "x", "expr": "min', 1),
            "panel 1 (Net edge): targets.0.expr: the key stands",
        ),
        (
            TEXT.replace('"value": 2\n', '"value": NaN\n'),
            "panel 1 (Net edge): fieldConfig.defaults.thresholds.steps.1.value",
        ),
        (
            TEXT.replace('"value": 2\n', '"value": 1e999\n'),
            "panel 1 (Net edge): fieldConfig.defaults.thresholds.steps.1.val",
        ),
        (TEXT.rstrip(), "dashboard: as a whole: not the canonical text of its content: write it with mm-ops render"),
        (json.dumps(json.loads(TEXT)), "dashboard: as a whole: not the canonical text of its content"),
    ],
)
def test_what_json_readers_would_read_in_different_ways_is_refused(text: str, expected: str) -> None:
    (fault,) = find_dashboard_faults(text)
    assert fault.startswith(expected)
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"refresh": None}, "dashboard: refresh: the SDK drops it, was None"),
        ({"panels/0/title": None}, "panel 1 (without a title): title: the SDK drops it, was None"),
        ({"editable": DROP}, "dashboard: editable: expected True as the SDK writes it, was nothing"),
        ({"panels/2/transparent": DROP}, "panel 3 (Deadline misses per tick): transparent: expected False as the SDK"),
        ({"templating/list/1/hide": None}, "dashboard: templating.list.1.hide: the SDK drops it, was None"),
        (
            {"annotations/list/0/placement": "top"},
            "dashboard: annotations.list.0.placement: expected 'inControlsMenu' as the SDK writes it, was 'top'",
        ),
        ({"annotations/list/0/type": None}, "dashboard: annotations.list.0.type: the SDK drops it, was None"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_the_sdk_loses_or_adds_is_named(changes: dict[str, Any], expected: str) -> None:
    (fault,) = faults_of(changes)
    assert fault.startswith(expected)


def test_what_only_the_sdk_s_reader_refuses_is_told_in_one_line() -> None:
    """A mapping without its type: the walk takes any of the four kinds, the reader asks for the type."""
    mapping = {"type": "sometimes", "options": {"0": {"text": "no"}}}
    (fault,) = faults_of({"panels/0/fieldConfig/defaults/mappings": [mapping]})
    assert fault == "dashboard: as a whole: the SDK does not read it: KeyError: 'sometimes'"


def test_faults_of_several_kinds_are_told_together_once_the_fields_are_sound() -> None:
    changes = {
        "panels/1/id": 1,
        "panels/2/targets/0/expr": "up",
        "panels/0/fieldConfig/defaults/thresholds/steps/1/value": 1.0,
    }
    faults = find_dashboard_faults(canonical.encode(planted(changes)).decode(), {"up"}, POLICIES)
    assert [fault.split(":")[0] for fault in faults][:1] == ["panel 2 (Tick latency, p95)"]
    assert any('up: expected the matcher bot="$bot"' in fault for fault in faults)
    assert any("edge_bps_ema24h: expected 2 bps" in fault for fault in faults)
    assert any("no panel shows the gate deadline_miss_ratio" in fault for fault in faults)
