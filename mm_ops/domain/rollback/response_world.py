"""What answering alerts needs of the world: the journal, and who else knows an alert."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.bot import BotState
from mm_ops.domain.rollback.decision import Decision
from mm_ops.domain.rollback.history import History, PastRollback, Truth
from mm_ops.domain.rollback.parts import Part
from mm_ops.domain.rollback.stop import Stop, StopLog


@dataclass(frozen=True, slots=True)
class Pending:
    """A body, or a part of one, that was not dealt with since it came last."""

    digest: str
    body: bytes
    seen: int
    last_at: datetime
    part: Part | None = None


class ResponseLog(StopLog, Protocol):
    """The journal, as answering alerts needs it."""

    def history(self, alert: Alert, *, bots: frozenset[str], bot: BotState | None, seen_at: datetime) -> History:
        """Read what is known of an alert's episode and its bot."""
        ...

    def note(self, alert: Alert, decision: Decision, seen_at: datetime, at: datetime) -> None:
        """Write down that an alert was seen and what was decided on it."""
        ...

    def note_event(self, subject: str, key: str, body: Mapping[str, object], at: datetime) -> None:
        """Write down anything else that must not be lost."""
        ...

    def notes(self, subject: str, key: str, limit: int) -> list[dict[str, Any]]:
        """Read the latest notes, newest first."""
        ...

    def pending(self) -> list[Pending]:
        """Read the bodies that were not dealt with."""
        ...

    def handled(self, digest: str, seen: int, at: datetime) -> None:
        """Write down that a body was dealt with."""
        ...

    def unfinished(self) -> list[Stop]:
        """Read the stops that have no outcome."""
        ...

    def unconfirmed(self) -> list[PastRollback]:
        """Read the last stop of each bot, where it is not confirmed."""
        ...

    def standing_stops(self, now: datetime, lease: timedelta) -> list[PastRollback]:
        """Read the last stop of each bot, where nobody resumes the bot, or has resumed it, since."""
        ...


class AlertSource(Protocol):
    """Alertmanager, as the rest of a truncated group needs it."""

    def firing(self, group: Mapping[str, str]) -> list[Alert]:
        """Read the alerts with these labels, in a bounded time; raises an ``MmOpsError``."""
        ...


class TruthSource(Protocol):
    """Prometheus, as an alert needs it that must not be believed on its own word."""

    def truth_of(self, alert: Alert, now: datetime) -> Truth:
        """Say whether the alert fires, in a bounded time; raises an ``MmOpsError``."""
        ...
