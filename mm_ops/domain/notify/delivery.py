"""What one channel sends next: one notice, or one message for many, or nothing yet.

What was told within ``repeats`` is held back and counted: the next message says how often. While there is room, each
notice is a message of its own; where more waits than there is room for, all of it becomes one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mm_ops.domain.notify.notice import Waiting
from mm_ops.domain.notify.policy import NotifyPolicy
from mm_ops.domain.windows import is_lately

MOST_REMEMBERED = 20_000
"""Keys, as many as may wait; 100,000 took 9 MB of the watcher, and a flood is told again rather than remembered."""


@dataclass(slots=True)
class Delivered:
    """What one channel has delivered lately: when each message went, and when each key was told last."""

    messages: list[datetime] = field(default_factory=list)
    told: dict[int, datetime] = field(default_factory=dict)

    def note(self, at: datetime, keys: Collection[int], policy: NotifyPolicy) -> None:
        """Note a message, and forget what is too old to count."""
        self.messages = [one for one in self.messages if at - one < policy.rate.within]
        self.messages.append(at)
        for key in keys:
            self.told.pop(key, None)  # so that they stay in the order in which they were told
            self.told[key] = at
        while self.told and (
            at - self.told[oldest := next(iter(self.told))] >= policy.repeats.length or len(self.told) > MOST_REMEMBERED
        ):
            del self.told[oldest]

    def quiet_until(self, key: int, length: timedelta, now: datetime) -> datetime | None:
        """Until when a key is held back, if it is."""
        at = self.told.get(key)
        return at + length if at is not None and is_lately(at, length, now) else None


@dataclass(frozen=True, slots=True)
class Send:
    """Tell ``told`` in one message, and how many ``repeats`` were held back until now."""

    told: tuple[Waiting, ...]
    repeats: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Rest:
    """Send nothing before this time; without one, until something else is to be told."""

    until: datetime | None = None


def plan_message(waiting: Sequence[Waiting], delivered: Delivered, policy: NotifyPolicy, now: datetime) -> Send | Rest:
    """Plan the next message of one channel.

    Args:
        waiting: what was not delivered, oldest first.
        delivered: what was delivered lately; what is of the future (the clock was set back) holds nothing back.
        policy: the numbers.
        now: the time.
    """
    keyed = [(one, one.notice.key) for one in waiting]
    quiet = {key: until for _, key in keyed if (until := delivered.quiet_until(key, policy.repeats.length, now))}
    fresh = [(one, key) for one, key in keyed if key not in quiet]
    repeats = tuple(one for one, key in keyed if key in quiet)
    if not fresh:
        return Rest(min(quiet.values(), default=None))
    lately = [at for at in delivered.messages if is_lately(at, policy.rate.within, now)]
    room = policy.rate.most - len(lately)
    if room <= 0:
        return Rest(sorted(lately)[-policy.rate.most] + policy.rate.within)
    if len({key for _, key in fresh}) > room:
        return Send(tuple(sorted((one for one, _ in fresh), key=_rank)), repeats)
    _, first = min(fresh, key=lambda pair: _rank(pair[0]))
    return Send(tuple(one for one, key in fresh if key == first), repeats)


def _rank(one: Waiting) -> tuple[bool, int]:
    return (not one.notice.about.grave, one.number)
