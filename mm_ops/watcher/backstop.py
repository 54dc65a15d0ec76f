"""Reads what fires from Alertmanager and Prometheus, at the start and every few seconds, beside the webhook.

What the journal does not know goes the way of a webhook's body, so that there is one history. ``resolved`` is nothing
here: an alert that is not read any more is not recovered. No fault ends it: each is counted and shown, and a source
that stays silent is paged.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.notify.notice import About
from mm_ops.domain.rollback.backstop import Active, Posted, Seen, date_strangers, find_unheard, write_payload
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.hearing import BLIND, Ear, find_changes, find_deaf
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.rollback.stop import Clock, Pager

RECEIVER = "backstop"
"""Marks what it hands in, where a webhook's body names Alertmanager's receiver."""

_REQUESTS = 2
_TODO = "see whether Prometheus and Alertmanager run and can be reached from the watcher; until then alerts may be lost"
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Reading(Protocol[T_co]):
    """What a source has, and what of it could not be read."""

    @property
    def alerts(self) -> Sequence[T_co]:
        """The alerts."""
        ...

    @property
    def faults(self) -> Sequence[str]:
        """What could not be read."""
        ...


class PostedSource(Protocol):
    """An Alertmanager."""

    def read(self) -> Reading[Posted]:
        """Read what it has; raises an ``MmOpsError``."""
        ...


class ActiveSource(Protocol):
    """A Prometheus."""

    def read(self) -> Reading[Active]:
        """Read what fires; raises an ``MmOpsError``."""
        ...

    def fired_at(self, active: Active) -> datetime | None:
        """Find when one began to fire; raises an ``MmOpsError``."""
        ...


class HeardLog(Protocol):
    """The journal, as the backstop needs it."""

    def heard(self, fingerprints: frozenset[str]) -> dict[str, dict[datetime, datetime]]:
        """Read which starts are known, and when each was heard of."""
        ...

    def notes(self, subject: str, key: str, limit: int) -> list[dict[str, Any]]:
        """Read the latest notes of a subject and key."""
        ...

    def note_event(self, subject: str, key: str, body: Mapping[str, object], at: datetime) -> None:
        """Write a note."""
        ...


@dataclass(slots=True)
class _Heard:
    """How one source has answered."""

    since: datetime
    reads: int = 0
    failed: int = 0
    last_success: datetime | None = None
    last_failure: datetime | None = None
    fault: str = ""
    unread: Sequence[str] = ()


@dataclass(slots=True)
class Backstop:
    """One backstop; ``take_in`` writes a body down and lets it be dealt with.

    A source that is ``None`` was not named, and is not missed.
    """

    journal: HeardLog
    policy: RollbackPolicy
    clock: Clock
    pager: Pager
    take_in: Callable[[bytes], object]
    say: Callable[[str], None]
    alertmanager: PostedSource | None = None
    prometheus: ActiveSource | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _ears: dict[str, _Heard] = field(default_factory=dict)
    _deaf: frozenset[str] | None = None
    _handed: dict[str, datetime] = field(default_factory=dict)
    _suppressed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {"alertmanager": self.alertmanager, "prometheus": self.prometheus}
        now = self.clock.now()
        self._ears = {name: _Heard(now) for name, source in named.items() if source is not None}

    def run(self, stop: threading.Event) -> None:
        """Look every few seconds until it is told to stop; nothing else ends it."""
        while not stop.is_set():
            try:
                self.look()
            except MmOpsError as error:
                self._failed(str(error))
            except Exception as error:  # noqa: BLE001 - a backstop that ends is missed by nobody
                self._failed(f"a fault of mm_ops: {type(error).__name__}: {error}")
            stop.wait(self.policy.backstop.every.total_seconds())

    def look(self) -> None:
        """Read both once, hand in what nobody has brought, and tell who does not answer.

        Raises:
            MmOpsError: the journal could not be read or written; the next look begins anew.
        """
        self.counts["looks"] += 1
        posted = self._listen("alertmanager", self.alertmanager)
        active = self._listen("prometheus", self.prometheus)
        try:
            self._hand_in(Seen(posted=posted, active=active, suppressed=self._keep_suppressed(posted)))
        finally:
            self._tell_silence()

    def state(self) -> dict[str, Any]:
        """Say how it is: for ``/state``."""
        ears = {
            name: {
                "reads": ear.reads,
                "failed": ear.failed,
                "last_success": ear.last_success,
                "last_failure": ear.last_failure,
                "last_fault": ear.fault,
                "unread": list(ear.unread),
                "deaf": name in (self._deaf or ()),
            }
            for name, ear in self._ears.items()
        }
        blind = BLIND in (self._deaf or ())
        return {"sources": ears, "blind": blind, "suppressed": dict(self._suppressed), "counts": dict(self.counts)}

    @property
    def _patience(self) -> float:
        """Seconds for one question, which is at most two requests."""
        return _REQUESTS * self.policy.backstop.timeout.total_seconds() + 1

    def _failed(self, reason: str) -> None:
        self.counts["failed"] += 1
        self.say(f"backstop: {reason}")

    def _listen(self, name: str, source: "_Source[T] | None") -> Sequence[T] | None:
        """Ask one source; what it does wrong is its own."""
        if source is None:
            return None
        ear = self._ears[name]
        ear.reads += 1
        found = call_within(source.read, self._patience)
        if isinstance(found, MmOpsError):
            ear.failed, ear.last_failure, ear.fault = ear.failed + 1, self.clock.now(), str(found)
            return None
        ear.since = ear.last_success = self.clock.now()
        ear.unread = found.faults
        return found.alerts

    def _keep_suppressed(self, posted: Sequence[Posted] | None) -> frozenset[str]:
        """Remember what is silenced while Alertmanager is away, until it is given up on."""
        if posted is not None:
            self._suppressed = {one.alert.fingerprint: one.suppressed for one in posted if one.suppressed}
        elif "alertmanager" in self._ears:
            away = self.clock.now() - self._ears["alertmanager"].since
            if away > self.policy.blind_after.length:
                self._suppressed = {}
        return frozenset(self._suppressed)

    def _hand_in(self, seen: Seen) -> None:
        known = self.journal.heard(seen.fingerprints)
        seen = date_strangers(seen, known, self._find_start)
        now = self.clock.now()
        within = self.policy.backstop.heard_within
        self._handed = {episode: at for episode, at in self._handed.items() if now - at < within}
        for alert in find_unheard(seen, known, self.policy, now):
            if alert.episode not in self._handed:  # it may still wait behind a bot that hangs
                self.take_in(write_payload(alert, RECEIVER))
                self._handed[alert.episode] = now
                self.counts["handed_in"] += 1

    def _find_start(self, active: Active) -> datetime | None:
        prometheus = self.prometheus
        found = None if prometheus is None else call_within(lambda: prometheus.fired_at(active), self._patience)
        if isinstance(found, MmOpsError):
            self._failed(str(found))
            return None
        return found

    def _tell_silence(self) -> None:
        """Tell once who has become silent, and that it answers again; over restarts too."""
        now, limit = self.clock.now(), self.policy.blind_after.length
        if self._deaf is None:
            self._deaf = self._deaf_before()
        ears = [Ear(name, heard.since, heard.fault) for name, heard in self._ears.items()]
        after = find_deaf(ears, limit, now)
        for name in self._deaf & self._ears.keys():  # it was silent before we were started, and has not answered yet
            if self._ears[name].last_success is None:
                after.setdefault(name, f"{name}: no answer since before the start")
        if ears and BLIND in self._deaf and all(ear.name in after for ear in ears):
            after.setdefault(BLIND, "blind: no source of alerts answers")
        for change in find_changes(self._deaf, after):
            note = {"blind": change.deaf, "reason": change.reason}
            self.journal.note_event("blind", change.name, note, now)
            about = About(todo=_TODO if change.deaf else "")
            (self.pager.page if change.paged else self.pager.tell)(change.reason, about)
        self._deaf = frozenset(after)

    def _deaf_before(self) -> frozenset[str]:
        """What a former process has said of the sources that there are now."""
        latest = {name: self.journal.notes("blind", name, 1) for name in (*self._ears, BLIND)}
        return frozenset(name for name, rows in latest.items() if rows and rows[0]["body"]["blind"])


class _Source(Protocol[T_co]):
    def read(self) -> Reading[T_co]:
        """Read what it has."""
        ...
