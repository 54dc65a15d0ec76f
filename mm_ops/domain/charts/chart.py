"""What one chart shows, and the same in words."""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.charts.scale import quantity
from mm_ops.domain.charts.spans import Breach, Moment, Span
from mm_ops.domain.charts.time_axis import moment
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow

Side = Literal["at_most", "at_least"]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chart:
    """One series over a window, its limit, and what happened to it.

    ``times_ns`` and ``values`` have shape (n,): UTC nanoseconds, strictly increasing, and values in ``unit``, where
    NaN and infinity mean that there is none. Points outside the half-open window are not drawn. ``bound`` says on
    which side of ``limit`` a value must lie; without a limit nothing is forbidden. ``name`` makes the ids of the
    drawing, so it is unique in a page.
    """

    name: str
    title: str
    unit: str
    window: TimeWindow
    bound: Side = "at_most"
    limit: float | None = None
    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    breaches: tuple[Breach, ...] = ()
    gaps: tuple[Span, ...] = ()
    restarts: tuple[int, ...] = ()
    moments: tuple[Moment, ...] = ()

    def __post_init__(self) -> None:
        where = f"chart {self.name}"
        if not _NAME.fullmatch(self.name):
            raise SchemaError(f"{where}: name: expected letters, digits, underscores or dots, was {self.name!r}")
        if self.times_ns.ndim != 1 or self.times_ns.shape != self.values.shape:
            shapes = f"{self.times_ns.shape} and {self.values.shape}"
            raise SchemaError(f"{where}: expected as many times as values, was {shapes}")
        if (np.diff(self.times_ns) <= 0).any():
            raise SchemaError(f"{where}: times_ns: expected times that increase, was one at or before the last")
        if self.limit is not None and not np.isfinite(self.limit):
            raise SchemaError(f"{where}: limit: expected a finite number or none, was {self.limit}")
        if self.bound not in ("at_most", "at_least"):
            raise SchemaError(f"{where}: bound: expected at_most or at_least, was {self.bound}")

    def drawn(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The points inside the window; views, nothing is copied."""
        first, last = np.searchsorted(self.times_ns, [self.window.start_ns, self.window.end_ns])
        return self.times_ns[first:last], self.values[first:last]

    @property
    def sign(self) -> str:
        """``≤`` or ``≥``."""
        return "≤" if self.bound == "at_most" else "≥"

    @property
    def extreme(self) -> str:
        """What the sample nearest to the forbidden side is called: without a limit none is bad."""
        if self.limit is not None:
            return "worst"
        return "highest" if self.bound == "at_most" else "lowest"


def worst_point(chart: Chart) -> tuple[int, float] | None:
    """Time and value of the drawn sample nearest to the forbidden side, the first of several; ``None`` without one."""
    times, values = chart.drawn()
    known = np.isfinite(values)
    if not known.any():
        return None
    if not known.all():
        times, values = times[known], values[known]
    at = int(values.argmax() if chart.bound == "at_most" else values.argmin())
    return int(times[at]), float(values[at])


def describe(chart: Chart) -> str:
    """Say in words what the chart shows, for whoever cannot see it."""
    limit = "no limit" if chart.limit is None else f"limit {chart.sign} {quantity(chart.limit, chart.unit)}"
    start, end = moment(chart.window.start_ns), moment(chart.window.end_ns)
    marks = [
        _count(len(chart.breaches), "breach", "breaches"),
        _count(len(chart.gaps), "gap", "gaps"),
        _count(len(chart.restarts), "restart", "restarts"),
        *(f"{one.label} at {moment(one.at_ns)}" for one in chart.moments),
    ]
    return f"{chart.title}, {start} to {end} UTC: {_range(chart)}; {limit}; {', '.join(marks)}"


def _range(chart: Chart) -> str:
    worst = worst_point(chart)
    if worst is None:
        return "no samples"
    values = chart.drawn()[1]
    known = values[np.isfinite(values)]
    low, high = quantity(known.min(), chart.unit), quantity(known.max(), chart.unit)
    return f"{_count(known.size, 'sample', 'samples')} from {low} to {high}, {chart.extreme} at {moment(worst[0])}"


def _count(n: int, one: str, many: str) -> str:
    return f"{n or 'no'} {one if n == 1 else many}"
