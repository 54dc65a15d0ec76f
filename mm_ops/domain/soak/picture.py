"""From samples and what is stored of a soak to the page that people look at: one chart for each SLI.

A gauge is drawn sample by sample, or where its changes count, by how many there were until then. What counters and
histograms say is drawn as its alert sees it, over the alert's window at each evaluation; an SLI without an alert over
the longest window of those that have one. The limit is that of its gate, or else of its trend. Bytes are drawn in MiB,
as reasons write them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.spans import Breach, Span, find_gaps
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sli.catalogue import Sli, SliCatalogue
from mm_ops.domain.sli.gauges import ConditionTime, Gauge, changed
from mm_ops.domain.sli.instants import Instants, Times
from mm_ops.domain.sli.measurement import pick
from mm_ops.domain.sli.series import Series
from mm_ops.domain.soak.bucket_rules import Baseline, Trend
from mm_ops.domain.soak.buckets import buckets_from
from mm_ops.domain.soak.metrics import entries_from
from mm_ops.domain.soak.page import Page
from mm_ops.domain.soak.policy import MAX_GAP, Gate, SoakPolicy, sustained_name
from mm_ops.domain.soak.replay import Episode, evaluation_times
from mm_ops.domain.soak.summary import field_of, findings_from
from mm_ops.domain.soak.sustained import sustained_from
from mm_ops.domain.verdict import Verdict
from mm_ops.domain.windows import TimeWindow, format_duration, to_ns

Points = tuple[Times, NDArray[np.float64]]

_SHOWN_IN = {"bytes": ("MiB", float(2**20))}


def draw_soak(
    slis: SliCatalogue,
    soak: SoakPolicy,
    table: Sequence[Series],
    stored: Mapping[str, Any],
) -> list[Chart]:
    """Draw every SLI of a soak.

    Args:
        slis: what was measured.
        soak: limits and alerts.
        table: raw samples; those outside the soak's window are not drawn.
        stored: what ``measure_soak`` gave for it.

    Raises:
        SchemaError: ``stored`` is not that.
    """
    window = window_of(stored)
    inside = [series.within(window) for series in table]
    buckets = stored.get("buckets")
    restarts = () if buckets is None else tuple(to_ns(one.by) for one in buckets_from(buckets).restarts.times)
    gates = {gate.sli: gate for gate in reversed(soak.gates)}
    trends = {trend.sli: trend for trend in reversed(soak.trends)}
    drawn = _Drawing(soak, inside, window, stored, restarts)
    return [_draw(sli, gates.get(sli.name), gates.get(sli.name) or trends.get(sli.name), drawn) for sli in slis.slis]


def soak_page(
    summary: Mapping[str, Any],
    charts: Sequence[Chart],
    stored: Mapping[str, Any],
    *,
    bot: str,
    soak: SoakPolicy,
    remarks: Sequence[str] = (),
) -> Page:
    """Put together what the page holds.

    Args:
        summary: what ``gates_summary`` gave, with ``policies`` beside it.
        charts: what :func:`draw_soak` gave.
        stored: what ``measure_soak`` gave.
        bot: whose soak it is.
        soak: which chart belongs to which rule.
        remarks: sentences that belong to the verdict.

    Raises:
        SchemaError: ``summary`` or ``stored`` is not that.
    """
    policies: dict[str, str] = field_of(summary, "policies", dict)
    return Page(
        bot=bot,
        window=window_of(stored),
        verdict=Verdict(field_of(summary, "verdict", str)),
        findings=findings_from(summary),
        charts=charts,
        source=str(stored.get("source") or "not stated"),
        policies=policies,
        queries={name: str(entry.get("query")) for name, entry in entries_from(stored).items()},
        remarks=remarks,
        chart_of=chart_of(soak),
    )


def window_of(stored: Mapping[str, Any]) -> TimeWindow:
    """The window of a stored soak.

    Raises:
        SchemaError: there is none.
    """
    start, _, end = field_of(stored, "window", str).partition("/")
    try:
        return TimeWindow(datetime.fromisoformat(start), datetime.fromisoformat(end))
    except ValueError as error:
        raise SchemaError(f"soak metrics: window: expected two times, was {start}/{end}") from error


def chart_of(soak: SoakPolicy) -> dict[str, str]:
    """The chart of each rule: that of the SLI which it looks at."""
    rules: tuple[Trend | Baseline, ...] = (*soak.trends, *soak.baselines)
    found = {rule.name: rule.sli for rule in rules}
    found |= {gate.name: gate.sli for gate in soak.gates}
    return found | {sustained_name(gate): gate.sli for gate in soak.watched}


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What every chart of a soak shares."""

    soak: SoakPolicy
    inside: Sequence[Series]
    window: TimeWindow
    stored: Mapping[str, Any]
    restarts: tuple[int, ...]


