"""One bar for each of some names, up or down from zero."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mm_ops.domain.charts import marks
from mm_ops.domain.charts.elements import element, text
from mm_ops.domain.charts.image import image
from mm_ops.domain.charts.plot import Plot, axis, below, beyond, ground, lay_plot, short
from mm_ops.domain.charts.scale import quantity
from mm_ops.domain.errors import SchemaError

_GAP, _PER_LABEL, _PER_NUMBER = 0.22, 30, 34
_LARGE, _SMALL, _ROOMY = 13, 12, 48
_THINNEST = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """``values`` in ``unit`` by name; ``None`` is no value, and drawn as such, not as zero.

    ``bad`` says of each bar whether it is drawn as what is below zero is, whatever its height, and ``bad_word`` what
    such a one is called.
    """

    name: str
    title: str
    unit: str
    labels: tuple[str, ...]
    values: tuple[float | None, ...]
    bad: tuple[bool, ...] = ()
    bad_word: str = ""

    def __post_init__(self) -> None:
        where = f"bars {self.name}"
        if len(self.labels) != len(self.values) or not self.labels:
            sizes = f"{len(self.labels)} and {len(self.values)}"
            raise SchemaError(f"{where}: expected as many labels as values, and some, was {sizes}")
        if self.bad and len(self.bad) != len(self.values):
            raise SchemaError(f"{where}: expected of each bar whether it is bad, was {len(self.bad)}")
        if any(value is not None and not math.isfinite(value) for value in self.values):
            raise SchemaError(f"{where}: expected finite values or none, was {self.values}")

    def is_bad(self, n: int) -> bool:
        """Whether a bar is drawn as bad."""
        value = self.values[n]
        return (bool(self.bad) and self.bad[n]) or (value is not None and value < 0)

    @property
    def known(self) -> list[float]:
        """The values that are there."""
        return [value for value in self.values if value is not None]


def bars_svg(bars: Bars, width: int = 960, height: int = 260) -> str:
    """Draw the bars; what is below zero has another colour too, and a missing one is hatched."""
    plot = lay_plot(width, height, bars.unit, bars.known)
    pattern = f"none-{bars.name}-{width}"
    missing = marks.hatching(pattern) if len(bars.known) < len(bars.values) else ""
    drawn = [_bar(plot, bars, n, pattern) for n in range(len(bars.values))]
    return image(width, height, describe_bars(bars), missing, ground(plot), *drawn, axis(plot), _names(plot, bars))


def describe_bars(bars: Bars) -> str:
    """Say in words what the bars show."""
    if not bars.known:
        return f"{bars.title}: no values"
    named = list(zip(bars.labels, bars.values, strict=True))
    known = [(value, label) for label, value in named if value is not None]
    low, high = min(known), max(known)
    missing = len(named) - len(known)
    lost = f"; {missing} without a value" if missing else ""
    ends = f"lowest {quantity(low[0], bars.unit)} at {low[1]}, highest {quantity(high[0], bars.unit)} at {high[1]}"
    below_zero = sum(value < 0 for value, _ in known)
    bad = sum(bars.bad)
    called = f"; {bad or 'none'} {bars.bad_word}" if bars.bad else ""
    return f"{bars.title}, {len(known)} bars: {ends}; {below_zero or 'none'} below zero{called}{lost}"


def upright(plot: Plot, x: float, width: float, ends: Sequence[float], *children: str, **style: str | float) -> str:
    """A bar between two values, never thinner than can be seen."""
    upper, lower = plot.y(max(ends)), plot.y(min(ends))
    height = max(lower - upper, _THINNEST)
    placed: dict[str, str | float] = {"x": x, "y": upper, "width": width, "height": height, **style}
    return element("rect", *children, **placed)


def coloured(value: float) -> dict[str, str | float]:
    """The look of what is above and of what is below zero."""
    return {"class_": "c-up", "fill": marks.BLUE} if value >= 0 else {"class_": "c-down", "fill": marks.RED}


def _bar(plot: Plot, bars: Bars, n: int, pattern: str) -> str:
    left, slot = plot.slot(n, len(bars.values))
    x, width = left + slot * _GAP / 2, slot * (1 - _GAP)
    value, label = bars.values[n], bars.labels[n]
    if value is None:
        title = element("title", text(f"{label}: no value"))
        whole = {"x": x, "y": plot.top, "width": width, "height": plot.bottom - plot.top}
        return element("rect", title, class_="c-gap", fill=f"url(#{pattern})", **whole)
    said = f", {bars.bad_word}" if bars.bad and bars.bad[n] else ""
    title = element("title", text(f"{label}: {quantity(value, bars.unit)}{said}"))
    bar = upright(plot, x, width, (0.0, value), title, **coloured(-1.0 if bars.is_bad(n) else 1.0))
    if slot < _PER_NUMBER:
        return bar
    return bar + beyond(
        plot, left + slot / 2, value, short(value).removeprefix("+"), size=_LARGE if slot >= _ROOMY else _SMALL
    )


def _names(plot: Plot, bars: Bars) -> str:
    every = max(1, math.ceil(_PER_LABEL * len(bars.labels) / (plot.right - plot.left)))
    shown = range(0, len(bars.labels), every)
    places = [(plot.slot(n, len(bars.labels)), bars.labels[n]) for n in shown]
    return "".join(below(plot, left + slot / 2, label) for (left, slot), label in places)
