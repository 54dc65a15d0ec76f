"""Gaps of the market data feed, and what the breaker makes of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_ops.paperbot.engine import Breaker, BreakerState
from mm_ops.paperbot.profiles import Profile

_TICK_S = 0.5
_TAIL_S = 30.0


@dataclass(frozen=True, slots=True)
class Outage:
    """The breaker's reaction to one gap: open from, half open from, closed again at; seconds of the day."""

    opened: float
    half_open: float
    closed: float


def draw_gaps(rng: np.random.Generator, profile: Profile) -> NDArray[np.float64]:
    """Draw the day's gaps, (n, 2): start and end in seconds of the day, far from midnight and from each other."""
    slot = 80_000.0 / profile.feed_gaps_per_day
    starts = 3_000.0 + slot * (np.arange(profile.feed_gaps_per_day) + rng.uniform(0.1, 0.8, profile.feed_gaps_per_day))
    lengths = rng.uniform(*profile.feed_gap_s, profile.feed_gaps_per_day)
    return np.column_stack([starts, starts + lengths])


def react(profile: Profile, gaps: NDArray[np.float64]) -> list[Outage]:
    """Run the breaker through each gap; a gap shorter than the stale limit leaves it closed."""
    found = (_react(profile, float(start), float(end)) for start, end in gaps)
    return [outage for outage in found if outage is not None]


def _react(profile: Profile, start: float, end: float) -> Outage | None:
    breaker = Breaker(profile.feed_stale_after_s)
    changes: dict[BreakerState, float] = {}
    now, was = start, breaker.state
    while now < end + _TAIL_S:
        state = breaker.observe(now, last_feed=start if now < end else now)
        if state is not was:
            changes[state], was = now, state
        now += _TICK_S
    if BreakerState.OPEN not in changes:
        return None
    return Outage(changes[BreakerState.OPEN], changes[BreakerState.HALF_OPEN], changes[BreakerState.CLOSED])


def is_blocked(outages: list[Outage], seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the breaker keeps the bot from quoting at each time."""
    blocked = np.zeros(seconds.shape, dtype=bool)
    for outage in outages:
        blocked |= (seconds >= outage.opened) & (seconds < outage.closed)
    return blocked
