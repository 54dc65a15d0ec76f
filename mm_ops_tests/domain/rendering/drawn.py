"""The project's dashboard with one fault planted, and what the check says about it."""

import json
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

from mm_ops.domain import canonical
from mm_ops.domain.rendering.dashboard import build_dashboard
from mm_ops.domain.rendering.dashboard_check import find_dashboard_faults
from mm_ops_tests.soak_samples import catalogue, soak_policy

POLICIES = (catalogue(), soak_policy())
TEXT = build_dashboard(*POLICIES)


class _Drop(Enum):
    DROP = "nothing"


DROP = _Drop.DROP
"""Plants the absence of a field."""


def planted(changes: dict[str, Any]) -> Any:
    """The dashboard, other in one or more places; a place is written as in a message: ``panels.0.title``."""
    document = json.loads(TEXT)
    for place, value in changes.items():
        *path, last = (int(step) if step.isdecimal() else step for step in place.split("/"))
        inner = document
        for step in path:
            inner = inner[step]
        if value is DROP:
            del inner[last]
        else:
            inner[last] = value
    return document


def faults_of(changes: dict[str, Any], exported: AbstractSet[str] | None = None) -> list[str]:
    """What the whole check says of the dashboard with these changes."""
    return find_dashboard_faults(canonical.encode(planted(changes)).decode(), exported, POLICIES)
