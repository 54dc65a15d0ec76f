"""Where a task stands: new, up, started, in its grace, down or paused; decided from its runs and the time alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from mm_ops.domain.sentinel.runs import Evidence, Run, of_its_day
from mm_ops.domain.sentinel.schedule import MaxAge
from mm_ops.domain.sentinel.tasks import AssetProof, Task, last_moment
from mm_ops.domain.windows import format_duration


class State(StrEnum):
    """Where a task stands; only ``up``, ``started`` and ``grace`` are no reason to look."""

    NEW = "new"
    UP = "up"
    STARTED = "started"
    GRACE = "grace"
    DOWN = "down"
    PAUSED = "paused"


_SECOND = timedelta(seconds=1)
WELL = frozenset({State.UP, State.STARTED, State.GRACE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One task at one moment.

    ``due`` is when it must run next, ``seen`` when it last ended well or was seen, ``since`` when the state began,
    ``until`` when it changes next if nothing is heard; each ``None`` where there is no such time. ``behind`` names
    the late task that explains this one's lateness.
    """

    task: str
    state: State
    reason: str
    due: datetime | None = None
    seen: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    behind: str = ""


def judge_task(task: Task, evidence: Evidence, now: datetime, skew: timedelta) -> Standing:
    """Judge one task alone. What is missing, unreadable or of a time to come is never up."""
    seen = max((run.last_at for run in evidence.runs), default=None)
    until = last_moment(task.paused, now)
    if until is not None and task.paused is not None:
        words = f"paused by {task.paused.by} until {_at(until)}: {task.paused.reason}"
        return _standing(task, State.PAUSED, words, seen=seen, since=task.paused.since, until=until)
    refused = _refusal(evidence, now, skew)
    if refused:
        return _standing(task, State.DOWN, refused, seen=seen)
    runs = _counted(task, evidence)
    if evidence.runs and not runs:
        return _standing(task, State.DOWN, _none_counts(task, evidence), seen=seen)
    judged = _judge_runs(task, runs, now) if runs else _judge_nothing(task, evidence, now)
    if runs and evidence.remark and judged.state in {State.GRACE, State.DOWN}:
        judged = replace(judged, reason=f"{judged.reason}; {evidence.remark}")
    until = None if task.paused is None or task.paused.since <= now else task.paused.since
    return replace(judged, until=min(filter(None, (judged.until, until)), default=None))