def _draw(sli: Sli, gate: Gate | None, rule: Trend | Gate | None, shared: _Drawing) -> Chart:
    window = shared.window
    read = [one for selector in sli.measure.selectors() for one in pick(shared.inside, selector, window)]
    over = _window_of(gate, shared.soak)
    gaps = _gaps(read, window, gate.max_gap if gate else MAX_GAP)
    times_ns, values = _points(sli, read, window, shared.soak, over)
    state = isinstance(sli.measure, ConditionTime)
    name = sli.name.replace("_", " ")
    unit, size = _SHOWN_IN.get(sli.unit, (sli.unit, 1.0))
    return Chart(
        name=sli.name,
        title=f"{name}, over {format_duration(over)}" if sli.measure.windowed else name,
        unit="" if state else unit,
        window=window,
        bound=rule.bound.value if rule else "at_most",
        limit=None if rule is None or state else rule.limit / size,
        times_ns=times_ns,
        values=_without(values / size, times_ns, gaps),
        breaches=_breaches(gate, shared.stored, size),
        gaps=gaps,
        restarts=shared.restarts,
    )


def _window_of(gate: Gate | None, soak: SoakPolicy) -> timedelta:
    own = gate.alert.window if gate and gate.alert else None
    others = [one.alert.window for one in soak.watched if one.alert and one.alert.window]
    return own or max(others, default=soak.buckets.length)


def _points(sli: Sli, read: Sequence[Series], window: TimeWindow, soak: SoakPolicy, over: timedelta) -> Points:
    """Times and values; several label sets are added up, or not drawn where adding makes no sense.

    What looks back over a window is drawn once the soak holds a whole one.
    """
    nothing = np.empty(0, dtype=np.int64), np.empty(0)
    if not sli.measure.windowed:
        return (read[0].ts_ns, _drawn(sli, read[0].values)) if len(read) == 1 else nothing
    whole = TimeWindow(window.start + min(over, window.duration - soak.evaluation_interval), window.end)
    times_ns = evaluation_times(whole, soak.evaluation_interval)
    found = sli.measure.alert_values(read, times_ns, over, ())
    return (times_ns, _sum(found)) if found else nothing


def _drawn(sli: Sli, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A gauge's samples; where its changes count, their number up to each sample."""
    if not (isinstance(sli.measure, Gauge) and sli.measure.statistic == "changes"):
        return values
    return np.concatenate(([0.0], np.cumsum(changed(values))))


def _sum(parts: Iterable[Instants]) -> NDArray[np.float64]:
    """NaN where any is absent: a sum of what happens to be there says nothing."""
    added: NDArray[np.float64] = np.sum([np.where(one.present, one.values, np.nan) for one in parts], axis=0)
    return added


def _without(values: NDArray[np.float64], times_ns: Times, gaps: Iterable[Span]) -> NDArray[np.float64]:
    """Blank what lies in a gap: a range that reaches back over it still has a value there, of before."""
    blank = np.zeros(times_ns.size, dtype=bool)
    for gap in gaps:
        blank |= (times_ns > gap.start_ns) & (times_ns < gap.end_ns)
    return np.where(blank, np.nan, values)


def _breaches(gate: Gate | None, stored: Mapping[str, Any], size: float) -> tuple[Breach, ...]:
    entry = stored.get("sustained", {}).get(gate.name) if gate and gate.alert else None
    if gate is None or gate.alert is None or entry is None:
        return ()
    return tuple(_breach(gate.alert.name, one, size) for one in sustained_from(gate.name, entry).episodes)


def _breach(alert: str, episode: Episode, size: float) -> Breach:
    end = to_ns(episode.firing_since) + round(episode.duration_s * 1e9)
    worst = None if episode.worst is None else episode.worst / size
    return Breach(Span(to_ns(episode.firing_since), end), worst, alert)


def _gaps(read: Sequence[Series], window: TimeWindow, max_gap: timedelta) -> tuple[Span, ...]:
    """The gaps of the series that has the fewest samples; without a series the whole window is one."""
    if not read:
        return (Span(window.start_ns, window.end_ns),)
    fewest = min(read, key=lambda series: series.ts_ns.size)
    return find_gaps(fewest.ts_ns, fewest.values, window, max_gap)
