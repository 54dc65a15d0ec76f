"""Is the net edge above a limit? Answered by its interval, and not at all where there is too little to resample.

Resampled is the money where it was earned (:mod:`.last_mids`): what a carried position gained or lost while the price
moved is so a risk of these stretches. By one price for all fills, that of the window's end, the move of a whole day had
been no risk at all: in a market without any edge a day of buys alone was called a sure one 23 times of 60, and a sure
loss 23 times (the table stands in deploy/decisions/0006).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mm_ops.domain.edge.arrays import Floats
from mm_ops.domain.edge.interval import choose_block, draw_resamples, ratio_intervals
from mm_ops.domain.edge.policy import IntervalPolicy
from mm_ops.domain.edge.tally import BINS, EARNED, Tally
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow

Answer = Literal["yes", "no", "not decided"]
Interval = tuple[float, float]

_TO_BPS = 1e4
_FILLS_PER_BIN = 4
"""So few that a block's edges do not matter; so many that what neighbouring bins have in common is seen."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The resamples of a report, the same for every series, and how they were drawn.

    ``merged`` bins of a tally are one bin here; ``block`` is the mean block in these; ``drawn`` (resamples, bins) says
    how often each bin is in each resample.
    """

    level: float
    merged: int
    block: float
    drawn: Floats

    def intervals(self, tallies: Sequence[Tally], pairs: Sequence[tuple[str, str]]) -> list[Interval | None]:
        """The intervals (bps) of rows of money over rows of notional."""
        money, notional = (
            np.stack([series_of(tallies, pair[at], self.merged) for pair in pairs], axis=1) for at in (0, 1)
        )
        return ratio_intervals(_TO_BPS * money, notional, self.drawn, self.level)


def series_of(tallies: Sequence[Tally], row: str, merged: int = 1) -> Floats:
    """A row of all symbols' bins, ``merged`` neighbours in one; the last has what is left over."""
    total = np.sum([each.series(row) for each in tallies], axis=0)
    found: Floats = np.add.reduceat(total, np.arange(0, BINS, merged))
    return found


def prepare_bootstrap(tallies: Sequence[Tally], policy: IntervalPolicy | None) -> Bootstrap | str:
    """Choose bins and blocks and draw the resamples of a report, or say why there can be none."""
    if policy is None:
        return "edge.yaml has no interval"
    fills = round(sum(float(series_of([each], "fills").sum()) for each in tallies))
    if fills < policy.min_fills:
        return f"{fills} fills were measured, at least {policy.min_fills} are needed"
    merged = max(1, -(-BINS * _FILLS_PER_BIN // fills))
    money, notional = (series_of(tallies, row, merged) for row in (EARNED, "notional"))
    block = choose_block(money, notional)
    if money.size / block < policy.min_blocks:
        return f"the window is {money.size / block:.1f} blocks long, at least {policy.min_blocks} are needed"
    return Bootstrap(policy.level, merged, block, draw_resamples(money.size, block, policy.resamples, policy.seed))


def net_edge_certainty(
    tallies: Sequence[Tally], bootstrap: Bootstrap | str, policy: IntervalPolicy | None, window: TimeWindow
) -> dict[str, Any]:
    """The interval of the net edge of all symbols together, and for each limit whether the edge is above it.

    Returns:
        ``low_bps`` and ``high_bps``, or ``reason`` why there is none; ``level``, ``resamples``, ``seed``; mean
        ``block_s`` and ``bin_s`` in seconds; ``above``: each limit's ``limit_bps`` with its ``answer``: ``yes``, ``no``
        or ``not decided``.
    """
    interval, reason = _interval(tallies, bootstrap)
    low, high = interval or (None, None)
    used = None if isinstance(bootstrap, str) else bootstrap
    bin_s = (window.end_ns - window.start_ns) / BINS / NS_PER_SECOND
    return {
        "low_bps": low,
        "high_bps": high,
        "reason": reason,
        "level": policy.level if policy else None,
        "resamples": policy.resamples if policy else None,
        "seed": policy.seed if policy else None,
        "bin_s": bin_s * used.merged if used else None,
        "block_s": bin_s * used.merged * used.block if used else None,
        "above": [
            {"limit_bps": limit.limit_bps, "answer": decide_above(interval, limit.limit_bps)}
            for limit in (policy.limits if policy else ())
        ],
    }


def _interval(tallies: Sequence[Tally], bootstrap: Bootstrap | str) -> tuple[Interval | None, str | None]:
    if isinstance(bootstrap, str):
        return None, bootstrap
    found = bootstrap.intervals(tallies, [(EARNED, "notional")])[0]
    return found, None if found else "fills are so few in time that a resample had none"


def decide_above(interval: Interval | None, limit: float) -> Answer:
    """Yes when all of the interval is above the limit, no when none of it is."""
    if interval is None:
        return "not decided"
    low, high = interval
    if low > limit:
        return "yes"
    return "no" if high <= limit else "not decided"


def symbol_intervals(tallies: Sequence[Tally], bootstrap: Bootstrap | str) -> dict[str, dict[str, Any]]:
    """Each symbol's intervals (low and high in bps, or null) of net edge and of its markouts, by measure."""
    found: dict[str, dict[str, Any]] = {}
    for each in tallies:
        pairs = {"net_edge_bps": (EARNED, "notional")} | {
            f"markout_bps_{name}": (f"markout_{name}", f"seen_notional_{name}") for name in each.rows.horizons
        }
        known = [None] * len(pairs) if isinstance(bootstrap, str) else bootstrap.intervals([each], [*pairs.values()])
        found[each.instrument.symbol] = dict(zip(pairs, known, strict=True))
    return found
