"""One channel's own thread: it sends what waits, as often as it may, and tries again what fails."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mm_ops.adapters.notify_channels import Channel, NotDeliveredError
from mm_ops.adapters.notify_outbox import COUNTED, GIVEN_UP, SENT, Outbox
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.notify.delivery import Delivered, Rest, Send, plan_message
from mm_ops.domain.notify.message import compose
from mm_ops.domain.notify.notice import Waiting
from mm_ops.domain.notify.policy import NotifyPolicy
from mm_ops.domain.rollback.stop import Clock
from mm_ops.domain.windows import format_duration

MOST_WAITING = 20_000
"""Notices in memory, of at most some kilobytes; what is more is counted, and the outbox has it."""

_LOOK_EVERY_S = 5.0
"""The clock may be set while the thread waits for a time."""

_GATHER_S = 0.05
"""What comes in a burst is planned together, so that planning takes no time from a stop."""

Changed = Callable[[str, str | None], None]
"""Called with the channel and its fault, or ``None`` when it delivers again."""


@dataclass(slots=True)
class Line:
    """One channel and what waits for it."""

    name: str
    channel: Channel
    policy: NotifyPolicy
    outbox: Outbox
    clock: Clock
    changed: Changed
    fault: str | None = None
    failing_since: datetime | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _waiting: list[Waiting] = field(default_factory=list)
    _sent: Delivered = field(default_factory=Delivered)
    _failures: int = 0
    _reported: bool = False
    _not_before: float = 0.0
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _open: bool = True
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Take up what a former process left, and begin."""
        left = self.outbox.left(self.name, MOST_WAITING)
        self._waiting = [*left.waiting, *self._waiting]
        for at, keys in left.sent.items():
            self._sent.note(at, keys, self.policy)
        self._thread = threading.Thread(target=self._run, name=f"notify {self.name}", daemon=True)
        self._thread.start()

    def add(self, waiting: Waiting) -> None:
        """Let a notice be told."""
        with self._wake:
            self._waiting.append(waiting)
            dropped = self._make_room()
            self._wake.notify()
        if dropped is not None:
            self.outbox.settle([dropped.number], self.name, GIVEN_UP, self.clock.now())

    def close(self, within_s: float) -> bool:
        """Send what can be sent at once, and end; false where something is left to the next start."""
        with self._wake:
            self._open = False
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(within_s)
        return not self._waiting

    def state(self) -> dict[str, Any]:
        """Say how it does, for people and metrics."""
        return {
            "waiting": len(self._waiting),
            "failing_since": self.failing_since,
            "fault": self.fault,
            "failures_in_a_row": self._failures,
            **{name: self.counts[name] for name in ("messages", "notices", "held_back", "failed", "given_up")},
        }

    def _make_room(self) -> Waiting | None:
        """Drop the oldest notice that is not grave where too many wait."""
        if len(self._waiting) <= MOST_WAITING:
            return None
        self.counts["given_up"] += 1
        at = next((n for n, one in enumerate(self._waiting) if not one.notice.about.grave), 0)
        return self._waiting.pop(at)

    def _run(self) -> None:
        while True:
            self._give_up()
            plan = self._plan()
            if isinstance(plan, Send):
                self._send(plan)
                continue
            with self._wake:
                if not self._open:
                    return
                self._wake.wait(self._pause_s(plan))
            self.clock.sleep(_GATHER_S)

    def _plan(self) -> Send | Rest:
        with self._wake:
            waiting = list(self._waiting)
        if not waiting or self.clock.monotonic() < self._not_before:
            return Rest()
        return plan_message(waiting, self._sent, self.policy, self.clock.now())

    def _pause_s(self, rest: Rest) -> float:
        """How long nothing is to be done, if nothing comes: a failed channel is not asked the sooner for that."""
        if self._waiting and self._not_before:
            return min(max(self._not_before - self.clock.monotonic(), 0.0), _LOOK_EVERY_S)
        if rest.until is None:
            return 0.0 if self._waiting else _LOOK_EVERY_S
        return min(max((rest.until - self.clock.now()).total_seconds(), 0.0), _LOOK_EVERY_S)

    def _send(self, plan: Send) -> None:
        now = self.clock.now()
        try:
            self.channel.send(compose(plan, self.policy, now))
        except MmOpsError as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - a thread that dies would be a channel that is silent for ever
            self._failed(NotDeliveredError(f"a fault of mm_ops: {type(error).__name__}"))
        else:
            self._delivered(plan, now)

    def _delivered(self, plan: Send, now: datetime) -> None:
        gone = {one.number for one in (*plan.told, *plan.repeats)}
        with self._wake:
            self._waiting = [one for one in self._waiting if one.number not in gone]
        self._sent.note(now, {one.notice.key for one in plan.told}, self.policy)
        self.outbox.settle([one.number for one in plan.told], self.name, SENT, now)
        self.outbox.settle([one.number for one in plan.repeats], self.name, COUNTED, now)
        self.counts.update(messages=1, notices=len(plan.told), held_back=len(plan.repeats))
        self._failures, self._not_before, self.fault, self.failing_since = 0, 0.0, None, None
        if self._reported:
            self._reported = False
            self.changed(self.name, None)

    def _failed(self, error: MmOpsError) -> None:
        self._failures += 1
        self.counts["failed"] += 1
        asked = error.again_after if isinstance(error, NotDeliveredError) else None
        pause = self.policy.retry.pause(self._failures, asked)
        self._not_before = self.clock.monotonic() + pause.total_seconds()
        self.fault = str(error)
        self.failing_since = self.failing_since or self.clock.now()
        if self._failures >= self.policy.retry.report_after and not self._reported:
            self._reported = True
            self.changed(self.name, self.fault)

    def _give_up(self) -> None:
        """Let go of what was tried for so long that it is too old to help anybody."""
        if not self._failures:
            return
        limit, now = self.policy.retry.give_up_after, self.clock.now()
        with self._wake:
            old = {one.number for one in self._waiting if now - one.notice.at > limit}
            self._waiting = [one for one in self._waiting if one.number not in old]
        if old:
            self.counts["given_up"] += len(old)
            self.outbox.settle(old, self.name, GIVEN_UP, now)
            self.changed(
                self.name, f"{len(old)} notices older than {format_duration(limit)} are given up: {self.fault}"
            )
