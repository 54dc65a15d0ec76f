"""The parts of a body that asks for the stops of several bots: one that hangs keeps the next from nothing."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.payload import Payload
from mm_ops.domain.rollback.policy import Response, RollbackPolicy


@dataclass(slots=True)
class Parts:
    """How many parts of one body are not dealt with; one that fails never is, so that the body stays pending."""

    left: int
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end_one(self) -> bool:
        """Count one that was dealt with; says whether it was the last."""
        with self._lock:
            self.left -= 1
            return self.left == 0


@dataclass(frozen=True, slots=True)
class Part:
    """One of them: the stops of ``bot``, or with ``None`` all else that the body says."""

    bot: str | None
    of: Parts


def stopped_by(alert: Alert, policy: RollbackPolicy, bots: Collection[str]) -> str | None:
    """The bot of ours whose stop an alert may ask for."""
    rule = policy.rule_of(alert.name)
    stops = alert.firing and rule is not None and rule.response is Response.ROLLBACK
    return alert.bot if stops and alert.bot in bots else None


def divide(payload: Payload, policy: RollbackPolicy, bots: Collection[str]) -> list[tuple[str | None, Part | None]]:
    """Say whose lanes a body belongs to, and with which part; undivided where it asks for one bot's stops at most."""
    named = dict.fromkeys(bot for alert in payload.alerts if (bot := stopped_by(alert, policy, bots)) is not None)
    if len(named) <= 1:
        return [(next(iter(named), None), None)]
    parts = Parts(len(named) + 1)
    return [(bot, Part(bot, parts)) for bot in (*named, None)]


def take_part(payload: Payload, part: Part | None, policy: RollbackPolicy, bots: Collection[str]) -> Payload:
    """Cut a body down to its part; what could not be read of it, and what was left out, belongs to the rest."""
    if part is None:
        return payload
    mine = tuple(alert for alert in payload.alerts if stopped_by(alert, policy, bots) == part.bot)
    return replace(payload, alerts=mine) if part.bot is None else Payload(alerts=mine, faults=(), truncated=0)
