"""Which units of one group the rules keep: the newest of each of the last so many days, weeks, months or years.

As restic's ``forget`` defines it: each bucket keeps its newest unit, buckets without a unit do not count, and
``keep_within`` reaches back from the newest unit, so that a bot that stopped keeps what it has.
Source: restic documentation, "Removing backup snapshots", read 2026-11.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from mm_ops.domain.retention.policy import BUCKETS, Rule
from mm_ops.domain.retention.units import Unit
from mm_ops.domain.windows import format_duration


def kept_by(rule: Rule, newest_first: Sequence[Unit], zone: ZoneInfo) -> dict[str, str]:
    """Say of each unit that is kept which part of the rule keeps it; the others are not in it."""
    kept: dict[str, str] = {}
    if rule.keep_within is not None and newest_first:
        since = newest_first[0].of - rule.keep_within
        within = f"within {format_duration(rule.keep_within)} of the newest"
        kept = {unit.name: within for unit in newest_first if unit.of > since}
    for bucket, count in rule.keeps().items():
        for at, unit in enumerate(_newest_of_each(newest_first, BUCKETS[bucket], zone)[:count], start=1):
            kept.setdefault(unit.name, f"{bucket} {at} of {count}")
    return kept


def _newest_of_each(newest_first: Sequence[Unit], form: str | None, zone: ZoneInfo) -> list[Unit]:
    if form is None:
        return list(newest_first)
    first: dict[str, Unit] = {}
    for unit in newest_first:
        first.setdefault(unit.of.astimezone(zone).strftime(form), unit)
    return list(first.values())
