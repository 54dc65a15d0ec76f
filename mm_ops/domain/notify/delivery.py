"""What one channel sends next: one notice, or one message for many, or nothing yet.

What was told within ``repeats`` is held back and counted: the next message says how often. While there is room, each
notice is a message of its own; where more waits than there is room for, all of it becomes one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mm_ops.domain.notify.notice import Waiting
from mm_ops.domain.notify.policy import NotifyPolicy


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was delivered, and the keys of what it told."""

    at: datetime
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Send:
    """Tell ``told`` in one message, and how many ``repeats`` were held back until now."""

    told: tuple[Waiting, ...]
    repeats: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Rest:
    """Send nothing before this time; without one, until something else is to be told."""

    until: datetime | None = None


def plan_message(waiting: Sequence[Waiting], sent: Sequence[Sent], policy: NotifyPolicy, now: datetime) -> Send | Rest:
    """Plan the next message of one channel.

    Args:
        waiting: what was not delivered, oldest first.
        sent: what was delivered lately; one of the future (the clock was set back) holds nothing back.
        policy: the numbers.
        now: the time.
    """
    quiet_until = _quiet(sent, policy.repeats.length, now)
    fresh = [one for one in waiting if one.notice.key not in quiet_until]
    repeats = [one for one in waiting if one.notice.key in quiet_until]
    if not fresh:
        return Rest(min((quiet_until[one.notice.key] for one in repeats), default=None))
    lately = [one.at for one in sent if _within(one.at, policy.rate.within, now)]
    room = policy.rate.most - len(lately)
    if room <= 0:
        return Rest(sorted(lately)[-policy.rate.most] + policy.rate.within)
    keys = {one.notice.key for one in fresh}
    if len(keys) > room:
        return Send(tuple(sorted(fresh, key=_rank)), tuple(repeats))
    first = min(fresh, key=_rank).notice.key
    return Send(tuple(one for one in fresh if one.notice.key == first), tuple(repeats))


def _quiet(sent: Sequence[Sent], length: timedelta, now: datetime) -> dict[str, datetime]:
    """Until when each key that was told lately is held back."""
    told = sorted((one for one in sent if _within(one.at, length, now)), key=lambda one: one.at)
    return {key: one.at + length for one in told for key in one.keys}


def _within(at: datetime, length: timedelta, now: datetime) -> bool:
    return timedelta(0) <= now - at < length


def _rank(one: Waiting) -> tuple[bool, int]:
    return (not one.notice.about.grave, one.number)
