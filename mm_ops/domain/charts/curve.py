"""A curve over lengths of time, on a logarithmic axis, with how sure each point is."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mm_ops.domain.charts import marks
from mm_ops.domain.charts.elements import band_path, element, line_path, text
from mm_ops.domain.charts.image import image
from mm_ops.domain.charts.plot import Plot, axis, below, beyond, ground, lay_plot, short
from mm_ops.domain.charts.scale import quantity
from mm_ops.domain.errors import SchemaError

_MARGIN, _START_GAP, _PER_LABEL, _WHISKER, _SMALL = 26, 0.2, 38, 4, 11
_FLAT = 0.01


@dataclass(frozen=True, slots=True)
class Point:
    """At ``seconds`` (above zero) the value, and its interval; ``None`` is not known."""

    label: str
    seconds: float
    value: float | None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points that grow in time; ``start`` is the value at zero, which a logarithmic axis does not have."""

    name: str
    title: str
    unit: str
    points: tuple[Point, ...]
    start: Point | None = None

    def __post_init__(self) -> None:
        seconds = [point.seconds for point in self.points]
        if not seconds or min(seconds) <= 0 or any(later <= one for one, later in itertools.pairwise(seconds)):
            raise SchemaError(f"curve {self.name}: expected seconds above 0 that grow, was {seconds}")
        if not all(map(math.isfinite, self.numbers())):
            raise SchemaError(f"curve {self.name}: expected finite values or none, was {self.numbers()}")

    def every(self) -> list[Point]:
        """All points, the one at zero first."""
        return [*([self.start] if self.start else []), *self.points]

    def numbers(self) -> list[float]:
        """All values and ends of intervals that are known."""
        values = [point.value for point in self.every() if point.value is not None]
        return values + [end for point in self.every() for end in point.interval or ()]


def curve_svg(curve: Curve, width: int = 960, height: int = 280) -> str:
    """Draw line, points, and intervals as a band with whiskers; a point without a value breaks the line."""
    plot = lay_plot(width, height, curve.unit, curve.numbers())
    placed = _places(plot, curve)
    known = [(x, point) for x, point in placed if point.value is not None]
    nothing = "" if known else _nothing(plot)
    return image(
        width,
        height,
        describe_curve(curve),
        ground(plot),
        _bands(plot, placed),
        _lines(plot, placed),
        *(_point(plot, x, point, curve.unit) for x, point in known),
        nothing,
        axis(plot),
        _names(plot, placed),
    )


def describe_curve(curve: Curve) -> str:
    """Say every point in words."""
    return f"{curve.title}: " + ", ".join(f"{point.label} {_words(point, curve.unit)}" for point in curve.every())


def _words(point: Point, unit: str) -> str:
    if point.value is None:
        return "no value"
    value = quantity(point.value, unit)
    if point.interval is None:
        return value
    return f"{value} ({quantity(point.interval[0], '')} to {quantity(point.interval[1], '')})"


def _places(plot: Plot, curve: Curve) -> list[tuple[float, Point]]:
    """The pixel of each point across; what is at zero stands apart, on the left."""
    left, right = plot.left + _MARGIN, plot.right - _MARGIN
    first = left + (right - left) * _START_GAP if curve.start else left
    low, high = (math.log(point.seconds) for point in (curve.points[0], curve.points[-1]))
    spread = (right - first) / (high - low) if high > low else 0.0
    start = [(left, curve.start)] if curve.start else []
    return [*start, *((first + spread * (math.log(point.seconds) - low), point) for point in curve.points)]


def _runs(placed: list[tuple[float, Point]], known: Iterable[bool]) -> list[list[tuple[float, Point]]]:
    runs: list[list[tuple[float, Point]]] = [[]]
    for one, there in zip(placed, known, strict=True):
        if there:
            runs[-1].append(one)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _bands(plot: Plot, placed: list[tuple[float, Point]]) -> str:
    sure = _runs(placed, [point.interval is not None for _, point in placed])
    paths = []
    for run in sure:
        ends = np.array([[plot.y(end) for end in point.interval or ()] for _, point in run])
        paths.append(band_path(np.array([x for x, _ in run]), ends[:, 1], ends[:, 0]))
    return element("path", d="".join(paths), class_="c-range", fill=marks.BLUE, fill_opacity=0.16) if paths else ""


def _lines(plot: Plot, placed: list[tuple[float, Point]]) -> str:
    runs = _runs(placed, [point.value is not None for _, point in placed])
    paths = [
        line_path(np.array([x for x, _ in run]), np.array([plot.y(point.value or 0.0) for _, point in run]))
        for run in runs
    ]
    style: dict[str, str | float] = {
        "fill": "none",
        "stroke": marks.BLUE,
        "stroke_width": 2,
        "stroke_linejoin": "round",
    }
    return element("path", d="".join(paths), class_="c-line", **style) if paths else ""


def _point(plot: Plot, x: float, point: Point, unit: str) -> str:
    value = point.value if point.value is not None else math.nan
    title = element("title", text(f"{point.label}: {_words(point, unit)}"))
    dot = element("circle", title, cx=x, cy=plot.y(value), r=4.5, class_="c-dot", fill=marks.BLUE, stroke="#fff")
    return _whisker(plot, x, point.interval) + dot


def _whisker(plot: Plot, x: float, interval: tuple[float, float] | None) -> str:
    if interval is None:
        return ""
    low, high = (plot.y(end) for end in interval)
    caps = "".join(f"M{x - _WHISKER:.1f} {y:.1f}h{2 * _WHISKER}" for y in (low, high))
    line = f"M{x:.1f} {low:.1f}V{high:.1f}{caps}"
    return element("path", d=line, class_="c-line", stroke=marks.BLUE, stroke_width=1.4, fill="none")


def _names(plot: Plot, placed: list[tuple[float, Point]]) -> str:
    """The times and values that have room, from the right: the longest time is always named."""
    shown: list[str] = []
    free = math.inf
    for n, (x, point) in reversed(list(enumerate(placed))):
        if x + _PER_LABEL / 2 <= free:
            shown.append(below(plot, x, point.label) + _number(plot, placed, n))
            free = x - _PER_LABEL / 2
    return "".join(reversed(shown))


def _number(plot: Plot, placed: list[tuple[float, Point]], n: int) -> str:
    """A point's value: under it where the curve sags, so that the line does not cross it, else above."""
    x, point = placed[n]
    if point.value is None:
        return ""
    beside = [one.value for _, one in placed[max(n - 1, 0) : n + 2] if one.value is not None]
    flat = _FLAT * (plot.up.high - plot.up.low)
    above = point.value >= math.fsum(beside) / len(beside) - flat
    ends = (point.value, *(point.interval or ()))
    return beyond(plot, x, max(ends) if above else min(ends), short(point.value), above=above, size=_SMALL)


def _nothing(plot: Plot) -> str:
    x, y = (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2
    return marks.label("no values", x, y, "middle", class_="c-text", fill=marks.INK)