def _standing(
    task: Task,
    state: State,
    reason: str,
    *,
    due: datetime | None = None,
    seen: datetime | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Standing:
    return Standing(task=task.name, state=state, reason=reason, due=due, seen=seen, since=since, until=until)


def _refusal(evidence: Evidence, now: datetime, skew: timedelta) -> str:
    """Say why the evidence cannot be used, if it cannot."""
    if evidence.fault:
        return evidence.fault
    ahead = max((run.last_at for run in evidence.runs), default=now) - now
    if ahead > skew:
        return f"its last sign is {_length(ahead)} in the future: expected none after now; see the clocks"
    return ""


def _counted(task: Task, evidence: Evidence) -> Sequence[Run]:
    if isinstance(task.proof, AssetProof) and task.proof.day_within is not None:
        return of_its_day(evidence.runs, task.proof.day_within)
    return evidence.runs


def _none_counts(task: Task, evidence: Evidence) -> str:
    within = task.proof.day_within if isinstance(task.proof, AssetProof) else None
    words = "none is" if within is None else f"none was made within {format_duration(within)} of the end of its day"
    return f"of {len(evidence.runs)} materialisations {words}"


def _judge_nothing(task: Task, evidence: Evidence, now: datetime) -> Standing:
    """It has never run: new, and down once it should have since it is watched."""
    words = f"it has never run{f': {evidence.remark}' if evidence.remark else ''}"
    due = task.due.next_after(task.since or now)
    if due is None:
        return _standing(task, State.DOWN, f"{words}; {_no_time(task, task.since or now)}")
    if task.since is None:
        return _standing(task, State.NEW, words)
    late = due + task.due.late_after(sees_starts=False)
    if now < late:
        return _standing(task, State.NEW, words, due=due, since=task.since, until=late)
    return _standing(task, State.DOWN, f"{words}; it was due at {_at(due)}", due=due, since=late)


def _judge_runs(task: Task, runs: Sequence[Run], now: datetime) -> Standing:
    ended = [run for run in runs if run.ended_at is not None]
    trouble = _too_often(task, runs, now) or _overlap(task, runs, now)
    if not ended:
        return trouble or _judge_going(task, min(runs, key=lambda run: run.first_at), None, now)
    # a start from before the last run that ended is one whose end was lost; of the others the first is waited for,
    # so that no further start makes a task younger that has not ended since
    going = min(
        (run for run in runs if run.ended_at is None and run.first_at > ended[-1].first_at),
        key=lambda run: run.first_at,
        default=None,
    )
    base = _judge_ended(task, ended, going, now)
    if trouble is not None:
        return replace(trouble, due=base.due)
    return base if going is None or base.state is State.DOWN else _judge_going(task, going, base, now)


def _judge_going(task: Task, going: Run, base: Standing | None, now: datetime) -> Standing:
    """One has begun in time and has not ended: it may take as long as its grace to finish."""
    late, due = going.first_at + task.due.longest, None if base is None else base.due
    if isinstance(task.due, MaxAge) and due is not None:
        late = due + task.due.grace
    longest = format_duration(late - going.first_at)
    if now < late:
        words = f"it began at {_at(going.first_at)} and may take {longest}"
        return _standing(task, State.STARTED, words, due=due, seen=going.first_at, since=going.first_at, until=late)
    words = f"it began at {_at(going.first_at)} and has not ended within {longest}"
    return _standing(task, State.DOWN, words, due=due, seen=going.first_at, since=late)


def _judge_ended(task: Task, ended: Sequence[Run], going: Run | None, now: datetime) -> Standing:
    """Judge by the runs that have ended; one that goes on may have met the time to begin."""
    last = ended[-1]
    fault, streak, since = _walk(task, ended)
    due = task.due.next_after(_anchor(task, last))
    seen = last.ended_at
    if fault:
        return _standing(task, State.DOWN, fault, due=due, seen=seen, since=since)
    if streak < task.recovery:
        words = f"{streak} of {task.recovery} good runs in a row since it was down"
        return _standing(task, State.DOWN, words, due=due, seen=seen, since=since)
    if due is None:
        return _standing(task, State.DOWN, _no_time(task, last.last_at), seen=seen, since=seen)
    return _judge_time(task, last, due, going, now, since)


def _judge_time(
    task: Task, last: Run, due: datetime, going: Run | None, now: datetime, since: datetime | None
) -> Standing:
    """Judge by the clock alone: all was well with the last run."""
    sees_starts, seen = _sees_starts(task, last), last.ended_at
    late = due + task.due.late_after(sees_starts=sees_starts)
    if now < due:
        words = f"it ran at {_at(last.last_at)}; due {task.due.words}"
        return _standing(task, State.UP, words, due=due, seen=seen, since=since, until=due)
    if now < late or (going is not None and going.first_at <= late):
        words = f"it is due since {_at(due)}, and late from {_at(late)}"
        return _standing(task, State.GRACE, words, due=due, seen=seen, since=due, until=late)
    what = "begun" if sees_starts else "run"
    begun = "" if going is None else f"; it began late, at {_at(going.first_at)}, and has not ended"
    words = f"it was due at {_at(due)} and had not {what} by {_at(late)}{begun}"
    return _standing(task, State.DOWN, words, due=due, seen=seen, since=late)


def _walk(task: Task, ended: Sequence[Run]) -> tuple[str, int, datetime | None]:
    """Go through the runs: what is wrong with the last, how many good ones were in a row, and since when that is so.

    The first that is known counts as if all had been well before it.
    """
    fault, streak, since = _fault_of(task, ended[0], None), task.recovery, ended[0].ended_at
    for before, run in pairwise(ended):
        found, late_at = _fault_of(task, run, before), None if fault else _late_at(task, before, run)
        if found:
            streak, since = 0, since if fault else run.ended_at
        elif fault or late_at is not None:
            streak, since = 1, run.ended_at if task.recovery == 1 else late_at or since
        else:
            streak += 1
            since = run.ended_at if streak == task.recovery else since
        fault = found
    return fault, streak, since


def _late_at(task: Task, before: Run, run: Run) -> datetime | None:
    """When the task went down before a run ended; ``None`` where it was in time."""
    due = task.due.next_after(_anchor(task, before))
    if due is None or run.last_at <= due:
        return None
    sees_starts = _sees_starts(task, before) and _sees_starts(task, run)
    late = due + task.due.late_after(sees_starts=sees_starts)
    if (run.first_at if sees_starts else run.last_at) > late:
        return late
    ends = run.first_at + task.due.longest
    return ends if sees_starts and run.last_at > ends else None


def _fault_of(task: Task, run: Run, before: Run | None) -> str:
    """Say what is wrong with a run that has ended, if anything."""
    if run.fault:
        return run.fault
    if task.min_duration is not None:
        least = format_duration(task.min_duration)
        if run.began_at is None:
            return f"nobody saw it begin: expected a start, since it must take at least {least}"
        if run.last_at - run.began_at < task.min_duration:
            return f"it ended after {_length(run.last_at - run.began_at)}: expected at least {least}"
    if task.overlap == "refuse" and before is not None and run.began_at is not None and run.began_at < before.last_at:
        return f"it began at {_at(run.began_at)} while another was going on, until {_at(before.last_at)}"
    return ""


def _overlap(task: Task, runs: Sequence[Run], now: datetime) -> Standing | None:
    """Say that one began while another goes on; one that has not ended in its time is taken for lost, and told so."""
    if task.overlap == "allow":
        return None
    going = [run.first_at for run in runs if run.ended_at is None and now < run.first_at + task.due.longest]
    for first in sorted(going):
        then = min((run.began_at for run in runs if run.began_at is not None and run.began_at > first), default=None)
        if then is not None:
            words = f"it began at {_at(then)} while the run of {_at(first)} had not ended"
            return _standing(task, State.DOWN, words, seen=then, since=then, until=first + task.due.longest)
    return None


def _too_often(task: Task, runs: Sequence[Run], now: datetime) -> Standing | None:
    """Say that it runs too often, if it does."""
    if task.at_most is None:
        return None
    within = sorted(run.first_at for run in runs if run.first_at > now - task.at_most.within)
    if len(within) <= task.at_most.most:
        return None
    most = f"{task.at_most.most} within {format_duration(task.at_most.within)}"
    words = f"it ran {len(within)} times since {_at(within[0])}: expected at most {most}"
    clear = within[-task.at_most.most - 1] + task.at_most.within
    return _standing(task, State.DOWN, words, seen=within[-1], since=within[task.at_most.most], until=clear)


def _sees_starts(task: Task, run: Run) -> bool:
    """Whether a run is judged by when it began: of an age only its end counts."""
    return run.began_at is not None and not isinstance(task.due, MaxAge)


def _anchor(task: Task, run: Run) -> datetime:
    """From when the next due time counts: of an age from its end, of a schedule from its start."""
    return run.last_at if isinstance(task.due, MaxAge) else run.anchor(task.due.longest) + task.due.early


def _no_time(task: Task, moment: datetime) -> str:
    return f"{task.due.words}: no time after {_at(moment)} is like that: correct it, or take the task out"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _length(length: timedelta) -> str:
    return format_duration(length - length % _SECOND or length)
