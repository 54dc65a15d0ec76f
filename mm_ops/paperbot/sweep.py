"""Days of the bot with another quote width, in the same market: the same seed, so that only the width differs."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from mm_ops.paperbot.day import day_start_s, simulate
from mm_ops.paperbot.profiles import HEALTHY
from mm_ops.paperbot.recording import write_market
from mm_ops.paperbot.state import BotState

_DAY = timedelta(days=1)


def record_width(root: Path, *, factor: float, end: date, days: int, seed: int) -> None:
    """Write fills and quotes of the days up to and including ``end``.

    Args:
        root: the folder; ``fills`` and ``quotes`` come below it.
        factor: how many times as wide as usual it quotes, and how many times as seldom it is filled.
        end: the last UTC day.
        days: how many.
        seed: of the market.
    """
    wide = replace(
        HEALTHY, half_spread_bps=HEALTHY.half_spread_bps * factor, fills_per_day=HEALTHY.fills_per_day / factor
    )
    first = end - _DAY * (days - 1)
    state = BotState(start_s=day_start_s(first - _DAY))
    simulate(wide, first - _DAY, seed, state)  # warms its decayed sums up, as a recording does
    for n in range(days):
        write_market(root, first + _DAY * n, simulate(wide, first + _DAY * n, seed, state))
