"""Between two restarts a process lives one life: each is looked at apart, for its level and its trend."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.soak.buckets import Buckets
from mm_ops.domain.soak.rank_statistics import line_at, mann_kendall, theil_sen
from mm_ops.domain.windows import DAY

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The measured buckets between two restarts: their numbers, times in days before the window's end, and values.

    All are (n_points,), oldest first; a time is that of a bucket's middle, and negative.
    """

    start: datetime
    numbers: NDArray[np.int64]
    days: Array
    values: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The trend of one stretch.

    ``level`` is the median; ``slope`` is per day; ``p`` is that of no trend; ``at_end`` is the line's value at the
    window's end, also where a restart cut the stretch off before.
    """

    start: datetime
    points: int
    level: float
    slope: float
    p: float
    at_end: float

    def after(self, horizon: timedelta) -> float:
        """The line's value so long after the window's end."""
        return self.at_end + self.slope * (horizon / DAY)


def split(buckets: Buckets, points: Array) -> list[Stretch]:
    """Split an SLI's buckets at the restarts, oldest first; a bucket that may hold a restart is left out.

    A restart lies between two samples: every bucket that touches that stretch may hold it. A stretch without a
    measured bucket is given as well, with no points.

    Args:
        buckets: all of them, and the restarts.
        points: (n_buckets,), NaN where not measured.
    """
    end = buckets.window.end
    centres = np.array([(start + buckets.length / 2 - end) / DAY for start in buckets.starts])
    lives = np.array([_life(buckets, start) for start in buckets.starts])
    found = []
    for life in range(len(buckets.restarts.times) + 1):
        kept = np.flatnonzero((lives == life) & np.isfinite(points))
        start = buckets.restarts.times[life - 1].by if life else buckets.window.start
        found.append(Stretch(start=start, numbers=kept, days=centres[kept], values=points[kept]))
    return found


def newer_halves(buckets: Buckets, stretches: Sequence[Stretch]) -> list[Stretch]:
    """Cut each stretch to its newer half: a leak that began in the middle bends a line through the whole too little."""
    halves = []
    for stretch in stretches:
        half = slice(stretch.numbers.size // 2, None)
        numbers = stretch.numbers[half]
        start = buckets.starts[numbers[0]] if numbers.size else stretch.start
        halves.append(
            replace(stretch, start=start, numbers=numbers, days=stretch.days[half], values=stretch.values[half])
        )
    return halves


def fit(stretches: Sequence[Stretch], min_points: int) -> list[Line]:
    """Measure the trend of every stretch that has so many points."""
    return [_fit(stretch) for stretch in stretches if stretch.days.size >= min_points]


def _life(buckets: Buckets, start: datetime) -> int:
    """The number of restarts before the bucket, or -1 where it may hold one."""
    times = buckets.restarts.times
    if any(one.after < start + buckets.length and one.by >= start for one in times):
        return -1
    return sum(one.by < start for one in times)


def _fit(stretch: Stretch) -> Line:
    slope = theil_sen(stretch.days, stretch.values)
    return Line(
        start=stretch.start,
        points=stretch.days.size,
        level=float(np.median(stretch.values)),
        slope=slope,
        p=mann_kendall(stretch.days, stretch.values, slope),
        at_end=line_at(stretch.days, stretch.values, slope, 0.0),
    )
