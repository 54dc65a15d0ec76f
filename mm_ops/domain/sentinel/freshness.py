"""Every task at one moment: which are late, and which of these only because another is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mm_ops.domain.sentinel.runs import Evidence
from mm_ops.domain.sentinel.standing import Standing, State, judge_task
from mm_ops.domain.sentinel.tasks import Task, words_of
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops.domain.windows import format_duration

NOT_READ = Evidence(fault="its evidence was not read")
_LATE = frozenset({State.DOWN, State.GRACE})
_VERDICTS = {State.DOWN: Verdict.FAIL, State.NEW: Verdict.INCONCLUSIVE, State.PAUSED: Verdict.INCONCLUSIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What was found, in the order of the policy."""

    at: datetime
    standings: tuple[Standing, ...]

    @property
    def verdict(self) -> Verdict:
        """Fail where one is down; inconclusive where one has never run; what is paused is left out."""
        states = {one.state for one in self.standings}
        if State.DOWN in states:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if State.NEW in states else Verdict.PASS


def judge_tasks(tasks: Sequence[Task], evidence: Mapping[str, Evidence], now: datetime, skew: timedelta) -> Freshness:
    """Judge every task by its own evidence; what was not read is down."""
    alone = [judge_task(task, evidence.get(task.name, NOT_READ), now, skew) for task in tasks]
    return Freshness(at=now, standings=_put_behind(tasks, alone))


def _put_behind(tasks: Sequence[Task], standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """Name, beside each task that is down, a late task that it comes after, however far above."""
    late = {one.task for one in standings if _is_late(one)}
    needs = {task.name: task.needs for task in tasks}
    down = {one.task for one in standings if one.state is State.DOWN}
    return tuple(
        replace(one, behind=_late_above(one.task, needs, late) if one.task in down else "") for one in standings
    )


def _is_late(standing: Standing) -> bool:
    going = standing.state is State.STARTED and standing.due is not None and standing.since is not None
    return standing.state in _LATE or (going and standing.due <= standing.since)  # type: ignore[operator]


def _late_above(task: str, needs: Mapping[str, Sequence[str]], late: set[str]) -> str:
    seen, waiting = {task}, list(needs.get(task, ()))
    while waiting:
        name = waiting.pop(0)
        if name in late:
            return name
        if name not in seen:
            seen.add(name)
            waiting.extend(needs.get(name, ()))
    return ""


def finding_of_task(standing: Standing) -> Finding:
    """Give a task's standing as the finding of a check; what has never run, or is paused, only warns."""
    verdict = _VERDICTS.get(standing.state, Verdict.PASS)
    severity = Severity.SOFT if verdict is Verdict.INCONCLUSIVE else Severity.HARD
    return Finding(
        gate=standing.task, severity=severity, verdict=verdict, reason=f"{standing.state.value}: {standing.reason}"
    )


def rows_of(tasks: Sequence[Task], freshness: Freshness) -> list[dict[str, str]]:
    """Give the table: task, state, due, last seen, age, since, why, and what proves it."""
    proofs = {task.name: words_of(task.proof) for task in tasks}
    return [
        {
            "task": one.task,
            "state": one.state.value,
            "due": _time(one.due),
            "last_seen": _time(one.seen),
            "age": "" if one.seen is None else _age(freshness.at - one.seen),
            "since": _time(one.since),
            "why": one.reason + (f" (behind {one.behind})" if one.behind else ""),
            "proof": proofs.get(one.task, ""),
        }
        for one in freshness.standings
    ]


def document_of(freshness: Freshness) -> dict[str, Any]:
    """Give all of it as plain values, for JSON."""
    return {"at": freshness.at, "verdict": freshness.verdict, "tasks": freshness.standings}


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _age(length: timedelta) -> str:
    return format_duration(length - length % timedelta(seconds=1)) if length > timedelta(0) else "0s"
