"""The plan: of every unit whether it stays or goes, with the reason; nothing is done here.

In this order, the first that says something decides: what is needed stays; what changed a moment ago stays; what is
older than ``ttl`` goes; what no ``keep_…`` keeps goes; what is beyond ``max_count`` goes; and while what is left is
larger than ``high``, the oldest that is not needed goes, down to ``low``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from mm_ops.domain.errors import IntegrityError
from mm_ops.domain.retention.keep import kept_by
from mm_ops.domain.retention.policy import RetentionPolicy, Rule
from mm_ops.domain.retention.sizes import format_size
from mm_ops.domain.retention.units import Unit
from mm_ops.domain.windows import format_duration

_FUTURE = timedelta(days=1)
"""How far ahead of the clock a unit may be: a clock that is off by more is not to be trusted with deleting."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One unit and what becomes of it. ``fixed``: it stays even when room is needed."""

    unit: Unit
    keep: bool
    reason: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Entries in the order of their time, oldest first; sizes in bytes; ``short`` where ``low`` is out of reach."""

    now: datetime
    entries: tuple[Entry, ...]
    short: str | None = None

    @property
    def rotated(self) -> list[Entry]:
        """What goes."""
        return [entry for entry in self.entries if not entry.keep]

    @property
    def size(self) -> int:
        """All units, as they are."""
        return sum(entry.unit.size for entry in self.entries)

    @property
    def freed(self) -> int:
        """What goes, together."""
        return sum(entry.unit.size for entry in self.rotated)


def make_plan(
    units: Mapping[str, Sequence[Unit]], policy: RetentionPolicy, pinned: Mapping[str, str], now: datetime
) -> Plan:
    """Decide about every unit.

    Args:
        units: by the kind of their rule, oldest first.
        policy: the rules.
        pinned: by the unit's name, why it is needed.
        now: the time by which ages are counted.

    Raises:
        IntegrityError: the newest unit is too old, or one is of the future: the clock may be wrong.
    """
    _doubt_the_clock([unit for some in units.values() for unit in some], policy, now)
    zone = ZoneInfo(policy.time_zone)
    entries = [
        entry
        for rule in policy.rules
        for _, group in groupby(sorted(units.get(rule.kind, ()), key=_by_group), key=lambda unit: unit.group)
        for entry in _decide(rule, list(group)[::-1], policy, pinned, now, zone)
    ]
    entries.sort(key=lambda entry: (entry.unit.of, entry.unit.name))
    return _make_room(Plan(now, tuple(entries)), policy)


def _by_group(unit: Unit) -> tuple[str, datetime, str]:
    return unit.group, unit.of, unit.name


def _doubt_the_clock(units: Sequence[Unit], policy: RetentionPolicy, now: datetime) -> None:
    if not units:
        return
    newest = max(units, key=lambda unit: unit.of)
    ahead, behind = newest.of - now, now - max(newest.of, newest.changed)
    if ahead > _FUTURE:
        raise IntegrityError(
            f"{newest.name}: of {newest.of:%Y-%m-%dT%H:%M:%SZ}, and it is {now:%Y-%m-%dT%H:%M:%SZ}: expected nothing "
            "of the future; check the clock, nothing is rotated"
        )
    if behind > policy.newest_within:
        raise IntegrityError(
            f"{newest.name}: the newest there is, {format_duration(_whole(behind))} old: expected one within "
            f"{format_duration(policy.newest_within)}; check the clock and the nights, nothing is rotated"
        )


def _whole(span: timedelta) -> timedelta:
    return timedelta(seconds=int(span.total_seconds()))


def _decide(
    rule: Rule,
    newest_first: Sequence[Unit],
    policy: RetentionPolicy,
    pinned: Mapping[str, str],
    now: datetime,
    zone: ZoneInfo,
) -> Iterator[Entry]:
    kept, stay = kept_by(rule, newest_first, zone), 0
    for unit in newest_first:
        entry = _judge(unit, rule, policy, pinned.get(unit.name), kept.get(unit.name), now)
        if entry.keep and not entry.fixed and rule.max_count is not None and stay >= rule.max_count:
            entry = Entry(unit, keep=False, reason=f"beyond the newest {rule.max_count}")
        stay += entry.keep
        yield entry


def _judge(
    unit: Unit, rule: Rule, policy: RetentionPolicy, needed: str | None, kept: str | None, now: datetime
) -> Entry:
    if needed is not None:
        return Entry(unit, keep=True, reason=f"needed: {needed}", fixed=True)
    if now - unit.changed < policy.settled:
        return Entry(unit, keep=True, reason=f"changed within {format_duration(policy.settled)}", fixed=True)
    if rule.ttl is not None and now - unit.of > rule.ttl:
        return Entry(unit, keep=False, reason=f"older than {format_duration(rule.ttl)}")
    if kept is not None:
        return Entry(unit, keep=True, reason=kept)
    if rule.keep_within is None and not rule.keeps():
        within = "" if rule.ttl is None else f" within {format_duration(rule.ttl)}"
        return Entry(unit, keep=True, reason=f"of the newest{within}")
    return Entry(unit, keep=False, reason="kept by no keep_… of its rule")


def _make_room(plan: Plan, policy: RetentionPolicy) -> Plan:
    left = plan.size - plan.freed
    if policy.max_size is None or left <= policy.max_size.high:
        return plan
    entries, limit = list(plan.entries), policy.max_size
    reason = f"the oldest, to make room: {format_size(left)} of at most {format_size(limit.high)}"
    for at, entry in enumerate(entries):
        if left <= limit.low:
            break
        if entry.keep and not entry.fixed:
            entries[at], left = Entry(entry.unit, keep=False, reason=reason), left - entry.unit.size
    short = (
        None
        if left <= limit.low
        else f"what must stay takes {format_size(left)}, and {format_size(limit.low)} was the aim"
    )
    return replace(plan, entries=tuple(entries), short=short)
