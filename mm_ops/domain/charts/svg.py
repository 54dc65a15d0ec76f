"""A chart as one SVG, to stand in a page or alone.

Colours are attributes, so that it is right by itself; the classes ``c-…`` let a page colour it anew, as for dark mode.
"""

from mm_ops.domain.charts import marks
from mm_ops.domain.charts.chart import Chart, describe
from mm_ops.domain.charts.elements import band_path, element, line_path, text
from mm_ops.domain.charts.frame import Frame, lay_out
from mm_ops.domain.charts.image import image, image_markdown
from mm_ops.domain.charts.scale import tick_labels, tick_step, value_ticks
from mm_ops.domain.charts.time_axis import tick_text, time_ticks

_PER_VALUE_TICK, _PER_TIME_TICK = 42, 64
_NEAR_THE_EDGE = 24
_VISIBLE_BAND = 0.6
_GRID = "#d9dce0"


def chart_svg(chart: Chart, width: int = 960, height: int = 260, *, grain: int = 1, hover: bool = True) -> str:
    """Draw a chart: limit, forbidden side, breaches, gaps, restarts, and the samples by pixel column.

    Each column shows lowest to highest as a band and the mean as a line. From 560 pixels of width on it also has
    the time of the worst sample, and values to hover over.

    Args:
        chart: what to draw.
        width: in pixels, 300 or more.
        height: in pixels, 120 or more.
        grain: pixels to a column; 2 or 3 make a page of very many charts lighter.
        hover: whether a wide chart tells values to a pointer; an image cannot, so there it is only weight.
    """
    frame = lay_out(chart, width, height, grain)
    pattern = f"gap-{chart.name}-{width}"
    under = [_plot(frame), marks.forbidden(frame), marks.hover(frame) if hover and frame.wide else "", _grid(frame)]
    spans = [marks.gaps(frame, pattern), marks.breaches(frame)]
    over = [_samples(frame), marks.limit_line(frame)]
    top = [
        marks.restarts(frame),
        marks.moments(frame),
        element("g", _axes(frame), marks.worst_sample(frame), pointer_events="none"),
    ]
    defined = marks.hatching(pattern) if chart.gaps else ""
    lines = element("g", *over, pointer_events="none")
    return image(width, height, describe(chart), defined, *under, *spans, lines, *top)


def chart_markdown(chart: Chart, width: int = 760, height: int = 220) -> str:
    """Write a chart as an image in Markdown; about 15 to 30 kB, so for the few charts that matter."""
    return image_markdown(chart_svg(chart, width, height, hover=False), describe(chart), chart.title)


def _plot(frame: Frame) -> str:
    size = {"width": frame.right - frame.left, "height": frame.bottom - frame.top}
    return element("rect", x=frame.left, y=frame.top, class_="c-plot", fill="#fff", **size)


def _grid(frame: Frame) -> str:
    across = "".join(f"M{frame.left:g} {frame.y(tick):.1f}H{frame.right:g}" for tick in _value_ticks(frame))
    up = "".join(f"M{frame.x(ns):.1f} {frame.top:g}V{frame.bottom:g}" for ns in _time_ticks(frame))
    return element("path", d=across + up, class_="c-grid", stroke=_GRID, pointer_events="none")


def _samples(frame: Frame) -> str:
    """The band of each unbroken stretch where it can be seen, and the line of means."""
    seen = frame.envelope
    x = frame.middles()
    high, low, mean = (frame.ys(array) for array in (seen.high, seen.low, seen.mean))
    parts = seen.segments()
    seen_bands = [part for part in parts if (low[part] - high[part]).max() > _VISIBLE_BAND]
    bands = "".join(band_path(x[part], high[part], low[part]) for part in seen_bands)
    line = "".join(line_path(x[part], mean[part]) for part in parts)
    style: dict[str, str | float] = {
        "stroke": marks.BLUE,
        "stroke_linejoin": "round",
        "stroke_linecap": "round",
        "fill": "none",
    }
    of_band = style | {"fill": marks.BLUE, "fill_opacity": 0.25, "stroke_width": 0.7, "stroke_opacity": 0.6}
    band = element("path", d=bands, class_="c-band", **of_band)
    drawn = element("path", d=line, class_="c-line", stroke_width=1.6, **style)
    return (band if bands else "") + (drawn if line else "")


def _axes(frame: Frame) -> str:
    values = _value_ticks(frame)
    step = tick_step(frame.up.low, frame.up.high, _value_tick_count(frame))
    left = [
        element("text", text(words), x=frame.left - 8, y=frame.y(tick) + 4.5, text_anchor="end")
        for tick, words in zip(values, tick_labels(values, step), strict=True)
    ]
    times = _time_ticks(frame)
    below = [_time_label(frame, ns, dated=n == 0) for n, ns in enumerate(times)]
    unit = element("text", text(frame.chart.unit), x=frame.left - 8, y=frame.top - 10, text_anchor="end")
    zone = element("text", "UTC", x=2, y=frame.bottom + 19, text_anchor="start")  # clear of a date below the edge
    border = element(
        "path",
        d=f"M{frame.left:g} {frame.top:g}V{frame.bottom:g}H{frame.right:g}",
        class_="c-axis",
        fill="none",
        stroke=marks.SOFT,
    )
    return border + element("g", unit, zone, *left, *below, class_="c-soft", fill=marks.SOFT)


def _time_label(frame: Frame, ns: int, *, dated: bool) -> str:
    x = frame.x(ns)
    anchor = "end" if frame.right - x < _NEAR_THE_EDGE else "start" if x - frame.left < _NEAR_THE_EDGE else "middle"
    words = tick_text(ns, dated=dated)
    return element("text", text(words), x=x, y=frame.bottom + 19, text_anchor=anchor)


def _value_tick_count(frame: Frame) -> int:
    return max(2, int((frame.bottom - frame.top) // _PER_VALUE_TICK))


def _value_ticks(frame: Frame) -> list[float]:
    return value_ticks(frame.up.low, frame.up.high, _value_tick_count(frame))


def _time_ticks(frame: Frame) -> list[int]:
    return time_ticks(frame.chart.window, int((frame.right - frame.left) // _PER_TIME_TICK))
