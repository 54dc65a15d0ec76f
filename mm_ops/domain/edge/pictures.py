"""The pictures of an edge report, from its JSON; one whose numbers are not there says so instead of showing others."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from mm_ops.domain.charts.bars import Bars
from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.curve import Curve, Point
from mm_ops.domain.charts.picture import Picture
from mm_ops.domain.charts.waterfall import Step, Waterfall, shows
from mm_ops.domain.edge.earned import Earned
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import DAY, TimeWindow, parse_duration, to_ns

_HOURS = 24
_NS_PER_HOUR = 3_600_000_000_000
_GRAZED_NS = 60_000_000_000
_FEWEST_POINTS = 3


@dataclass(frozen=True, slots=True)
class Absent:
    """A picture that cannot be drawn, and why."""

    name: str
    title: str
    why: str


def number_at(report: Mapping[str, Any], *path: str) -> float | None:
    """The finite number at a path of keys; ``None`` where there is none, whatever stands there instead."""
    found: Any = report
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    sound = isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
    return float(found) if sound else None


def window_of(report: Mapping[str, Any]) -> TimeWindow:
    """The report's window, also when it has been through JSON.

    Raises:
        SchemaError: there is none.
    """
    window = report.get("window")
    ends = [window.get(end) if isinstance(window, Mapping) else None for end in ("start", "end")]
    try:
        start, end = (datetime.fromisoformat(str(one)) for one in ends)
        return TimeWindow(start, end)
    except ValueError as error:
        raise SchemaError(f"edge report: window: expected a start and an end with a zone, was {window}") from error


def waterfall(report: Mapping[str, Any], horizon: str) -> Waterfall | Absent:
    """From spread capture to net edge, with adverse selection and inventory at a horizon.

    Measures at a horizon are of the fills that have a mid there; what the others earned is a step of its own, so
    that the steps add up.
    """
    name, title = "waterfall", f"From spread capture to net edge, horizon {horizon}"
    measures = {
        "capture": "spread_capture_bps",
        "adverse": f"adverse_selection_bps_{horizon}",
        "inventory": f"inventory_bps_{horizon}",
        "fee": "fee_bps",
        "net": "net_edge_bps",
    }
    found = {key: number_at(report, "total", measure) for key, measure in measures.items()}
    missing = [measures[key] for key, value in found.items() if value is None]
    if missing:
        return Absent(name, title, f"the report has no {', '.join(missing)}")
    known = {key: value for key, value in found.items() if value is not None}
    steps = [
        Step(("spread", "capture"), known["capture"]),
        Step(("adverse", "selection"), -known["adverse"]),
        Step(("inventory",), known["inventory"]),
        Step(("fees",), -known["fee"]),
    ]
    rest = known["net"] - math.fsum(step.change for step in steps)
    if shows(rest, steps):
        steps.append(Step(("no mid", f"at {horizon}"), rest))
    total = Step(("net", "edge"), known["net"])
    return Waterfall(name=name, title=title, unit="bps", steps=tuple(steps), total=total)


def markout_curve(report: Mapping[str, Any], symbol: str) -> Curve | Absent:
    """A symbol's markouts over the horizons with their intervals, from the capture at the fill on."""
    name, title = f"markout.{_plain(symbol)}", f"Markout of {symbol}"
    horizons = report.get("horizons")
    if not isinstance(horizons, Sequence) or isinstance(horizons, str) or not horizons:
        return Absent(name, title, "the report has no horizons")
    points = tuple(_markout(report, symbol, horizon) for horizon in horizons)
    if all(point.value is None for point in points):
        return Absent(name, title, "no fill has a mid at any horizon")
    capture = number_at(report, "by_symbol", symbol, "spread_capture_bps")
    return Curve(name=name, title=title, unit="bps", points=points, start=Point("at fill", 0.0, capture))


def _markout(report: Mapping[str, Any], symbol: str, horizon: str) -> Point:
    seconds = parse_duration(horizon).total_seconds()
    value = number_at(report, "by_symbol", symbol, f"markout_bps_{horizon}")
    return Point(horizon, seconds, value, interval_at(report, symbol, f"markout_bps_{horizon}"))


def interval_at(report: Mapping[str, Any], symbol: str, measure: str) -> tuple[float, float] | None:
    """A symbol's interval of a measure, low and high; ``None`` where there is none."""
    found = report.get("intervals_by_symbol")
    for key in (symbol, measure):
        found = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, Sequence) or len(found) != len(("low", "high")):
        return None
    low, high = (number_at({"end": end}, "end") for end in found)
    return None if low is None or high is None else (low, high)


