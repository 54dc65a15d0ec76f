"""One drill a day, really run: the feed is cut, and the engine is watched."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np

from mm_ops.paperbot.engine import Breaker, BreakerState, Engine
from mm_ops.paperbot.profiles import Profile

STOPPED_WITHIN_S = 2.0
QUOTING_AGAIN_WITHIN_S = 10.0
_TICK_S = 0.1
_WATCHED_S = 60.0


def run_drill(
    profile: Profile, day: date, seed: int, make_breaker: Callable[[float], Breaker] = Breaker
) -> dict[str, Any]:
    """Cut the feed of a fresh engine at a seeded time for a seeded while, and say what was observed.

    Observed times are seconds after the cut (no orders, breaker open) and after the feed's return (quoting again);
    null where it was never seen. The outcome is ``ok`` only when each was seen within its limit.

    Args:
        profile: how stale the feed may be.
        day: the drill's day.
        seed: of the recording.
        make_breaker: the breaker under drill, from its stale limit in seconds.
    """
    rng = np.random.default_rng([seed, profile.number, day.toordinal(), 1])
    cut, lasts = float(rng.uniform(5.0, 15.0)), float(rng.uniform(5.0, 20.0))
    observed = _observe(Engine(make_breaker(profile.feed_stale_after_s)), cut, cut + lasts)
    limits = {
        "breaker_open_s": STOPPED_WITHIN_S,
        "no_open_orders_s": STOPPED_WITHIN_S,
        "quoting_again_s": QUOTING_AGAIN_WITHIN_S,
    }
    reasons = [
        f"{name}: expected within {limit:g} s, was {'never seen' if (seen := observed[name]) is None else f'{seen} s'}"
        for name, limit in limits.items()
        if not _seen_within(observed[name], limit)
    ]
    return {
        "drill": "feed_cut",
        "kind": "simulation",
        "seed": seed,
        "date": day.isoformat(),
        "cut_lasts_s": round(lasts, 3),
        "expected": limits,
        "observed": observed,
        "outcome": "failed" if reasons else "ok",
        "reasons": reasons,
    }


def _seen_within(seen: float | None, limit: float) -> bool:
    return seen is not None and seen <= limit


def _observe(engine: Engine, cut: float, back: float) -> dict[str, float | None]:
    seen: dict[str, float | None] = dict.fromkeys(("breaker_open_s", "no_open_orders_s", "quoting_again_s"))
    for step in range(int(_WATCHED_S / _TICK_S)):
        now = step * _TICK_S
        engine.tick(now, last_feed=cut if cut <= now < back else now)
        if now >= cut and engine.breaker.state is BreakerState.OPEN and seen["breaker_open_s"] is None:
            seen["breaker_open_s"] = round(now - cut, 3)
        if now >= cut and engine.open_orders == 0 and seen["no_open_orders_s"] is None:
            seen["no_open_orders_s"] = round(now - cut, 3)
        stopped = seen["no_open_orders_s"] is not None
        if now >= back and stopped and engine.open_orders > 0 and seen["quoting_again_s"] is None:
            seen["quoting_again_s"] = round(now - back, 3)
    return seen
