"""Tasks and runs with one interesting difference."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mm_ops.domain.bots import Bot, Recorded
from mm_ops.domain.notify.policy import Length
from mm_ops.domain.sentinel.runs import Evidence, Run
from mm_ops.domain.sentinel.schedule import Cron, MaxAge, OnCalendar
from mm_ops.domain.sentinel.standing import Standing, judge_task
from mm_ops.domain.sentinel.tasks import CronPolicy, HeartbeatProof, Task

SKEW = timedelta(seconds=5)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def at(text: str) -> datetime:
    """2026-11-25 at ``02:30``, or any other time that is written in full; UTC."""
    full = text if "T" in text else f"2026-11-25T{text}"
    moment = datetime.fromisoformat(full)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def max_age(hours: float, grace: timedelta = timedelta(0)) -> MaxAge:
    return MaxAge(max_age=timedelta(hours=hours), grace=grace)


def cron(expression: str, zone: str = "UTC", *, early: timedelta = timedelta(0)) -> Cron:
    return Cron(cron=expression, zone=zone, start=10 * MINUTE, finish=HOUR, early=early)


def timer(expression: str, zone: str | None = "UTC") -> OnCalendar:
    return OnCalendar(oncalendar=expression, zone=zone, start=10 * MINUTE, finish=HOUR)


def task(name: str = "backup", **fields: Any) -> Task:
    usual: dict[str, Any] = {
        "proof": HeartbeatProof(kind="heartbeat", task=name),
        "due": cron("30 0 * * *"),
        "source": "made up for a test",
    }
    return Task(name=name, **{**usual, **fields})


def run(began: str | None, ended: str | None = None, fault: str = "") -> Run:
    return Run(began_at=at(began) if began else None, ended_at=at(ended) if ended else None, fault=fault)


def known(*runs: Run) -> Evidence:
    return Evidence(runs=runs)


def judged(one: Task, now: str, *runs: Run) -> Standing:
    return judge_task(one, known(*runs), at(now), SKEW)


def bot(name: str, **fields: Any) -> Bot:
    usual: dict[str, Any] = {
        "version": "1.0.0",
        "samples": Recorded(kind="recording", path="samples"),
        **dict.fromkeys(("fills", "quotes", "results"), "var"),
        "day_entries": "none",
        "symbols": ("X",),
        "source": "made up for a test",
    }
    return Bot(name=name, **{**usual, **fields})


def policy(*tasks: Task) -> CronPolicy:
    length = Length(length=MINUTE, source="made up for a test")
    return CronPolicy(
        tasks=tasks, clock_skew=length, attempt=length, gap=length, told_at_least=length, source="made up for a test"
    )
