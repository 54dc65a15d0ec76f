"""Who is told what when the standing of tasks changes: one message a look at most for each audience, and no repeat."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.notify.notice import About, Told
from mm_ops.domain.policy import CLOSED
from mm_ops.domain.sentinel.freshness import Freshness
from mm_ops.domain.sentinel.standing import Standing, State
from mm_ops.domain.windows import format_duration

ALERT = "cron_freshness"
REPORT_AFTER = 2
"""Requests in a row that were not taken."""

NAMED = 10
"""Tasks that a message names; it counts the rest."""

_NEVER_RAN = frozenset({State.NEW, State.PAUSED})
_TODO = "see the table of the asset cron_freshness, or run `mm-ops sentinel cron`; then the task itself"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Known:
    """What is remembered of a task: its state, since when, and whether somebody was told that it is down."""

    state: State
    since: datetime | None
    told: bool = False


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Memory:
    """What a look remembers for the next: when it was, and each task.

    ``outside`` is what is wrong with the outside heartbeat, ``outside_failed`` for how many requests in a row.
    ``shown_at`` is when the table was told last, ``waiting`` that a message may not have been delivered, ``off`` since
    when nobody had looked, where that is still to be told.
    """

    at: datetime | None = None
    tasks: dict[str, Known] = Field(default_factory=dict)
    outside: str = ""
    outside_failed: int = 0
    shown_at: datetime | None = None
    waiting: bool = False
    off: str = ""


@dataclass(frozen=True, kw_only=True)
class Telling:
    """One message."""

    told: Told
    what: str
    about: About


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to tell, what to remember, and the standings with the times since when they have been known to be so."""

    tellings: tuple[Telling, ...]
    memory: Memory
    freshness: Freshness
    changed: bool


def plan_notices(before: Memory, freshness: Freshness, gap: timedelta) -> Plan:
    """Say what is to be told after a look.

    Down is told once, when no task that it comes after is late; being up again is told only of what was told down. A
    task whose evidence is gone is told as one that is down. All of a look is one message. The first look after a time
    in which nobody looked tells nothing yet: what was off with the sentinel runs again by the next, and what does not
    is told then, in one page.
    """
    dated = tuple(_dated(before.tasks.get(one.task), one, freshness.at) for one in freshness.standings)
    lost = {one.task for one in dated if _is_lost(before.tasks.get(one.task), one)}
    away = _off(before.at, freshness.at, gap)
    waits, off = bool(away) and not before.off, before.off or away
    fresh = [] if waits else [_gone(one) if one.task in lost else one for one in dated if _is_news(before, one, lost)]
    back = [one for one in dated if one.state is State.UP and _told(before, one)]
    removed = sorted({name for name, known in before.tasks.items() if known.told} - {one.task for one in dated})
    tasks = _remembered(before, dated, lost, {one.task for one in fresh})
    return Plan(
        tellings=tuple(_tellings(fresh, back, removed, "" if waits else off)),
        memory=replace(before, at=freshness.at, tasks=tasks, off=off if waits else ""),
        freshness=replace(freshness, standings=dated),
        changed=bool(off) or _shown(tasks) != _shown(before.tasks),
    )


def plan_outside(memory: Memory, said: str) -> tuple[Memory, tuple[Telling, ...]]:
    """Say what is to be told of the outside heartbeat; ``said`` is what is wrong with it now.

    One request that is lost is nothing; from the second on the team is told, once, and again when it is taken.
    """
    failed = memory.outside_failed + 1 if said else 0
    after = replace(memory, outside=said, outside_failed=failed)
    about = About(alert=ALERT, todo="see `outside` in sentinel.yaml: nobody else notices when the daemon is dead")
    if failed == REPORT_AFTER:
        return after, (Telling(told=Told.TEAM, what=said, about=about),)
    if not said and memory.outside_failed >= REPORT_AFTER:
        return after, (Telling(told=Told.TEAM, what="the outside heartbeat is taken again", about=about),)
    return after, ()


def _is_news(before: Memory, one: Standing, lost: Collection[str]) -> bool:
    """Whether a task is down by itself, or its evidence is gone, and nobody was told."""
    return ((one.state is State.DOWN and not one.behind) or one.task in lost) and not _told(before, one)


def _remembered(
    before: Memory, dated: Sequence[Standing], lost: Collection[str], fresh: Collection[str]
) -> dict[str, Known]:
    """What is remembered of each task; one whose evidence is gone stays what it was, until it has some again."""
    quiet = {State.UP, State.PAUSED}
    return {
        one.task: Known(
            state=before.tasks[one.task].state if one.task in lost else one.state,
            since=one.since,
            told=one.task in fresh or (_told(before, one) and one.state not in quiet),
        )
        for one in dated
    }


def _tellings(fresh: Sequence[Standing], back: Sequence[Standing], gone: Sequence[str], off: str) -> Iterable[Telling]:
    about = About(alert=ALERT, todo=_TODO)
    if fresh:
        words = _listed([f"{one.task}: {one.reason}" for one in fresh])
        lead = f"{off}; " if off else ""
        yield Telling(told=Told.ONCALL, what=f"{lead}{_count(len(fresh))} down: {words}", about=about)
    better = [f"{one.task} is up again" for one in back] + [f"{name} is watched no more, and was down" for name in gone]
    if better or (off and not fresh):
        noted = [*([off] if off and not fresh else []), *better]
        yield Telling(told=Told.TEAM, what=_listed(noted), about=about)


def _dated(known: Known | None, one: Standing, now: datetime) -> Standing:
    """Say since when a state has been so: as it was remembered, where it was the same before."""
    if known is not None and known.state is one.state and known.since is not None and one.state is not State.GRACE:
        return replace(one, since=known.since if one.since is None else min(known.since, one.since))
    return one if one.since is not None or one.state is State.NEW else replace(one, since=now)


def _is_lost(known: Known | None, one: Standing) -> bool:
    """Whether a task that has run is said never to have: nobody deletes the evidence of a healthy task."""
    return known is not None and one.state is State.NEW and known.state not in _NEVER_RAN


def _gone(one: Standing) -> Standing:
    return replace(one, reason=f"it has run before, and its evidence is gone: {one.reason}")


def _told(before: Memory, one: Standing) -> bool:
    known = before.tasks.get(one.task)
    return known is not None and known.told


def _shown(tasks: Mapping[str, Known]) -> dict[str, tuple[State, bool]]:
    return {name: (known.state, known.told) for name, known in tasks.items()}


def _off(before: datetime | None, now: datetime, gap: timedelta) -> str:
    """Say that nobody looked for a while, if so."""
    if before is None or now - before <= gap:
        return ""
    whole = (now - before) - (now - before) % timedelta(seconds=1)
    return f"nobody looked for {format_duration(whole)}, since {before:%Y-%m-%dT%H:%M:%SZ}"


def _count(number: int) -> str:
    return "1 task is" if number == 1 else f"{number} tasks are"


def _listed(words: Sequence[str]) -> str:
    more = f"; and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return f"{'; '.join(words[:NAMED])}{more}"
