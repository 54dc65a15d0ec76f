"""Dagster's own freshness policies, where they say what a task says: then the UI's freshness column is true.

Decision 14 tells what they cannot say.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import assert_never

import dagster as dg

from mm_ops.domain.sentinel.schedule import Cron, Due, MaxAge, OnCalendar
from mm_ops.domain.sentinel.tasks import AssetProof, Task

_LEAST = timedelta(minutes=1)
_DAILY = re.compile(r"(\d+) (\d+) \* \* \*")
_MINUTES_A_DAY = 1440


def freshness_columns(tasks: Iterable[Task]) -> dict[dg.AssetKey, dg.FreshnessPolicy]:
    """Give the policy of each asset that a task watches, where Dagster has one that says the same."""
    found = {}
    for task in tasks:
        policy = freshness_policy(task.due) if isinstance(task.proof, AssetProof) else None
        if policy is not None and isinstance(task.proof, AssetProof):
            found[dg.AssetKey.from_user_string(task.proof.key)] = policy
    return found


def freshness_policy(due: Due) -> dg.FreshnessPolicy | None:
    """Give Dagster's policy that fails when the task is late; ``None`` where it has no words for that."""
    match due:
        case MaxAge():
            longest = due.max_age + due.grace
            warns = due.max_age if due.grace and due.max_age >= _LEAST else None
            return dg.FreshnessPolicy.time_window(longest, warns) if longest >= _LEAST else None
        case Cron():
            return _daily(due)
        case OnCalendar():
            return None
        case _:
            assert_never(due)


def _daily(due: Cron) -> dg.FreshnessPolicy | None:
    """Say a daily time: its deadline is a time of the day too, and is late by as many whole minutes."""
    daily, late = _DAILY.fullmatch(due.cron), due.late_after(sees_starts=False)
    if daily is None or late % _LEAST or not _LEAST <= late <= timedelta(days=1) or due.early:
        return None
    minutes = (int(daily[2]) * 60 + int(daily[1]) + late // _LEAST) % _MINUTES_A_DAY
    return dg.FreshnessPolicy.cron(f"{minutes % 60} {minutes // 60} * * *", late, due.zone)
