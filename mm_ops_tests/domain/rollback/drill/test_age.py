from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.rollback.drill.age import judge_last_drill, unread_drills
from mm_ops.domain.rollback.drill.notes import LastDrill
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.drills import POLICY
from mm_ops_tests.rollback_world import NOW

GOOD = LastDrill(
    name="d1", by="ada", at=NOW - timedelta(days=2), verdict=Verdict.PASS, detect_to_halt_ms=41.5, reasons=()
)


def test_a_drill_of_this_week_in_its_budget_passes_with_what_it_measured():
    found = judge_last_drill(GOOD, POLICY, NOW)
    assert (found.verdict, found.value, found.limit, found.margin) == (Verdict.PASS, 41.5, 5000.0, 4958.5)
    assert found.reason == "drill d1, asked for by ada 48h ago: halted in 41.5 ms and let go on"
    assert found.hard


@pytest.mark.parametrize(
    ("different", "verdict", "reason"),
    [
        ({"at": NOW - timedelta(days=8)}, Verdict.PASS, "asked for by ada 192h ago"),
        ({"at": NOW - timedelta(days=8, seconds=1)}, Verdict.INCONCLUSIVE, "older than 192h"),
        ({"at": NOW + timedelta(seconds=1)}, Verdict.INCONCLUSIVE, "or of a clock that was set"),
        ({"verdict": None, "detect_to_halt_ms": None}, Verdict.INCONCLUSIVE, "it has no end"),
        ({"verdict": Verdict.FAIL, "reasons": ("slow", "lied")}, Verdict.FAIL, "slow; lied"),
        ({"verdict": Verdict.INCONCLUSIVE, "reasons": ("mute",)}, Verdict.INCONCLUSIVE, "mute"),
        ({"detect_to_halt_ms": 5000.1}, Verdict.FAIL, "over the budget that drill.yaml has now"),
        ({"detect_to_halt_ms": None}, Verdict.FAIL, "over the budget"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_says_why_not(different: dict[str, Any], verdict: Verdict, reason: str):
    found = judge_last_drill(replace(GOOD, **different), POLICY, NOW)
    assert found.verdict is verdict
    assert reason in found.reason


def test_where_none_was_begun_or_none_can_be_read_nothing_is_known():
    assert judge_last_drill(None, POLICY, NOW).verdict is Verdict.INCONCLUSIVE
    assert judge_last_drill(None, POLICY, NOW).margin is None
    assert unread_drills("no journal there").verdict is Verdict.INCONCLUSIVE
