"""Drills with one interesting difference: requests, what they begin on, what the journal has of their alert."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.rollback.drill.judge import Trace
from mm_ops.domain.rollback.drill.notes import DrillRequest
from mm_ops.domain.rollback.drill.plan import Ground
from mm_ops.domain.rollback.drill.policy import DrillPolicy
from mm_ops.domain.rollback.report.story import Story
from mm_ops.domain.rollback.resume import ResumeEvidence
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.rollback_world import ACTIVE, NOW
from mm_ops_tests.stories import stop

POLICY = read_policy(PROJECT / "deploy/policies/drill.yaml", DrillPolicy)
REQUEST = DrillRequest(name="d1", bot="paper", by="ada", why="the weekly one", at=NOW, until=NOW + timedelta(minutes=2))
EPISODE = "00000000000000d1@2026-11-25T12:00:10.000Z"
RAISED = NOW + timedelta(seconds=10)


def evidence(**different: Any) -> ResumeEvidence:
    """Nothing fires and everything is heard."""
    one = ResumeEvidence(bot=ACTIVE, firing=frozenset({"Watchdog"}), at=NOW, blind=False, stopping=False)
    return replace(one, **different)


def ground(**different: Any) -> Ground:
    one = Ground(allowed=True, dry_run=False, episodes=(), other=None, evidence=evidence())
    return replace(one, **different)


def story(halted_at: datetime | None = RAISED + timedelta(milliseconds=40), /, **different: Any) -> Story:
    """A drill's stop, confirmed 40 ms after the alert."""
    of_it: dict[str, Any] = {"episode": EPISODE, "alert": "RollbackDrill", "claimed_at": RAISED, **different}
    of_it["confirmed"] = different.get("confirmed", halted_at is not None)
    return Story(episode=EPISODE, starts_at=RAISED, received_at=RAISED, rounds=(stop(finished_at=halted_at, **of_it),))


def trace(**different: Any) -> Trace:
    one = Trace(episode=EPISODE, starts_at=RAISED, posted_at=RAISED, decided="RollBack: drilled", story=story())
    return replace(one, **different)
