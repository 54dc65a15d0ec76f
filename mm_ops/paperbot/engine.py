"""The bot's control logic: a circuit breaker on a stale feed, and orders that obey it. Times in seconds."""

from dataclasses import dataclass, field
from enum import StrEnum

ORDERS_WHEN_QUOTING = 4
HEALTHY_FEED_BEFORE_CLOSING_S = 5.0


class BreakerState(StrEnum):
    """Closed: quoting. Open: no orders. Half open: the feed is back and is watched."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class Breaker:
    """Opens when the feed is older than ``stale_after_s``, closes after a stretch of fresh feed."""

    stale_after_s: float
    state: BreakerState = BreakerState.CLOSED
    _fresh_since: float | None = None

    def observe(self, now: float, last_feed: float) -> BreakerState:
        """Decide on the age of the newest feed message."""
        if now - last_feed > self.stale_after_s:
            self.state, self._fresh_since = BreakerState.OPEN, None
        elif self.state is BreakerState.OPEN:
            self.state, self._fresh_since = BreakerState.HALF_OPEN, now
        elif self.state is BreakerState.HALF_OPEN and self._watched(now) >= HEALTHY_FEED_BEFORE_CLOSING_S:
            self.state = BreakerState.CLOSED
        return self.state

    def _watched(self, now: float) -> float:
        return now - (now if self._fresh_since is None else self._fresh_since)


@dataclass(slots=True)
class Engine:
    """One tick at a time: watch the feed, then place or cancel. Cancels take effect at the next tick."""

    breaker: Breaker
    open_orders: int = ORDERS_WHEN_QUOTING
    _wanted: int = field(default=ORDERS_WHEN_QUOTING)

    def tick(self, now: float, last_feed: float) -> None:
        """Advance to ``now``."""
        self.open_orders = self._wanted
        closed = self.breaker.observe(now, last_feed) is BreakerState.CLOSED
        self._wanted = ORDERS_WHEN_QUOTING if closed else 0
