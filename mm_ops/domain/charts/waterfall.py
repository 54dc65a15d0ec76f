"""From nothing to a total, step by step: what added to it and what took from it."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from mm_ops.domain.charts import marks
from mm_ops.domain.charts.bars import coloured, upright
from mm_ops.domain.charts.elements import element, text
from mm_ops.domain.charts.image import image
from mm_ops.domain.charts.plot import Plot, axis, below, beyond, ground, lay_plot, short
from mm_ops.domain.charts.scale import quantity
from mm_ops.domain.errors import SchemaError

_GAP = 0.3
_SMALL, _LARGE, _ROOMY = 11, 13, 64
_SEEN = 1e-3
"""Of the largest step: what is less cannot be seen."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; ``lines`` is its name, cut where a line may end."""

    lines: tuple[str, ...]
    change: float

    @property
    def words(self) -> str:
        """The name in one line."""
        return " ".join(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """Steps that add up to ``total``; one that does not is refused, since its picture would not be true."""

    name: str
    title: str
    unit: str
    steps: tuple[Step, ...]
    total: Step

    def __post_init__(self) -> None:
        changes = [step.change for step in self.steps]
        if not all(map(math.isfinite, [*changes, self.total.change])):
            raise SchemaError(f"waterfall {self.name}: expected finite steps, was {changes} to {self.total.change}")
        rest = self.total.change - math.fsum(changes)
        if shows(rest, self.steps):
            summed = f"{math.fsum(changes):.9g} {self.unit}"
            raise SchemaError(f"waterfall {self.name}: expected steps of {self.total.change:.9g} in sum, was {summed}")

    def levels(self) -> list[float]:
        """What has been reached before the first step and after each."""
        return [0.0, *itertools.accumulate(step.change for step in self.steps)]


def shows(rest: float, steps: Sequence[Step]) -> bool:
    """Whether what is missing between the steps and their total could be seen."""
    return abs(rest) > _SEEN * max((abs(step.change) for step in steps), default=0.0)


def waterfall_svg(waterfall: Waterfall, width: int = 960, height: int = 300) -> str:
    """Draw each step from where the last one ended, and the total from zero."""
    every = [*waterfall.steps, waterfall.total]
    plot = lay_plot(width, height, waterfall.unit, waterfall.levels(), max(len(step.lines) for step in every))
    levels = waterfall.levels()
    drawn = [
        _step(plot, n, len(every), step, (levels[n], levels[n + 1]), waterfall.unit)
        for n, step in enumerate(waterfall.steps)
    ]
    total = _step(
        plot, len(every) - 1, len(every), waterfall.total, (0.0, waterfall.total.change), waterfall.unit, framed=True
    )
    links = "".join(_link(plot, n, len(every), level) for n, level in enumerate(levels[1:]))
    lines = element("path", d=links, class_="c-axis", stroke=marks.SOFT, stroke_dasharray="3 3")
    return image(width, height, describe_waterfall(waterfall), ground(plot), lines, *drawn, total, axis(plot))


def describe_waterfall(waterfall: Waterfall) -> str:
    """Say the steps and the total in words."""
    steps = ", ".join(f"{step.words} {_signed(step.change, waterfall.unit)}" for step in waterfall.steps)
    return f"{waterfall.title}: {steps}; {waterfall.total.words} {_signed(waterfall.total.change, waterfall.unit)}"


def _signed(value: float, unit: str) -> str:
    return f"+{quantity(value, unit)}" if value > 0 else quantity(value, unit)


def _step(
    plot: Plot, n: int, count: int, step: Step, ends: tuple[float, float], unit: str, *, framed: bool = False
) -> str:
    left, slot = plot.slot(n, count)
    title = element("title", text(f"{step.words}: {_signed(step.change, unit)}"))
    bar = upright(plot, left + slot * _GAP / 2, slot * (1 - _GAP), ends, title, **coloured(step.change))
    bar = element("g", bar, class_="c-total", stroke=marks.INK, stroke_width=1.6) if framed else bar
    middle = left + slot / 2
    outer = max(ends) if step.change >= 0 else min(ends)
    number = beyond(plot, middle, outer, short(step.change), above=step.change >= 0)
    return bar + number + below(plot, middle, *step.lines, size=_LARGE if slot >= _ROOMY else _SMALL)


def _link(plot: Plot, n: int, count: int, level: float) -> str:
    """From a step's bar to the next one's, at the level that both share."""
    left, slot = plot.slot(n, count)
    start = left + slot * (1 - _GAP / 2)
    return f"M{start:.1f} {plot.y(level):.1f}h{slot * _GAP:.1f}"
