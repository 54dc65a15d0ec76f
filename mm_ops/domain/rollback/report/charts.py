"""The metrics around a stop, drawn: every SLI of the soak with its limit, and what proves the stop itself.

The orders that were sent are drawn as the growth of their counter from sample to sample: after a stop it is 0. What
looks back over a window is drawn from the first sample on, since more is read than is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.spans import Breach, Moment, Span, find_gaps
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.sli.measurement import pick
from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.soak.picture import draw_soak
from mm_ops.domain.soak.policy import MAX_GAP, SoakPolicy
from mm_ops.domain.windows import TimeWindow, to_ns

SENT, OPEN = Selector("mm_orders_sent_total"), Selector("mm_orders_open")
BUILD = Selector("mm_build_info")
_ORDERS = {
    "orders_sent": (SENT, "orders sent, from sample to sample"),
    "orders_open": (OPEN, "open orders"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """The stretch that is shown, the alert's name, from when to when it was acted upon."""

    window: TimeWindow
    alert: str
    started: datetime
    stopped: datetime
    confirmed: bool


def selectors_around(slis: SliCatalogue) -> list[Selector]:
    """Everything that is read."""
    of_slis = [selector for sli in slis.slis for selector in sli.measure.selectors()]
    return [*of_slis, SENT, OPEN, BUILD]


def read_window(window: TimeWindow, soak: SoakPolicy) -> TimeWindow:
    """What has to be read to show a window: as much before it as the longest alert looks back."""
    longest = max((one.alert.window for one in soak.watched if one.alert and one.alert.window), default=timedelta(0))
    return TimeWindow(window.start - longest - soak.evaluation_interval, window.end)


def draw_around(slis: SliCatalogue, soak: SoakPolicy, table: Sequence[Series], around: Around) -> list[Chart]:
    """Draw everything: what proves the stop first, then the alert's own SLI, then the others."""
    longer = read_window(around.window, soak)
    drawn = draw_soak(slis, soak, table, {"window": str(longer)})
    own = {gate.sli for gate in soak.gates if gate.alert and gate.alert.name == around.alert}
    ordered = sorted(drawn, key=lambda chart: chart.name not in own)
    shown = [_cut(chart, around, breached=chart.name in own) for chart in ordered]
    return [*(_orders(name, table, around) for name in _ORDERS), *shown]


def versions_in(table: Sequence[Series], window: TimeWindow) -> list[str]:
    """The versions that ran in a window, by ``mm_build_info``; none where nothing says so."""
    found = {one.labels.get("version", "") for one in pick(table, BUILD, window) if one.ts_ns.size}
    return sorted(found - {""})


def _orders(name: str, table: Sequence[Series], around: Around) -> Chart:
    selector, title = _ORDERS[name]
    read = pick(table, selector, around.window)
    times, values = (read[0].ts_ns, read[0].values) if len(read) == 1 else (np.empty(0, np.int64), np.empty(0))
    grown = _growth(values) if selector is SENT else values
    return Chart(
        name=name,
        title=title,
        unit="",
        window=around.window,
        times_ns=times,
        values=grown,
        gaps=find_gaps(times, values, around.window, MAX_GAP),
        moments=_moments(around),
    )


def _growth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From sample to sample; after a fall, which is a new process, the counter itself."""
    change = np.diff(values, prepend=np.nan)
    return np.where(change < 0, values, change)


def _cut(chart: Chart, around: Around, *, breached: bool) -> Chart:
    window = around.window
    gaps = (_inside(gap, window) for gap in chart.gaps)
    span = Span(to_ns(around.started), max(to_ns(around.stopped), to_ns(around.started)))
    return replace(
        chart,
        window=window,
        gaps=tuple(gap for gap in gaps if gap is not None),
        breaches=(Breach(span, None, around.alert),) if breached else (),
        restarts=tuple(at for at in chart.restarts if window.start_ns <= at < window.end_ns),
        moments=_moments(around),
    )


def _inside(gap: Span, window: TimeWindow) -> Span | None:
    start, end = max(gap.start_ns, window.start_ns), min(gap.end_ns, window.end_ns)
    return Span(start, end) if start < end else None


def _moments(around: Around) -> tuple[Moment, ...]:
    return (Moment(to_ns(around.stopped), "stopped" if around.confirmed else "stop not confirmed"),)
