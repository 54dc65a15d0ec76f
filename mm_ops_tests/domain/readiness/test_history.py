from datetime import date
from typing import Any

from mm_ops.domain.readiness.history import score_history
from mm_ops_tests.domain.readiness.week import LAST
from mm_ops_tests.domain.readiness.written import document


def find(day: date) -> dict[str, Any] | None:
    """GO on the day before; on others what must not flatter."""
    stored: dict[int, dict[str, Any] | None] = {
        19: {"score": 100, "verdict": "GO"},
        18: {"score": 100.0, "verdict": "HOLD"},
        17: {"score": True, "verdict": "GO"},
        16: {"verdict": "READY"},
    }
    return stored.get(day.day)


def test_every_day_is_there_the_last_from_what_was_just_made():
    bars = score_history(document(net_edge_bps=1.25), find, LAST, days=6)
    assert bars.labels == ("15", "16", "17", "18", "19", "20")
    assert bars.values == (None, None, None, 100.0, 100.0, 85.0)
    assert bars.bad == (False, True, False, True, False, True)
    assert bars.title == "Readiness, 2026-11-15 to 2026-11-20"
