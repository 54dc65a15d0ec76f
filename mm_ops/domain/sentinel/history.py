"""The cron sentinel over recorded history, with the functions that run live: each change of a task, and why."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mm_ops.domain.sentinel.runs import Evidence, Run
from mm_ops.domain.sentinel.standing import State, judge_task
from mm_ops.domain.sentinel.tasks import Task
from mm_ops.domain.windows import TimeWindow

_MORE = 8
"""Runs beside those that it takes to judge a task: as many as may go on at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A task that came to stand otherwise; ``before`` is ``None`` at the start of the stretch."""

    at: datetime
    task: str
    before: State | None
    state: State
    reason: str


def replay_tasks(
    tasks: Sequence[Task], evidence: Mapping[str, Evidence], window: TimeWindow, skew: timedelta
) -> list[Change]:
    """Judge every task at every moment of a stretch at which it can change; in the order of time."""
    found = [change for task in tasks for change in _replay(task, evidence.get(task.name, Evidence()), window, skew)]
    return sorted(found, key=lambda one: (one.at, one.task))


def _replay(task: Task, evidence: Evidence, window: TimeWindow, skew: timedelta) -> Iterator[Change]:
    runs = sorted(evidence.runs, key=lambda run: run.first_at)
    begun = [run.first_at for run in runs]
    moments = sorted({at for run in runs for at in (run.began_at, run.ended_at) if at is not None})
    before, at = None, window.start
    while at < window.end:
        seen = bisect_right(begun, at)
        known = replace(evidence, runs=_latest(runs[:seen], 2 * task.depth + _MORE)).as_of(at)
        standing = judge_task(task, known, at, skew)
        if standing.state is not before:
            yield Change(at=at, task=task.name, before=before, state=standing.state, reason=standing.reason)
            before = standing.state
        heard = moments[(then := bisect_right(moments, at)) : then + 1]
        later = [one for one in (*heard, standing.until, _paused_from(task)) if one is not None and one > at]
        at = min(later, default=window.end)


def _latest(runs: Sequence[Run], most: int) -> tuple[Run, ...]:
    """So many of the latest, and the last that ended, or the first of all, where none of these has."""
    latest = runs[-most:]
    if len(latest) == len(runs) or any(run.ended_at is not None for run in latest):
        return tuple(latest)
    return (next((run for run in reversed(runs[:-most]) if run.ended_at is not None), runs[0]), *latest)


def _paused_from(task: Task) -> datetime | None:
    return None if task.paused is None else task.paused.since
