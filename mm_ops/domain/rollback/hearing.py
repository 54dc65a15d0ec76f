"""Which sources of alerts are silent for too long, and what people are told when that begins and ends.

One that is silent leaves the other: it is told, and nothing is held. With none left there is no way to know whether
anything fires, but by a webhook that may be dead too: that is blind, and promotions are held.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mm_ops.domain.windows import format_duration

BLIND = "backstop"
"""The name under which all of them together are blind; the Watchdog's own silence has another."""

WEBHOOK = "webhook"
"""The name of the way that alerts should come by."""

_OFTEN = 2


@dataclass(frozen=True, slots=True)
class Ear:
    """A source: ``since`` is when it answered last, or when we began to listen; ``fault`` is what it said since."""

    name: str
    since: datetime
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whether the webhook brings the heartbeat that Alertmanager has, or the backstop must, and has ``times`` in a row.

    Once may be a restart of ours; twice says that alerts reach us late only, and nobody would notice.
    """

    times: int = 0
    at: datetime | None = None

    def after(self, heard: datetime | None, brought: datetime | None, slack: timedelta) -> "Webhook":
        """Go on: the journal heard of it at ``heard``; ``brought`` is when it was handed in now, if it was."""
        if brought is not None:
            return Webhook(self.times + 1, brought)
        if self.at is None or (heard is not None and heard > self.at + slack):
            return Webhook()
        return self

    @property
    def fault(self) -> str | None:
        """What is wrong with it, if anything."""
        if self.times < _OFTEN:
            return None
        return (
            f"{WEBHOOK}: Alertmanager has the heartbeat, and {self.times} times in a row only the backstop brought it"
        )


@dataclass(frozen=True, slots=True)
class Pulse:
    """The last beat of the Watchdog as it is written down, and since when that is so on the clock that nobody sets.

    How long it is silent is counted by that clock: one on the wall that is set back would hide a silence, and one that
    is set forward would make one up. A beat that was there at the start can only be dated by its own time.
    """

    beat: datetime | None = None
    mark: float | None = None
    fresh: bool = False
    silent_s: float = 0.0

    def after(self, beat: datetime | None, monotonic: float) -> "Pulse":
        """Look again."""
        if self.mark is None:
            return Pulse(beat, monotonic)
        if beat != self.beat:
            return Pulse(beat, monotonic, fresh=True)
        return replace(self, silent_s=monotonic - self.mark)

    def last(self, now: datetime) -> datetime | None:
        """When the last beat was, by the time on the wall as it is now."""
        if self.beat is None:
            return None
        at = now - timedelta(seconds=self.silent_s)
        return at if self.fresh else min(self.beat, at)


@dataclass(frozen=True, slots=True)
class Change:
    """What began (``deaf``) or ended; ``paged`` says that whoever is on call is told, and not the team."""

    name: str
    deaf: bool
    reason: str
    paged: bool


def find_deaf(ears: Collection[Ear], limit: timedelta, now: datetime) -> dict[str, str]:
    """Name the sources that were silent for longer than the limit, with the reason; all of them are ``BLIND`` too."""
    deaf = {ear.name: _reason(ear, limit, now) for ear in ears if now - ear.since > limit}
    if ears and len(deaf) == len(ears):
        deaf[BLIND] = f"blind: no source of alerts answers: {'; '.join(deaf.values())}"
    return deaf


def find_changes(before: Collection[str], after: Mapping[str, str]) -> Iterator[Change]:
    """Say what began and what ended; where all have become silent, that is one page and not one for each."""
    for name, reason in after.items():
        if name not in before:
            yield Change(name, deaf=True, reason=reason, paged=name == BLIND or BLIND not in after)
    for name in sorted(before):
        if name not in after:
            yield Change(name, deaf=False, reason=f"{name}: heard again", paged=False)


def _reason(ear: Ear, limit: timedelta, now: datetime) -> str:
    silent = format_duration(timedelta(seconds=int((now - ear.since).total_seconds())))
    return f"{ear.name}: no answer for {silent}, of {format_duration(limit)} at most: {ear.fault or 'it was not asked'}"
