from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.rollback.drill.plan import refuse_drill
from mm_ops_tests.drills import REQUEST, evidence, ground
from mm_ops_tests.rollback_world import ACTIVE, HALTED, NOW, POLICY


def test_a_bot_that_trades_while_nothing_fires_may_be_drilled():
    assert refuse_drill(REQUEST, ground(), POLICY, NOW) == ()


@pytest.mark.parametrize(
    ("different", "expected"),
    [
        ({"allowed": False}, "bots.yaml: paper: drill: expected live, was never"),
        ({"dry_run": True}, "the watcher runs with --dry-run"),
        ({"other": replace(REQUEST, by="bob")}, "a drill that bob asked for at 2026-11-25T12:00:00Z is open"),
        ({"episodes": ("e@1",)}, "a breach is open: e@1"),
        ({"evidence": evidence(bot=None)}, "bot: expected its state, but it does not answer"),
        ({"evidence": evidence(bot=HALTED)}, "bot: expected ACTIVE, was HALTED"),
        ({"evidence": evidence(bot=replace(ACTIVE, observed_at=NOW - timedelta(hours=1)))}, "expected a state of"),
        ({"evidence": evidence(firing=None)}, "alerts: expected what fires now, but nobody could say"),
        ({"evidence": evidence(firing=frozenset({"SoakMetricAbsent"}))}, "alerts: SoakMetricAbsent still fires"),
        ({"evidence": evidence(blind=True)}, "alerts: the Watchdog is silent"),
        ({"evidence": evidence(stopping=True)}, "a stop of the bot has not ended"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_refuses_it(different: dict[str, Any], expected: str):
    (reason,) = refuse_drill(REQUEST, ground(**different), POLICY, NOW)
    assert expected in reason


def test_without_the_automation_nothing_would_stop_a_bot():
    off = replace(POLICY, auto_rollback=replace(POLICY.auto_rollback, enabled=False))
    (reason,) = refuse_drill(REQUEST, ground(), off, NOW)
    assert "auto_rollback.enabled: expected true, was false" in reason


def test_who_and_why_are_asked_for_as_at_a_resume():
    nobody = replace(REQUEST, by=" ", why="ok")
    assert refuse_drill(nobody, ground(), POLICY, NOW) == (
        "by: expected the name of a person, was none",
        "reason: expected at least 10 letters, was 2",
    )
