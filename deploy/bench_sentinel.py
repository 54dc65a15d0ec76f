"""The cron sentinel's part of `make bench`; run by itself it judges 10,000 tasks and prints seconds and megabytes."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from mm_ops.domain.sentinel.freshness import judge_tasks
from mm_ops.domain.sentinel.notices import Memory, plan_notices
from mm_ops.domain.sentinel.runs import Evidence, Run
from mm_ops.domain.sentinel.schedule import Cron, Due, MaxAge, OnCalendar
from mm_ops.domain.sentinel.tasks import HeartbeatProof, Task

HERE = Path(__file__).resolve()
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "UTC")


def judge() -> None:
    """Judge 10,000 tasks of the three kinds of schedules, none like another, each with three runs."""
    grace = {"start": timedelta(minutes=10), "finish": timedelta(hours=1)}

    def due(n: int) -> Due:
        zone, hour, minute = ZONES[n // 3 % 3], n % 24, n % 60
        if n % 3 == 0:
            return MaxAge(max_age=timedelta(hours=36))
        if n % 3 == 1:
            return Cron(cron=f"{minute} {hour} * * *", zone=zone, **grace)
        return OnCalendar(oncalendar=f"*-*-* {hour:02}:{minute:02}:00", zone=zone, **grace)

    tasks = [
        Task(
            name=f"t{n}",
            proof=HeartbeatProof(kind="heartbeat", task=f"t{n}"),
            due=due(n),
            needs=(f"t{n - 1}",) if n % 2 else (),
            source="made up for the bench",
        )
        for n in range(10_000)
    ]
    evidence = {}
    for n, task in enumerate(tasks):
        starts = [task.due.next_after(NOW - timedelta(days=days, seconds=n)) for days in (4, 3, 2)]
        runs = [Run(began_at=at, ended_at=at + timedelta(minutes=5)) for at in starts if at is not None]
        evidence[task.name] = Evidence(runs=tuple(runs))
    start = perf_counter()
    freshness = judge_tasks(tasks, evidence, NOW, timedelta(seconds=5))
    plan_notices(Memory(), freshness, timedelta(minutes=10))
    seconds = perf_counter() - start
    print(f"{seconds:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def measure_sentinel(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what was measured: name, value, the target of the issue."""
    seconds, megabytes = _run(HERE)
    yield "cron sentinel: judge 10,000 tasks", f"{seconds} s", "< 2 s"
    yield "  its peak resident memory", f"{megabytes} MB", "< 200 MB"
    first, later, count = _run(HERE.with_name("bench_sentinel_tick.py"), str(folder))
    yield f"a tick of cron_freshness on {count} tasks", f"{later} s (the first, which tells all: {first} s)", "< 1 s"


def _run(script: Path, *arguments: str) -> list[str]:
    command = [sys.executable, str(script), *arguments]
    shown = subprocess.run(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True, check=True).stdout
    return shown.split()


if __name__ == "__main__":
    judge()
