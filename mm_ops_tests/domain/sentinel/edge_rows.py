"""Closed windows written as text, and what they lead to: one letter each.

-  ema1h below 0              +  ema1h and ema24h are good     l  ema1h is good, ema24h too low
n  ema1h is not a number      .  nobody looked                 ?  the trading state is not known
H  the bot is HALTED          a  gauges and fills differ       m  ema1h between the two limits
x  ema24h is not known
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.sentinel.edge_count import EdgeState, Row, count_all
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.sentinel.edge_window import EdgeWindow
from mm_ops_tests.requirements import PROJECT

POLICY = read_policy(PROJECT / "deploy/policies/edge_sentinel.yaml", EdgeSentinelPolicy)
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONSERVATIVE = EdgeState(profile="conservative", since=datetime(2026, 11, 1, tzinfo=UTC))
MODERATE = EdgeState(profile="moderate", since=datetime(2026, 11, 1, tzinfo=UTC))
LETTERS: dict[str, dict[str, Any]] = {
    "-": {"fast": -0.001, "slow": 2.0},
    "+": {"fast": 0.0, "slow": 1.5},
    "l": {"fast": 1.0, "slow": 1.499},
    "x": {"fast": 1.0, "slow": None},
    "n": {"fast": math.nan, "slow": 2.0},
    "?": {"fast": 1.0, "slow": 2.0, "trading_state": None},
    "H": {"fast": -1.0, "slow": 2.0, "trading_state": TradingState.HALTED},
    "a": {"fast": 1.0, "slow": 2.0, "fills_fast": 0.49},
    "m": {"fast": -0.2, "slow": 2.0},
}


def end_of(n: int) -> datetime:
    return START + POLICY.window * (n + 1)


def window(letter: str, n: int, **different: Any) -> EdgeWindow:
    return EdgeWindow(**{"end": end_of(n), "trading_state": TradingState.ACTIVE, **LETTERS[letter], **different})


def windows(text: str) -> list[EdgeWindow]:
    return [window(letter, n) for n, letter in enumerate(text) if letter != "."]


def policy(**different: Any) -> EdgeSentinelPolicy:
    """The project's, with fields of its parts changed: ``recovery__dwell=…``."""
    changed = POLICY
    for name, value in different.items():
        part, _, own = name.partition("__")
        changed = replace(changed, **{part: replace(getattr(changed, part), **{own: value}) if own else value})
    return changed


def answers(rows: Sequence[Row]) -> str:
    """The first letter of each answer, large where it is a switch."""
    return "".join(
        row.answer[0].upper() if row.answer in {"degrade", "recover", "pin"} else row.answer[0] for row in rows
    )


def counted(text: str, state: EdgeState = MODERATE, how: EdgeSentinelPolicy = POLICY, **more: Any) -> list[Row]:
    return count_all(state, windows(text), how, **more)
