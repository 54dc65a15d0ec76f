"""What a report's fills earned over its window, for a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mm_ops.domain.edge.arrays import Floats, Ints
from mm_ops.domain.edge.certainty import series_of
from mm_ops.domain.edge.tally import BINS, Tally
from mm_ops.domain.windows import TimeWindow


@dataclass(frozen=True, slots=True, eq=False)
class Earned:
    """Times (int64, UTC nanoseconds, any order) and net money earned at each in the settlement currency, both (n,)."""

    times_ns: Ints
    money: Floats


def earned_of(tallies: Sequence[Tally], window: TimeWindow) -> Earned | None:
    """The money of each stretch of the window (a minute of a day) that has fills, told at its end; null without any."""
    if not tallies:
        return None
    fills, money = (series_of(tallies, row) for row in ("fills", "net"))
    some = np.flatnonzero(fills)
    width = -(-(window.end_ns - window.start_ns) // BINS)
    return Earned(np.minimum(window.start_ns + (some + 1) * width, window.end_ns) - 1, money[some])
