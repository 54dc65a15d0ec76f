"""What lies over and under the line of a chart: limit, breaches, gaps, restarts, the worst sample, values to hover."""

import numpy as np

from mm_ops.domain.charts.elements import element, text
from mm_ops.domain.charts.envelope import find_envelope
from mm_ops.domain.charts.frame import Frame
from mm_ops.domain.charts.scale import quantity
from mm_ops.domain.charts.spans import Moment, Span
from mm_ops.domain.charts.time_axis import lasting, moment

BLUE, RED, INK, SOFT, PURPLE, GREY = "#0b5cad", "#b00020", "#1c1f23", "#565c64", "#5b2d8e", "#6d737b"
_HOVERED = 48
_THINNEST = 3.0
_PER_CHARACTER, _TEXT_HEIGHT, _TEXT_DEPTH = 6.8, 13, 5


def forbidden(frame: Frame) -> str:
    """Shade the side of the limit where no value may be."""
    limit = frame.chart.limit
    if limit is None:
        return ""
    top, bottom = (frame.top, frame.y(limit)) if frame.chart.bound == "at_most" else (frame.y(limit), frame.bottom)
    return _rectangle(
        frame.left, top, frame.right - frame.left, bottom - top, class_="c-beyond", fill=RED, fill_opacity=0.07
    )


def hatching(name: str) -> str:
    """The pattern of a gap: lines that stay visible in black and white."""
    path = element("path", d="M0 0V7", class_="c-hatch", stroke=GREY, stroke_width=2.2)
    back = element("rect", width=7, height=7, class_="c-void", fill="#e3e6e9")
    pattern = element(
        "pattern", back, path, id=name, width=7, height=7, patternUnits="userSpaceOnUse", patternTransform="rotate(45)"
    )
    return element("defs", pattern)


def gaps(frame: Frame, pattern: str) -> str:
    """Hatch the stretches without evidence."""
    return "".join(
        _span(frame, gap, f"no data: {_when(gap)}", fill=f"url(#{pattern})", class_="c-gap", stroke=GREY)
        for gap in frame.chart.gaps
    )


def breaches(frame: Frame) -> str:
    """Shade each breach, with its edges and a bar above, which black and white does not lose."""
    return "".join(
        _span(frame, one.span, f"{one.label}: {_when(one.span)}{_worst(frame, one.worst)}", fill=RED, fill_opacity=0.15)
        + _bar(frame, one.span)
        for one in frame.chart.breaches
    )


def limit_line(frame: Frame) -> str:
    """Draw the limit and say it, away from the worst sample's label."""
    limit = frame.chart.limit
    if limit is None:
        return ""
    y = frame.y(limit)
    line = element(
        "path",
        d=f"M{frame.left:g} {y:.1f}H{frame.right:g}",
        class_="c-limit",
        stroke=RED,
        stroke_width=1.6,
        stroke_dasharray="7 4",
    )
    worst = frame.worst
    on_left = worst is not None and frame.x(worst[0]) > _middle(frame)
    x, anchor = (frame.left + 6, "start") if on_left else (frame.right - 6, "end")
    below = y + 15
    beyond = y - 6 if frame.chart.bound == "at_most" else below
    return line + label(
        _limit_words(frame), x, beyond, anchor, class_="c-text c-limit-text", fill=RED, font_weight="600"
    )


def restarts(frame: Frame) -> str:
    """Mark each restart with a line and a triangle above the plot."""
    return "".join(_restart(frame, at) for at in frame.chart.restarts)


def moments(frame: Frame) -> str:
    """Mark each moment with a line, and name it above the plot."""
    return "".join(_moment(frame, one) for one in frame.chart.moments)


def worst_sample(frame: Frame) -> str:
    """Ring the sample nearest to the forbidden side and say its value; or say that there is none."""
    worst = frame.worst
    if worst is None:
        return label("no samples", _middle(frame), (frame.top + frame.bottom) / 2, "middle", class_="c-text", fill=INK)
    if frame.envelope.low.min() == frame.envelope.high.max():
        return _constant(frame, worst[1])
    x, y = frame.x(worst[0]), frame.y(worst[1])
    ring = element("circle", cx=x, cy=y, r=4, class_="c-worst", fill="none", stroke=INK, stroke_width=1.6)
    when = f", {moment(worst[0])}" if frame.wide else ""
    words = f"{frame.chart.extreme} {quantity(worst[1], frame.chart.unit)}{when}"
    room = _PER_CHARACTER * len(words) + 9
    taken = _PER_CHARACTER * len(_limit_words(frame)) + 12 if x <= _middle(frame) else 0
    aside, anchor = (9, "start") if x + room < frame.right - taken else (-9, "end")
    above = frame.chart.bound == "at_most"
    beside = max(y - 9, frame.top + 13) if above else min(y + 19, frame.bottom - 6)
    return ring + label(words, x + aside, _clear_of_limit(frame, beside), anchor, class_="c-text", fill=INK)


