"""The cron sentinel over recorded history: each change of a task, and why."""

from typing import TYPE_CHECKING

from mm_ops.cli.context import show_table, utc_now

if TYPE_CHECKING:
    from mm_ops.domain.sentinel.history import Change
    from mm_ops.domain.windows import TimeWindow

_MOST = 20_000
"""Runs of a task that are read: two weeks of ticks each minute."""


def replay_cron(window: "TimeWindow") -> "list[Change]":
    """Judge every task of deploy/cron/sentinel.yaml at every moment of a stretch at which it can have changed.

    Raises:
        PolicyError: the file is impossible.
    """
    from mm_ops.cli.sentinel_tasks import evidence_of, read_tasks
    from mm_ops.domain.sentinel.history import replay_tasks

    policy, tasks = read_tasks()
    return replay_tasks(tasks, evidence_of(policy, tasks, utc_now(), _MOST), window, policy.clock_skew.length)


def show_cron(changes: "list[Change]") -> None:
    """Print them."""
    rows = [
        (f"{one.at:%Y-%m-%dT%H:%M:%SZ}", one.task, one.before.value if one.before else "", one.state.value, one.reason)
        for one in changes
    ]
    show_table("tasks", ("at", "task", "before", "then", "why"), rows)
