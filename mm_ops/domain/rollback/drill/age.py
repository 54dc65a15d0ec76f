"""Does the last drill still say something, and was it in time?"""

from datetime import datetime, timedelta

from mm_ops.domain.rollback.drill.notes import LastDrill
from mm_ops.domain.rollback.drill.policy import DrillPolicy
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops.domain.windows import format_duration

LAST_DRILL = "last_drill"


def judge_last_drill(last: LastDrill | None, policy: DrillPolicy, now: datetime) -> Finding:
    """Judge the latest drill that was begun, whoever asked for it; one that is too old, or has no end, says nothing."""
    verdict, reason = _judge(last, policy, now)
    took = None if last is None else last.detect_to_halt_ms
    budget = policy.budget.length / timedelta(milliseconds=1)
    return Finding(
        gate=LAST_DRILL,
        severity=Severity.HARD,
        verdict=verdict,
        reason=reason,
        unit="ms",
        bound="at_most",
        value=took,
        limit=budget,
        margin=None if took is None else budget - took,
    )


def unread_drills(reason: str) -> Finding:
    """The answer where the journal cannot be read."""
    return Finding(gate=LAST_DRILL, severity=Severity.HARD, verdict=Verdict.INCONCLUSIVE, reason=reason)


def _judge(last: LastDrill | None, policy: DrillPolicy, now: datetime) -> tuple[Verdict, str]:
    if last is None:
        return Verdict.INCONCLUSIVE, "no drill was ever begun: nobody knows whether the bot can be stopped"
    age, limit = now - last.at, policy.max_age.length
    said = (
        f"drill {last.name}, asked for by {last.by} {format_duration(timedelta(seconds=int(age.total_seconds())))} ago"
    )
    if not timedelta(0) <= age <= limit:
        return Verdict.INCONCLUSIVE, f"{said}: older than {format_duration(limit)}, or of a clock that was set"
    if last.verdict is None:
        return Verdict.INCONCLUSIVE, f"{said}: it has no end: it runs, or was broken off"
    if last.verdict is not Verdict.PASS:
        return last.verdict, f"{said}: {'; '.join(last.reasons)}"
    took = last.detect_to_halt_ms
    if took is None or took > policy.budget.length / timedelta(milliseconds=1):
        return Verdict.FAIL, f"{said}: over the budget that drill.yaml has now"
    return Verdict.PASS, f"{said}: halted in {took:g} ms and let go on"