def hover(frame: Frame) -> str:
    """Lay unseen stripes over the plot that tell lowest and highest to a pointer."""
    seen = find_envelope(frame.chart, _HOVERED)
    first = np.flatnonzero(np.diff(seen.column, prepend=-1))
    if not first.size:
        return ""
    lows, highs = np.minimum.reduceat(seen.low, first), np.maximum.reduceat(seen.high, first)
    stripes = zip(seen.column[first].tolist(), lows.tolist(), highs.tolist(), strict=True)
    return element("g", *(_stripe(frame, *stripe) for stripe in stripes), fill="#fff", fill_opacity=0)


def label(words: str, x: float, y: float, anchor: str, **attributes: str | float) -> str:
    """Write words that stay readable over lines."""
    halo: dict[str, str | float] = {
        "paint_order": "stroke",
        "stroke": "#fff",
        "stroke_width": 3.5,
        "stroke_linejoin": "round",
    }
    placed: dict[str, str | float] = {"x": x, "y": y, "text_anchor": anchor, **halo, **attributes}
    return element("text", text(words), **placed)


def _middle(frame: Frame) -> float:
    """The limit is named on the half where the worst sample is not."""
    return (frame.left + frame.right) / 2


def _limit_words(frame: Frame) -> str:
    limit = frame.chart.limit
    return "" if limit is None else f"limit {frame.chart.sign} {quantity(limit, frame.chart.unit)}"


def _clear_of_limit(frame: Frame, baseline: float) -> float:
    """Move a text that the limit's line would cross to the line's far side."""
    if frame.chart.limit is None:
        return baseline
    y = frame.y(frame.chart.limit)
    if not baseline - _TEXT_HEIGHT < y < baseline + _TEXT_DEPTH:
        return baseline
    return y - 6 if frame.chart.bound == "at_most" else y + 15


def _constant(frame: Frame, value: float) -> str:
    words = f"always {quantity(value, frame.chart.unit)}"
    return label(words, frame.left + 8, frame.y(value) - 8, "start", class_="c-text", fill=INK)


def _stripe(frame: Frame, n: int, low: float, high: float) -> str:
    window, unit = frame.chart.window, frame.chart.unit
    start = moment(window.start_ns + (window.end_ns - window.start_ns) * n // _HOVERED)
    words = quantity(low, unit) if low == high else f"{quantity(low, '')} to {quantity(high, unit)}"
    width = (frame.right - frame.left) / _HOVERED
    title = element("title", text(f"from {start}: {words}"))
    return _rectangle(frame.left + width * n, frame.top, width, frame.bottom - frame.top, title)


def _when(span: Span) -> str:
    return f"{moment(span.start_ns)} to {moment(span.end_ns)} ({lasting(span.duration)})"


def _worst(frame: Frame, worst: float | None) -> str:
    return "" if worst is None else f", worst {quantity(worst, frame.chart.unit)}"


def _across(frame: Frame, span: Span) -> tuple[float, float]:
    """Left edge and width, never thinner than can be seen."""
    left, right = frame.x(span.start_ns), frame.x(span.end_ns)
    width = max(right - left, _THINNEST)
    return min(left, frame.right - width), width


def _span(frame: Frame, span: Span, title: str, **attributes: str | float) -> str:
    left, width = _across(frame, span)
    return _rectangle(left, frame.top, width, frame.bottom - frame.top, element("title", text(title)), **attributes)


def _bar(frame: Frame, span: Span) -> str:
    left, width = _across(frame, span)
    edges = element(
        "path",
        d=f"M{left:.1f} {frame.top:g}V{frame.bottom:g}M{left + width:.1f} {frame.top:g}V{frame.bottom:g}",
        class_="c-breach",
        stroke=RED,
        stroke_width=0.8,
    )
    return edges + _rectangle(left, frame.top - 5, width, 5, class_="c-breach", fill=RED)


def _restart(frame: Frame, at: int) -> str:
    x = frame.x(at)
    title = element("title", text(f"restart: {moment(at)}"))
    line = element("path", d=f"M{x:.1f} {frame.top:g}V{frame.bottom:g}", stroke_width=1.6, stroke_dasharray="2 3")
    triangle = element("path", d=f"M{x - 5:.1f} {frame.top - 9:g}h10l-5 9z", fill=PURPLE)
    return element("g", title, line, triangle, class_="c-restart", stroke=PURPLE)


def _moment(frame: Frame, one: Moment) -> str:
    x = frame.x(one.at_ns)
    title = element("title", text(f"{one.label}: {moment(one.at_ns)}"))
    line = element("path", d=f"M{x:.1f} {frame.top - 6:g}V{frame.bottom:g}", stroke_width=2)
    marked = element("g", title, line, class_="c-moment", stroke=INK)
    anchor = "end" if x > _middle(frame) else "start"
    aside = -5 if anchor == "end" else 5
    return marked + label(one.label, x + aside, frame.top - 10, anchor, class_="c-text", fill=INK, font_weight="600")


def _rectangle(x: float, y: float, width: float, height: float, *children: str, **attributes: str | float) -> str:
    placed: dict[str, str | float] = {"x": x, "y": y, "width": width, "height": max(height, 0.0), **attributes}
    return element("rect", *children, **placed)
