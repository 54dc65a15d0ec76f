"""What the backstop asks, how each source has answered, and the telling of those that are silent for too long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.notify.notice import About
from mm_ops.domain.rollback.backstop import Active, Posted
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.hearing import BLIND, WEBHOOK, Ear, Webhook, find_changes, find_deaf
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.rollback.stop import Clock, Pager

_REQUESTS = 2
_TODO = (
    "see whether Prometheus and Alertmanager run, can be reached from the watcher, and have its address and its token; "
    "until then alerts may come late or not at all"
)
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


class Source(Protocol[T_co]):
    """A server that knows alerts."""

    def read(self) -> Reading[T_co]:
        """Read what it has; raises an ``MmOpsError``."""
        ...


class ActiveSource(Source[Active], Protocol):
    """A Prometheus."""

    def fired_at(self, active: Active) -> datetime | None:
        """Find when one began to fire; raises an ``MmOpsError``."""
        ...


class Notes(Protocol):
    """The journal, as a memory of who was silent."""

    def notes(self, subject: str, key: str, limit: int) -> list[dict[str, Any]]:
        """Read the latest notes of a subject and key."""
        ...

    def note_event(self, subject: str, key: str, body: Mapping[str, object], at: datetime) -> None:
        """Write a note."""
        ...


@dataclass(slots=True)
class Heard:
    """How one source has answered; ``unread`` is what of its last answer could not be read.

    ``mark`` is when it answered last, or we began to listen, on the clock that nobody sets.
    """

    mark: float
    reads: int = 0
    failed: int = 0
    last_success: datetime | None = None
    last_failure: datetime | None = None
    last_fault: str = ""
    unread: Sequence[str] = ()


@dataclass(slots=True)
class Ears:
    """The sources that were named; ``None`` was not, and is not missed."""

    notes: Notes
    policy: RollbackPolicy
    clock: Clock
    pager: Pager
    alertmanager: Source[Posted] | None
    prometheus: ActiveSource | None
    webhook: Webhook = field(default_factory=Webhook)
    heard: dict[str, Heard] = field(default_factory=dict)
    deaf: frozenset[str] | None = None

    def __post_init__(self) -> None:
        named = {"alertmanager": self.alertmanager, "prometheus": self.prometheus}
        mark = self.clock.monotonic()
        self.heard = {name: Heard(mark) for name, source in named.items() if source is not None}

    @property
    def patience(self) -> float:
        """Seconds for one question, which is at most two requests."""
        return _REQUESTS * self.policy.backstop.timeout.total_seconds() + 1

    def listen(self) -> tuple[Sequence[Posted] | None, Sequence[Active] | None]:
        """Ask both; what one does wrong is its own."""
        return self._ask("alertmanager", self.alertmanager), self._ask("prometheus", self.prometheus)

    def is_given_up(self, name: str) -> bool:
        """Whether a source has not answered for so long that what it said last counts no more."""
        heard = self.heard.get(name)
        return heard is None or self._silence_of(heard) > self.policy.blind_after.length

    def tell(self) -> None:
        """Tell once who has become silent, and that it is heard again; over restarts too.

        Raises:
            MmOpsError: the journal cannot be read or written; nothing is told then, and it is at the next time.
        """
        now = self.clock.now()
        before = self._remembered() if self.deaf is None else self.deaf
        after = self._silent(before, now)
        for change in find_changes(before, after):
            self.notes.note_event("blind", change.name, {"blind": change.deaf, "reason": change.reason}, now)
            about = About(todo=_TODO if change.deaf else "")
            (self.pager.page if change.paged else self.pager.tell)(change.reason, about)
        self.deaf = frozenset(after)

    def _ask(self, name: str, source: Source[T] | None) -> Sequence[T] | None:
        if source is None:
            return None
        heard = self.heard[name]
        heard.reads += 1
        found = call_within(source.read, self.patience)
        now = self.clock.now()
        if isinstance(found, MmOpsError):
            heard.failed, heard.last_failure, heard.last_fault = heard.failed + 1, now, str(found)
            return None
        heard.mark, heard.last_success = self.clock.monotonic(), now
        heard.unread = found.faults
        return found.alerts

    def _silent(self, before: frozenset[str], now: datetime) -> dict[str, str]:
        ears = [Ear(name, now - self._silence_of(heard), heard.last_fault) for name, heard in self.heard.items()]
        silent = find_deaf(ears, self.policy.blind_after.length, now)
        for name, heard in self.heard.items():
            if name in before and heard.last_success is None:
                silent.setdefault(name, f"{name}: no answer since before the start")
        if BLIND in before and self.heard.keys() <= silent.keys():
            silent.setdefault(BLIND, "blind: no source of alerts answers")
        if self.webhook.fault is not None:
            silent[WEBHOOK] = self.webhook.fault
        return silent

    def shown(self) -> dict[str, dict[str, Any]]:
        """Say how each source does, for people."""
        deaf = self.deaf or frozenset()
        return {
            name: {
                **{field: value for field, value in to_plain(heard).items() if field != "mark"},
                "silent_s": round(self._silence_of(heard).total_seconds(), 1),
                "deaf": name in deaf,
            }
            for name, heard in self.heard.items()
        }

    def _silence_of(self, heard: Heard) -> timedelta:
        return timedelta(seconds=self.clock.monotonic() - heard.mark)

    def _remembered(self) -> frozenset[str]:
        """What a former process has said of the sources that there are now."""
        latest = {name: self.notes.notes("blind", name, 1) for name in (*self.heard, BLIND, WEBHOOK)}
        silent = frozenset(name for name, rows in latest.items() if rows and rows[0]["body"]["blind"])
        if WEBHOOK in silent:
            self.webhook = replace(self.webhook, times=2, at=self.webhook.at or self.clock.now())
        return silent
