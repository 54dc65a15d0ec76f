"""Reads what fires from Alertmanager and Prometheus, at the start and every few seconds, beside the webhook.

What the journal does not know goes the way of a webhook's body, so that there is one history. ``resolved`` is nothing
here: an alert that is not read any more is not recovered. No fault ends it: each is counted and shown, and a source
that stays silent is paged.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rollback.backstop import (
    READ_BY_WATCHER,
    Active,
    Known,
    Posted,
    Seen,
    date_strangers,
    find_unheard,
    write_payload,
)
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.hearing import BLIND
from mm_ops.domain.rollback.policy import Response, RollbackPolicy
from mm_ops.domain.rollback.stop import Clock, Pager
from mm_ops.domain.windows import is_lately
from mm_ops.watcher.ears import ActiveSource, Ears, Notes, Source

RECEIVER = READ_BY_WATCHER
"""Marks what it hands in, where a webhook's body names Alertmanager's receiver."""


class HeardLog(Notes, Protocol):
    """The journal, as the backstop needs it."""

    def heard(self, fingerprints: Collection[str]) -> dict[str, dict[datetime, datetime]]:
        """Read which starts are known, and when each was heard of."""
        ...


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
    alertmanager: Source[Posted] | None = None
    prometheus: ActiveSource | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _ears: Ears = field(init=False)
    _handed: dict[str, datetime] = field(default_factory=dict)
    _suppressed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ears = Ears(self.journal, self.policy, self.clock, self.pager, self.alertmanager, self.prometheus)

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
        posted, active = self._ears.listen()
        try:
            self._hand_in(Seen(posted=posted, active=active, suppressed=self._keep_suppressed(posted)))
        finally:
            self._ears.tell()

    @property
    def deaf(self) -> list[str]:
        """Which sources are silent for too long."""
        return [f"{name}: silent for too long" for name in sorted((self._ears.deaf or frozenset()) - {BLIND})]

    def state(self) -> dict[str, Any]:
        """Say how it is: for ``/state``."""
        return {
            "sources": self._ears.shown(),
            "blind": BLIND in (self._ears.deaf or ()),
            "webhook_fault": self._ears.webhook.fault,
            "suppressed": dict(self._suppressed),
            "counts": dict(self.counts),
        }

    def _failed(self, reason: str) -> None:
        self.counts["failed"] += 1
        self.say(f"backstop: {reason}")

    def _keep_suppressed(self, posted: Sequence[Posted] | None) -> frozenset[str]:
        """Remember what is silenced while Alertmanager is away, until it is given up on."""
        if posted is not None:
            self._suppressed = {one.alert.fingerprint: one.suppressed for one in posted if one.suppressed}
        elif self._ears.is_given_up("alertmanager"):
            self._suppressed = {}
        return frozenset(self._suppressed)

    def _hand_in(self, seen: Seen) -> None:
        known = self.journal.heard(seen.fingerprints)
        seen = date_strangers(seen, known, self._find_start)
        now = self.clock.now()
        within = self.policy.backstop.heard_within
        self._handed = {episode: at for episode, at in self._handed.items() if is_lately(at, within, now)}
        brought = set()
        for alert in find_unheard(seen, known, self.policy, now):
            if alert.episode not in self._handed:  # it may still wait behind a bot that hangs
                self.take_in(write_payload(alert, RECEIVER))
                self._handed[alert.episode] = now
                self.counts["handed_in"] += 1
                brought.add(alert.fingerprint)
        self._watch_webhook(seen.posted or (), known, brought, now)

    def _find_start(self, active: Active) -> datetime | None:
        prometheus = self.prometheus
        found = None if prometheus is None else call_within(lambda: prometheus.fired_at(active), self._ears.patience)
        if isinstance(found, MmOpsError):
            self._failed(str(found))
            return None
        return found

    def _watch_webhook(
        self, posted: Sequence[Posted], known: Mapping[str, Known], brought: set[str], now: datetime
    ) -> None:
        """See whether the heartbeat that Alertmanager has comes by the webhook too."""
        rules = ((one.alert.fingerprint, self.policy.rule_of(one.alert.name)) for one in posted)
        beats = [name for name, rule in rules if rule is not None and rule.response is Response.HEARTBEAT]
        if beats:
            heard = max((at for name in beats for at in known.get(name, {}).values()), default=None)
            now_brought = now if brought.intersection(beats) else None
            self._ears.webhook = self._ears.webhook.after(heard, now_brought, self.policy.backstop.every)
