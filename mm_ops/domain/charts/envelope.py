"""Many samples on few pixels: lowest, highest and mean of each pixel column, so that no spike is lost."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.charts.chart import Chart

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Groups of samples in order of time; all arrays have shape (n_groups,).

    A group is what lies in one column (0 to ``columns`` - 1) without a break; ``breaks`` says that the line must not
    be drawn from the group before to this one, and is true for the first. A column with a break inside has two.
    """

    column: NDArray[np.int64]
    low: Array
    high: Array
    mean: Array
    breaks: NDArray[np.bool_]

    def segments(self) -> list[slice]:
        """The runs of groups through which a line may be drawn."""
        starts = [*np.flatnonzero(self.breaks).tolist(), self.column.size]
        return [slice(starts[n], starts[n + 1]) for n in range(len(starts) - 1)]


def find_envelope(chart: Chart, columns: int) -> Envelope:
    """Group the drawn samples of a chart by column, and break them at gaps and at samples without a value.

    One pass over the samples for each of lowest, highest and sum; 259,200 samples take about a millisecond.
    """
    times, values = chart.drawn()
    known = np.flatnonzero(np.isfinite(values))
    holes = np.flatnonzero(np.diff(known) > 1) + 1
    if known.size < values.size:
        times, values = times[known], values[known]
    if not times.size:
        nothing = np.empty(0)
        return Envelope(np.empty(0, np.int64), nothing, nothing, nothing, np.empty(0, np.bool_))
    breaks = _breaks(times, holes, (gap.start_ns for gap in chart.gaps))
    edges = _edges(chart, columns)
    starts = np.union1d(np.searchsorted(times, edges), breaks)
    starts = starts[starts < times.size]
    return Envelope(
        column=np.searchsorted(edges, times[starts], side="right") - 1,
        low=np.minimum.reduceat(values, starts),
        high=np.maximum.reduceat(values, starts),
        mean=_means(values, starts),
        breaks=np.isin(starts, breaks),
    )


def _breaks(times: NDArray[np.int64], holes: NDArray[np.int64], gaps: Iterable[int]) -> NDArray[np.int64]:
    """Where a new line begins: at the first sample, after samples without a value, and after each gap's start."""
    after = np.searchsorted(times, np.fromiter(gaps, np.int64), side="right")
    return np.unique(np.concatenate(([0], holes, after)))


def _edges(chart: Chart, columns: int) -> NDArray[np.int64]:
    """The first nanosecond of each column; in whole numbers, since a float does not hold nanoseconds since 1970."""
    length = chart.window.end_ns - chart.window.start_ns
    return np.array([chart.window.start_ns + length * n // columns for n in range(columns)], dtype=np.int64)


def _means(values: Array, starts: NDArray[np.int64]) -> Array:
    """The sum may overflow where samples are near the largest float; the mean is then infinite, and drawn as such."""
    with np.errstate(over="ignore"):
        sums = np.add.reduceat(values, starts)
    return sums / np.diff(np.append(starts, values.size))
