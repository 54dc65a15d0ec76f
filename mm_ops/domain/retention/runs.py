"""Which of Dagster's own runs may go, with the events that they left: those that nothing asks for any more.

Dagster keeps runs and events for ever, and what it answers about an asset's history comes from them. So a run stays
while anything reads it: evidence of its day, the newest materialisation or check of an asset, the newest of its job.
What is deleted does not come back: there is no quarantine, and it is only planned until the policy says otherwise.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mm_ops.domain.errors import IntegrityError
from mm_ops.domain.retention.policy import RetentionPolicy, RunsRule
from mm_ops.domain.windows import format_duration

PIN_TAG = "mm_ops/keep"
"""A run that a person gave this tag stays, whatever its value."""

_SKEW = timedelta(hours=1)
"""How far ahead of ``now`` a run may begin: others begin while the plan is made, and a server has its own clock."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is on record; ``group`` is its job and whose it is, ``day`` the partition where that is a day.

    ``about`` are its job, and the assets that were asked for, without their bot.
    """

    run_id: str
    group: str
    created: datetime
    ended: bool
    day: date | None = None
    pinned: bool = False
    about: frozenset[str] = frozenset()
    backfill: str | None = None


@dataclass(frozen=True, slots=True)
class Needed:
    """What speaks for runs: days whose evidence is stored, runs that hold the newest of something, open backfills."""

    days: AbstractSet[date]
    newest: AbstractSet[str]
    backfills: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run, whether it stays, and why."""

    run: Run
    keep: bool
    reason: str


def plan_runs(runs: Iterable[Run], needed: Needed, rule: RunsRule, now: datetime) -> list[RunEntry]:
    """Decide about every run, the oldest first; at most ``most`` go.

    Raises:
        IntegrityError: one began an hour after ``now`` or later: the clock is wrong, and ages mean nothing.
    """
    every = sorted(runs, key=lambda run: (run.created, run.run_id))
    if every and every[-1].created > now + _SKEW:
        raise IntegrityError(
            f"run {every[-1].run_id}: began at {every[-1].created:%Y-%m-%dT%H:%M:%SZ}, over an hour after now: "
            f"it is {now:%Y-%m-%dT%H:%M:%SZ}: set the clock; no run was deleted"
        )
    last = {run.group: run.run_id for run in every}
    entries: list[RunEntry] = []
    left = rule.most
    for run in every:
        reason = _reason(run, needed, rule, now, newest_of_job=last[run.group] == run.run_id)
        if reason is None and left == 0:
            reason = f"next time: at most {rule.most} at once"
        left -= reason is None
        older = f"older than {format_duration(rule.keep)}, and nothing asks for it"
        entries.append(RunEntry(run, reason is not None, reason or older))
    return entries


def refuse_unless_fresh(days: AbstractSet[date], policy: RetentionPolicy, now: datetime, where: str) -> None:
    """Refuse to decide by a folder that may be the wrong one: what is not stored would speak for nothing.

    Raises:
        IntegrityError: nothing of the last ``newest_within`` is stored there.
    """
    newest = max(days, default=None)
    if newest is None or newest < (now - policy.newest_within).date():
        raise IntegrityError(
            f"{where}: expected evidence of the last {format_duration(policy.newest_within)}, the newest is of "
            f"{newest or 'no day'}: is it the right folder, and do the nights run? no run was deleted"
        )


def _reason(run: Run, needed: Needed, rule: RunsRule, now: datetime, *, newest_of_job: bool) -> str | None:
    """Why a run stays; nothing where it may go."""
    reasons = (
        (not run.ended, "has not ended"),
        (now - run.created <= rule.keep, f"not older than {format_duration(rule.keep)}"),
        (run.pinned, f"has the tag {PIN_TAG}"),
        (not run.about.isdisjoint(rule.spare), f"of what is spared: {', '.join(sorted(run.about & {*rule.spare}))}"),
        (run.backfill is not None and run.backfill in needed.backfills, "of a backfill that is not over"),
        (newest_of_job, "the newest of its job"),
        (run.run_id in needed.newest, "made the newest of an asset or a check"),
        (run.day is not None and run.day in needed.days, f"of {run.day}, whose evidence is stored"),
    )
    return next((words for stays, words in reasons if stays), None)
