"""What waits for what: each bot's stops in a lane of their own, everything else in a few more.

A bot that hangs keeps its own lane busy and no other. The same bytes are never dealt with twice at once: while they
wait, a further arrival only raises the count under which they will be dealt with.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from mm_ops.domain.rollback.response import Pending


class Load:
    """How much waits in all lanes together; it is asked for at every request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = (0, 0)

    @property
    def now(self) -> tuple[int, int]:
        """How many bodies wait, and how many bytes they hold."""
        return self._now

    def add(self, bodies: int, size: int) -> None:
        """Count what came, or with a minus what went."""
        with self._lock:
            self._now = (self._now[0] + bodies, self._now[1] + size)


class Lane:
    """One thread that deals with one body after the other."""

    def __init__(self, name: str, work: Callable[[Pending], None], total: Load) -> None:
        self._work, self._total = work, total
        self._waiting: dict[str, Pending] = {}
        self._order: deque[str] = deque()
        self._running: str | None = None
        self._closed = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"lane {name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def put(self, pending: Pending) -> None:
        """Let a body wait; one that waits already is kept once, with the higher count."""
        with self._change:
            known = self._waiting.get(pending.digest)
            if known is None:
                self._order.append(pending.digest)
                self._total.add(1, len(pending.body))
            if known is None or pending.seen > known.seen:
                self._waiting[pending.digest] = pending
            self._change.notify()

    def has(self, digest: str) -> bool:
        """Whether a body waits or is being dealt with."""
        with self._change:
            return digest in self._waiting or digest == self._running

    def shut(self) -> None:
        """Begin no further body; what waits is in the journal."""
        with self._change:
            self._closed = True
            self._change.notify()

    def close(self, within_s: float) -> bool:
        """Finish the body that is being dealt with, and no other; false where that did not end in time."""
        self.shut()
        self._thread.join(max(0.0, within_s))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (pending := self._next()) is not None:
            try:
                self._work(pending)
            finally:
                with self._change:
                    self._running = None

    def _next(self) -> Pending | None:
        with self._change:
            while not self._order and not self._closed:
                self._change.wait()
            if self._closed:
                return None
            self._running = self._order.popleft()
            pending = self._waiting.pop(self._running)
            self._total.add(-1, -len(pending.body))
            return pending


@dataclass(frozen=True, slots=True)
class Lanes:
    """A lane for the stops of each bot, and some that share the rest by digest."""

    stops: dict[str, Lane]
    rest: tuple[Lane, ...]
    total: Load

    @classmethod
    def open(cls, bots: Collection[str], shared: int, work: Callable[[Pending], None]) -> "Lanes":
        """Start the threads."""
        total = Load()
        rest = tuple(Lane(str(number), work, total) for number in range(shared))
        return cls({bot: Lane(bot, work, total) for bot in bots}, rest, total)

    @property
    def every(self) -> tuple[Lane, ...]:
        """All of them."""
        return (*self.stops.values(), *self.rest)

    def put(self, pending: Pending, bot: str | None) -> None:
        """Let a body wait where it belongs: ``bot`` is whose stop it may ask for, if any's."""
        lane = self.stops.get(bot or "")
        (lane or self.rest[int(pending.digest[:8], 16) % len(self.rest)]).put(pending)

    def has(self, digest: str) -> bool:
        """Whether a body waits or is being dealt with."""
        return any(lane.has(digest) for lane in self.every)

    def close(self, within_s: float) -> bool:
        """Close all of them at once, within one and the same time."""
        end = time.monotonic() + within_s
        for lane in self.every:
            lane.shut()
        return all(lane.close(end - time.monotonic()) for lane in self.every)

    @property
    def load(self) -> tuple[int, int]:
        """How many bodies wait, and how many bytes they hold."""
        return self.total.now
