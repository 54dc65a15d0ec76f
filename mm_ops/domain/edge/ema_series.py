"""The averages over a window at regular times, as a value that canonical JSON can write."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from mm_ops.domain.edge.arrays import Floats, Ints
from mm_ops.domain.edge.ema import EmaState, decay
from mm_ops.domain.edge.ema_fills import ClosedFills
from mm_ops.domain.edge.ema_policy import EmaPolicy, EmaRule
from mm_ops.domain.edge.join import nanoseconds
from mm_ops.domain.edge.policy import horizon_name
from mm_ops.domain.windows import TimeWindow, from_ns


def ema_series(
    closed: ClosedFills,
    policy: EmaPolicy,
    window: TimeWindow,
    currency: str,
    before: Mapping[str, EmaState] | None = None,
) -> dict[str, Any]:
    """Read every average of the policy at multiples of ``every`` in the window, its end included.

    Args:
        closed: the fills that close in the window.
        policy: half-lives, how often, and what is needed for a value.
        window: times since its start; a fill that closes at its end belongs to the next one.
        currency: of settlement.
        before: the states at the window's start by name; without one the average begins with nothing, so that its
            first half-lives rest on few fills: ``notional`` says how much.

    Returns:
        ``at``: UTC times. By name in ``emas``: ``edge_bps`` (null where less than ``min_notional`` is left or too
        little is known), ``notional``, ``known_share``, ``age_s``, each with a value for each time; ``state`` at the
        end. Fills without a markout are counted in ``fills_without_markout``.

    Raises:
        PolicyError: a rule has no least notional in the currency.
        SchemaError: a state is another half-life's or ends after the window's start.
    """
    times = _times(window, nanoseconds(policy.every))
    without = int(np.count_nonzero(~closed.known))
    return {
        "horizon": horizon_name(policy.horizon),
        "settlement": currency,
        "at": [from_ns(ns) for ns in times.tolist()],
        "fills": int(closed.close_ns.size),
        "fills_without_markout": without,
        "fills_without_markout_share": without / closed.close_ns.size if closed.close_ns.size else None,
        "emas": {
            rule.name: _of_rule(closed, policy, rule, times, currency, (before or {}).get(rule.name))
            for rule in policy.emas
        },
    }


def _of_rule(
    closed: ClosedFills, policy: EmaPolicy, rule: EmaRule, times: Ints, currency: str, before: EmaState | None
) -> dict[str, Any]:
    least = rule.least(currency)
    decayed = decay(closed, rule.half_life, before)
    readings = decayed.at(times)
    return {
        "edge_bps": _plain(readings.trusted(least, policy.min_known_share)),
        "notional": _plain(readings.notional),
        "known_share": _plain(readings.known_share),
        "age_s": _plain(readings.age_s),
        "min_notional": least,
        "min_known_share": policy.min_known_share,
        "state": asdict(decayed.last),
    }


def _times(window: TimeWindow, every: int) -> Ints:
    """All in the window but its end, at which what closed before it is told."""
    first = -(-window.start_ns // every) * every
    times = np.arange(first, window.end_ns, every, dtype=np.int64)
    return np.append(times, window.end_ns)


def _plain(values: Floats) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]
