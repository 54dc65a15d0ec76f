"""What can be made to go wrong with the live bot, by name, each with a strength.

A fault of the market or of the machine changes numbers of the profile, so that the same simulation shows it; a fault
of the control door is acted out by ``server.py``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from mm_ops.paperbot.profiles import Profile

CRASH_EXIT = 70
_HOURS_PER_DAY = 24.0


class FaultError(ValueError):
    """No such fault, or no such strength."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can go wrong; ``strength`` is the usual one, and ``says`` what it means."""

    strength: float
    says: str
    changes: Callable[[Profile, float], Profile] | None = None


FAULTS = {
    "latency": Fault(
        3.0, "every pass takes this many times as long", lambda p, x: replace(p, tick_median_ms=p.tick_median_ms * x)
    ),
    "deadline_misses": Fault(
        1.43,  # 60·exp(1.645·0.34·1.43) = 134 ms and P(z > ln(2.5)/0.486) = 3 %: over its limit, and the p95 is not
        "the spread of a pass's time is this many times as wide",
        lambda p, x: replace(p, tick_sigma=p.tick_sigma * x),
    ),
    "cache_collapse": Fault(
        0.3, "the chance that a lookup hits the cache", lambda p, x: replace(p, cache_hit_probability=min(1.0, x))
    ),
    "edge_decay": Fault(
        10.0,
        "the market moves this many times as far against a fill",
        lambda p, x: replace(p, impact_bps=p.impact_bps * x),
    ),
    "ws_lag": Fault(
        30.0,
        "every message is this many times as late",
        lambda p, x: replace(p, ws_lag_median_ms=p.ws_lag_median_ms * x),
    ),
    "guard_trips": Fault(
        60.0, "trips an hour, all guards", lambda p, x: replace(p, guard_trips_per_day=_HOURS_PER_DAY * x)
    ),
    "taker_flow": Fault(
        0.7, "the chance that a position is hedged by taking", lambda p, x: replace(p, hedge_probability=min(1.0, x))
    ),
    "feed_cut": Fault(1.0, "no market data at all: the breaker opens"),
    "order_rejects": Fault(1.0, "the exchange rejects every order: none stands, and the breaker opens"),
    "clock_skew": Fault(30.0, "seconds that its clock is ahead; more than one, and the exchange rejects every order"),
    "memory_leak": Fault(60.0, "MiB an hour"),
    "crash": Fault(0.0, f"the process exits {CRASH_EXIT} after this many seconds"),
    "hang": Fault(30.0, "a command is not answered for this many wall seconds, nor done"),
    "error_500": Fault(1.0, "a command is answered 500, and not done"),
    "refuse": Fault(1.0, "a command is refused with 409"),
    "lie": Fault(1.0, "a command is answered as done, and not done"),
    "lie_state": Fault(1.0, "as lie, and the state that is read says done as well; only the metrics tell"),
    "restart": Fault(1.0, "a command restarts the process before it is answered"),
}
"""Durations and rates are of the bot's own clock, but where it says wall."""

Strengths = Mapping[str, float]


def parse_faults(data: object) -> dict[str, float]:
    """Read ``{"latency": 4, "lie": true}``: true is the usual strength, false and null leave the fault out.

    Raises:
        FaultError: not an object, no such fault, or a strength that is no number from 0 to a million.
    """
    if not isinstance(data, dict):
        raise FaultError(f"faults: expected an object of name and strength, was {type(data).__name__}")
    return {name: _strength(name, value) for name, value in data.items() if value is not False and value is not None}


def usual(names: tuple[str, ...]) -> dict[str, float]:
    """Each named fault in its usual strength.

    Raises:
        FaultError: no such fault.
    """
    return parse_faults(dict.fromkeys(names, True))


def under(profile: Profile, faults: Strengths) -> Profile:
    """Change the profile as the faults would."""
    for name, strength in faults.items():
        changes = FAULTS[name].changes
        profile = profile if changes is None else changes(profile, strength)
    return profile


def _strength(name: str, value: object) -> float:
    if name not in FAULTS:
        raise FaultError(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
    if value is True:
        return FAULTS[name].strength
    if not isinstance(value, int | float) or not 0 <= value <= 1e6:  # noqa: PLR2004 - and NaN is not
        raise FaultError(f"faults: {name}: expected a strength from 0 to 1e6, or true, was {value!r}")
    return float(value)