def hours(report: Mapping[str, Any], window: TimeWindow) -> Bars | Absent:
    """Net edge by hour of the day; an hour without fills has no bar."""
    name, title = "by_hour", "Net edge by hour, UTC"
    touched = _hours(window, filled=report.get("by_hour"))
    values = tuple(number_at(report, "by_hour", hour, "net_edge_bps") for hour in touched)
    if all(value is None for value in values):
        return Absent(name, title, "no hour has a net edge in the report")
    return Bars(name=name, title=title, unit="bps", labels=touched, values=values)


def _hours(window: TimeWindow, filled: object) -> tuple[str, ...]:
    """The hours of the day that the window touches; one that it only grazes is left out where nothing was filled."""
    if window.duration >= DAY:
        return tuple(f"{hour:02d}" for hour in range(_HOURS))
    first, last = window.start_ns // _NS_PER_HOUR, (window.end_ns - 1) // _NS_PER_HOUR
    named = filled if isinstance(filled, Mapping) else {}
    touched = dict.fromkeys(
        f"{hour % _HOURS:02d}"
        for hour in range(first, last + 1)
        if f"{hour % _HOURS:02d}" in named or _inside_ns(window, hour) >= _GRAZED_NS
    )
    return tuple(touched)


def _inside_ns(window: TimeWindow, hour: int) -> int:
    return min(window.end_ns, (hour + 1) * _NS_PER_HOUR) - max(window.start_ns, hour * _NS_PER_HOUR)


def cumulative(earned: Earned | None, window: TimeWindow, currency: str | None) -> Chart | Absent:
    """What the fills so far came to, by the window's last mid.

    Raises:
        SchemaError: as many times as amounts were expected, or an amount is no number.
    """
    name, title = "cumulative", "Net edge so far"
    if earned is None or currency is None or not earned.times_ns.size:
        return Absent(name, title, "no fill's money is known")
    if earned.times_ns.shape != earned.money.shape or not np.isfinite(earned.money).all():
        shapes = f"{earned.times_ns.shape} and {earned.money.shape}"
        raise SchemaError(f"edge page: cumulative: expected a finite amount for each time, was {shapes}")
    order = np.argsort(earned.times_ns, kind="stable")
    times, sums = earned.times_ns[order], np.cumsum(earned.money[order])
    last = np.append(times[1:] != times[:-1], True)
    return Chart(
        name=name,
        title=title,
        unit=currency,
        window=window,
        bound="at_least",
        times_ns=times[last],
        values=sums[last],
    )


def averages(report: Mapping[str, Any], window: TimeWindow) -> list[Chart]:
    """A chart for each average of all fills; none where the report has none, or where too few values are no line."""
    section = report.get("ema")
    series = section.get("series") if isinstance(section, Mapping) else None
    if not isinstance(series, Mapping) or not isinstance(section, Mapping):
        return []
    at = [to_ns(datetime.fromisoformat(str(one))) for one in section["at"]]
    times = np.minimum(np.array(at, dtype=np.int64), window.end_ns - 1)  # the value at the end is drawn too
    return [
        Chart(
            name=name,
            title=f"Edge averaged, half-life {name.removeprefix('ema')}",
            unit="bps",
            window=window,
            bound="at_least",
            times_ns=times,
            values=np.array(values, dtype=np.float64),
        )
        for name, values in series.items()
        if sum(value is not None for value in values) >= _FEWEST_POINTS
        or not any(value is not None for value in values)
    ]


def net_by_symbol(report: Mapping[str, Any]) -> list[str]:
    """The symbols of the report, most notional first; those without any come last."""
    groups = report.get("by_symbol")
    names = list(groups) if isinstance(groups, Mapping) else []
    return sorted(names, key=lambda name: (-(number_at(report, "by_symbol", name, "notional") or 0.0), name))


def draw_pictures(
    report: Mapping[str, Any], horizon: str, earned: Earned | None, most_symbols: int
) -> list[Picture | Absent]:
    """All pictures in the order of the page; markouts of the ``most_symbols`` with the most notional."""
    window = window_of(report)
    currency = report.get("settlement")
    return [
        waterfall(report, horizon),
        *(markout_curve(report, symbol) for symbol in net_by_symbol(report)[:most_symbols]),
        hours(report, window),
        cumulative(earned, window, currency if isinstance(currency, str) else None),
        *averages(report, window),
    ]


def _plain(symbol: str) -> str:
    """A symbol as part of an id: what is no letter or digit is written as its number."""
    return "".join(one if one.isascii() and one.isalnum() else f"_{ord(one):x}" for one in symbol)
