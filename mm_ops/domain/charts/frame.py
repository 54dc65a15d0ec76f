"""Where the parts of a chart lie: the plot's rectangle and its two scales."""

from dataclasses import dataclass

import numpy as np

from mm_ops.domain.charts.chart import Chart, worst_point
from mm_ops.domain.charts.envelope import Array, Envelope, find_envelope
from mm_ops.domain.charts.scale import Scale, value_range

_TOP, _RIGHT, _BOTTOM = 26, 18, 30
_LEFT_WIDE, _LEFT_NARROW = 66, 54
_WIDE_FROM = 560


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A chart laid out on ``width`` x ``height`` pixels; ``across`` takes nanoseconds since the window's start.

    ``grain`` is the width of a column of the envelope in pixels, ``worst`` the chart's worst sample.
    """

    chart: Chart
    width: int
    height: int
    across: Scale
    up: Scale
    envelope: Envelope
    grain: int
    worst: tuple[int, float] | None

    @property
    def wide(self) -> bool:
        """Whether there is room for what a phone leaves out."""
        return self.width >= _WIDE_FROM

    @property
    def left(self) -> float:
        """The plot's left edge; ``right``, ``top`` and ``bottom`` likewise."""
        return self.across.first

    @property
    def right(self) -> float:
        """The plot's right edge."""
        return self.across.last

    @property
    def top(self) -> float:
        """The plot's upper edge."""
        return self.up.last

    @property
    def bottom(self) -> float:
        """The plot's lower edge."""
        return self.up.first

    def x(self, ns: int) -> float:
        """The pixel of a time, cut to the plot; the difference is exact, since it is taken in whole numbers."""
        window = self.chart.window
        return self.across.px(min(max(ns, window.start_ns), window.end_ns) - window.start_ns)

    def y(self, value: float) -> float:
        """The pixel of a value, cut to the plot."""
        return self.up.px(min(max(value, self.up.low), self.up.high))

    def middles(self) -> Array:
        """The pixels of the middles of the envelope's columns."""
        return (self.envelope.column.astype(np.float64) + 0.5) * self.grain + self.left

    def ys(self, values: Array) -> Array:
        """The pixels of many values, cut to the plot."""
        per_unit = (self.up.last - self.up.first) / (self.up.high - self.up.low)
        pixels: Array = self.up.first + (np.clip(values, self.up.low, self.up.high) - self.up.low) * per_unit
        return pixels


def lay_out(chart: Chart, width: int, height: int, grain: int = 1) -> Frame:
    """Group the samples by column of ``grain`` pixels and choose the scales; the plot ends with a whole column."""
    left = _LEFT_WIDE if width >= _WIDE_FROM else _LEFT_NARROW
    right = width - _RIGHT
    columns = (right - left) // grain
    right = left + columns * grain
    envelope = find_envelope(chart, columns)
    known = [float(envelope.low.min()), float(envelope.high.max())] if envelope.low.size else []
    low, high = value_range(known, chart.limit, chart.bound)
    across = Scale(0, chart.window.end_ns - chart.window.start_ns, left, right)
    return Frame(
        chart, width, height, across, Scale(low, high, height - _BOTTOM, _TOP), envelope, grain, worst_point(chart)
    )
