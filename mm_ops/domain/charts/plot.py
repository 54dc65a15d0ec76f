"""The plot of a picture that has no time axis: its rectangle, an axis of values with zero on it, and places across."""

from dataclasses import dataclass

from mm_ops.domain.charts import marks
from mm_ops.domain.charts.elements import element, text
from mm_ops.domain.charts.scale import Scale, quantity, signed_range, tick_labels, tick_step, value_ticks

_TOP, _RIGHT = 26, 18
_LEFT_WIDE, _LEFT_NARROW = 66, 54
_WIDE_FROM = 560
_PER_TICK, _LINE_PX = 42, 16
_GRID = "#d9dce0"
_DECIMALS, _WRITTEN_OUT = ((100.0, 0), (10.0, 1), (0.01, 2)), 1000.0


@dataclass(frozen=True, slots=True)
class Plot:
    """Pixels of a picture; ``left``, ``right``, ``top`` and ``bottom`` are the plot's edges."""

    width: int
    height: int
    unit: str
    up: Scale

    @property
    def left(self) -> float:
        """Where values have their axis."""
        return _LEFT_WIDE if self.wide else _LEFT_NARROW

    @property
    def right(self) -> float:
        """The plot's right edge."""
        return self.width - _RIGHT

    @property
    def top(self) -> float:
        """The plot's upper edge."""
        return self.up.last

    @property
    def bottom(self) -> float:
        """The plot's lower edge."""
        return self.up.first

    @property
    def wide(self) -> bool:
        """Whether there is room for what a phone leaves out."""
        return self.width >= _WIDE_FROM

    @property
    def zero(self) -> float:
        """The pixel of zero."""
        return self.up.px(0.0)

    def y(self, value: float) -> float:
        """The pixel of a value, cut to the plot."""
        return self.up.px(min(max(value, self.up.low), self.up.high))

    def slot(self, n: int, count: int) -> tuple[float, float]:
        """Left edge and width of the ``n``-th of ``count`` equal parts across."""
        width = (self.right - self.left) / count
        return self.left + width * n, width


def lay_plot(width: int, height: int, unit: str, known: list[float], below: int = 1) -> Plot:
    """Choose the axis of values so that all are seen, with ``below`` lines of labels under the plot."""
    low, high = signed_range(known)
    return Plot(width, height, unit, Scale(low, high, height - 14 - _LINE_PX * below, _TOP))


def ground(plot: Plot) -> str:
    """The rectangle, and a line at each tick; zero is a line of its own."""
    size = {"width": plot.right - plot.left, "height": plot.bottom - plot.top}
    rectangle = element("rect", x=plot.left, y=plot.top, class_="c-plot", fill="#fff", **size)
    lines = "".join(f"M{plot.left:g} {plot.y(tick):.1f}H{plot.right:g}" for tick in _ticks(plot)[0])
    zero = f"M{plot.left:g} {plot.zero:.1f}H{plot.right:g}"
    return (
        rectangle
        + element("path", d=lines, class_="c-grid", stroke=_GRID)
        + element("path", d=zero, class_="c-axis", stroke=marks.SOFT)
    )


def axis(plot: Plot) -> str:
    """The numbers beside the plot, and the unit above them."""
    ticks, step = _ticks(plot)
    numbers = [
        element("text", text(words), x=plot.left - 8, y=plot.y(tick) + 4.5, text_anchor="end")
        for tick, words in zip(ticks, tick_labels(ticks, step), strict=True)
    ]
    unit = element("text", text(plot.unit), x=plot.left - 8, y=plot.top - 10, text_anchor="end")
    line = f"M{plot.left:g} {plot.top:g}V{plot.bottom:g}"
    border = element("path", d=line, class_="c-axis", stroke=marks.SOFT)
    return border + element("g", unit, *numbers, class_="c-soft", fill=marks.SOFT)


def below(plot: Plot, x: float, *lines: str, size: int = 13) -> str:
    """Write one or more lines under the plot, their middle at ``x``."""
    return "".join(
        element(
            "text",
            text(words),
            x=x,
            y=plot.bottom + 18 + _LINE_PX * n,
            text_anchor="middle",
            font_size=size,
            class_="c-soft",
            fill=marks.SOFT,
        )
        for n, words in enumerate(lines)
    )


def beyond(plot: Plot, x: float, value: float, words: str, *, above: bool | None = None, size: int = 13) -> str:
    """Write words at the end of a bar, on the side away from zero, or on the side that is given."""
    upper = value >= 0 if above is None else above
    y = plot.y(value) - 6 if upper else plot.y(value) + size + 3
    return marks.label(words, x, y, "middle", class_="c-text", fill=marks.INK, font_size=size)


def short(value: float) -> str:
    """About three digits, for labels inside a plot; the sign is always there."""
    size = abs(value)
    words = next((f"{size:.{decimals}f}" for least, decimals in _DECIMALS if _WRITTEN_OUT > size >= least), None)
    shown = words or quantity(float(f"{size:.3g}"), "")
    return f"+{shown}" if value > 0 else f"−{shown}" if value < 0 else "0"


def _ticks(plot: Plot) -> tuple[list[float], float]:
    count = max(2, int((plot.bottom - plot.top) // _PER_TICK))
    return value_ticks(plot.up.low, plot.up.high, count), tick_step(plot.up.low, plot.up.high, count)
