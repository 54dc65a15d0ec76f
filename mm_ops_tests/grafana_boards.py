"""Dashboards for the tests of what is decided about them."""

import copy
from typing import Any

PROMETHEUS = {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"}


def query(letter: str, **different: Any) -> dict[str, Any]:
    return {
        "refId": letter,
        "expr": f"up{{x='{letter}'}}",
        "datasource": {"type": "prometheus", "uid": "$ds"},
        **different,
    }


def panel(number: int, **different: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": f"Panel {number}",
        "type": "timeseries",
        "gridPos": {"h": 9, "w": 12, "x": 0, "y": 9 * number},
        "targets": [query("A"), query("B")],
        **different,
    }


def board(*panels: dict[str, Any], **different: Any) -> dict[str, Any]:
    variables = [
        {"name": "ds", "type": "datasource", "query": "prometheus"},
        {"name": "bot", "type": "query", "query": "label_values(up, bot)"},
        {"name": "width", "type": "custom", "query": "1,2", "current": {"value": "2"}, "options": [{"value": "1"}]},
    ]
    usual = {
        "title": "Operability",
        "uid": "oper",
        "schemaVersion": 42,
        "annotations": {"list": [{"name": "Firing", "builtIn": 0}]},
        "templating": {"list": variables},
        "panels": list(panels) or [panel(1), panel(2)],
    }
    return copy.deepcopy({**usual, **different})
