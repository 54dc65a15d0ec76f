"""Stretches of time that a chart shades, breaches and gaps without evidence, and moments that it marks."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow


@dataclass(frozen=True, slots=True)
class Span:
    """``start_ns`` <= t <= ``end_ns``, UTC nanoseconds; a reversed one is refused, one moment is allowed."""

    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        if self.start_ns > self.end_ns:
            raise SchemaError(f"span: expected the start before the end, was {self.start_ns} to {self.end_ns} ns")

    @property
    def duration(self) -> timedelta:
        """End minus start, cut to the microsecond."""
        return timedelta(microseconds=(self.end_ns - self.start_ns) // 1000)


@dataclass(frozen=True, slots=True)
class Breach:
    """A stretch beyond the limit: ``worst`` is in the chart's unit, ``None`` where it is not known."""

    span: Span
    worst: float | None
    label: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened at a time and is no fault of the series, such as a stop of the bot."""

    at_ns: int
    label: str


def find_gaps(
    times_ns: NDArray[np.int64], values: NDArray[np.float64], window: TimeWindow, max_gap: timedelta
) -> tuple[Span, ...]:
    """Find every stretch of the window that is longer than ``max_gap`` and has no finite sample in it.

    Head and tail count: with no finite sample the whole window is one gap.

    Args:
        times_ns: (n,) UTC nanoseconds, increasing; times outside the window are left out.
        values: (n,); NaN and infinity are no evidence.
        window: half-open.
        max_gap: a stretch of exactly this length is not yet a gap.
    """
    inside = np.isfinite(values) & (times_ns >= window.start_ns) & (times_ns < window.end_ns)
    edges = np.concatenate(([window.start_ns], times_ns[inside], [window.end_ns]))
    longer = np.flatnonzero(np.diff(edges) > max_gap // timedelta(microseconds=1) * 1000)
    return tuple(Span(int(edges[n]), int(edges[n + 1])) for n in longer)
