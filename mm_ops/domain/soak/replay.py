"""When an alert would have fired: its rule run over stored samples, as Prometheus runs it.

At each evaluation a label set is in breach or not; no sample is no breach, and a comparison with NaN is false.

    inactive -> pending    at a breach
    pending  -> inactive   at the first evaluation without one, however short
    pending  -> firing     at a breach that is at least ``for`` after the first one (at once where that is 0)
    firing   -> inactive   at an evaluation without breach, at least ``keep_firing_for`` after the first of its run;
                           a breach before that starts the run anew

What was before the first evaluation is not known: a breach that already runs there counts from there. An episode
is one stretch of firing; Alertmanager's ``startsAt`` is its ``firing_since``.

Source: prometheus v2.42.0, rules/alerting.go, AlertingRule.Eval.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

import numpy as np

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.instants import Index, Instants, Marks, Times
from mm_ops.domain.sli.range_functions import nanoseconds
from mm_ops.domain.sli.series import Series
from mm_ops.domain.soak.alerting import SERIES_LABELS, comparison
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import Alert, Gate
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow, from_ns

_COMPARE = {">": np.greater, "<": np.less, "==": np.equal}


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One stretch of firing.

    ``until`` is the evaluation at which it resolved, ``None`` where it still fires at the last one; ``duration_s``
    runs from ``firing_since`` to there. ``worst`` is the value furthest beyond the limit, since the breach began;
    ``None`` where that is infinite, which JSON has no word for.
    """

    labels: Mapping[str, str]
    pending_since: datetime
    firing_since: datetime
    until: datetime | None
    worst: float | None
    duration_s: float

    @property
    def duration(self) -> timedelta:
        """``duration_s`` as a duration."""
        return timedelta(seconds=self.duration_s)


def evaluation_times(window: TimeWindow, interval: timedelta) -> Times:
    """When the rule is evaluated: at the window's start and every interval from there, before its end."""
    return np.arange(window.start_ns, window.end_ns, nanoseconds(interval), dtype=np.int64)


def alert_of(gate: Gate) -> Alert:
    """The gate's alert.

    Raises:
        PolicyError: it has none.
    """
    if gate.alert is None:
        raise PolicyError(f"soak.yaml: {gate.name}: expected an alert, was none")
    return gate.alert


def alert_values(
    gate: Gate, sli: Sli, table: Sequence[Series], times_ns: Times, by: Sequence[str] = SERIES_LABELS
) -> list[Instants]:
    """Evaluate what :func:`.alerting.alert_value` writes, on raw samples.

    Raises:
        PolicyError: the gate has no alert, or its alert no window where the SLI needs one.
    """
    window = alert_of(gate).window
    if not sli.measure.windowed:
        return sli.measure.alert_values(table, times_ns, None, by)
    if window is None:
        raise PolicyError(f"soak.yaml: {gate.name}: alert.window: expected one for a {sli.measure.kind}")
    return sli.measure.alert_values(table, times_ns, window, by)


def breaches(gate: Gate, sli: Sli, values: Instants) -> Marks:
    """At which evaluations the alert's condition held for a label set."""
    operator, number = comparison(gate, sli)
    held: Marks = values.present & _COMPARE[operator](values.values, number)
    return held


def replay(gate: Gate, sli: Sli, table: Sequence[Series], window: TimeWindow, interval: timedelta) -> list[Episode]:
    """Find when the gate's alert would have fired over a window, oldest first.

    Args:
        gate: names the alert, the limit and its side.
        sli: the gate's.
        table: raw samples; those outside the window are not looked at.
        window: half-open.
        interval: how often the rule is evaluated.

    Raises:
        PolicyError: the gate has no alert, or its alert no window where the SLI needs one.
    """
    times_ns = evaluation_times(window, interval)
    inside = [one.within(window) for one in table]
    return find_episodes(gate, sli, alert_values(gate, sli, inside, times_ns), times_ns)


def find_episodes(gate: Gate, sli: Sli, values: Iterable[Instants], times_ns: Times) -> list[Episode]:
    """Find the episodes in what :func:`alert_values` gives, oldest first."""
    found = chain.from_iterable(_episodes(gate, one, breaches(gate, sli, one), times_ns) for one in values)
    return sorted(found, key=lambda episode: (episode.firing_since, sorted(episode.labels.items())))


def find_firing(breach: Marks, times_ns: Times, alert: Alert) -> list[tuple[int, int, int | None]]:
    """Run the state machine, from one run of breaches to the next.

    Returns:
        For each episode the evaluations, as positions in ``times_ns``, at which it became pending, fired, and
        resolved; ``None`` where it still fires at the last one.
    """
    starts, ends = runs(breach)
    fires = np.searchsorted(times_ns, times_ns[starts] + nanoseconds(alert.hold))
    cleared = np.append(times_ns, np.iinfo(np.int64).max - nanoseconds(alert.keep_firing_for))[ends]
    resolves = np.searchsorted(times_ns, cleared + nanoseconds(alert.keep_firing_for))
    found: list[tuple[int, int, int]] = []
    for start, end, fire, resolve in zip(*(each.tolist() for each in (starts, ends, fires, resolves)), strict=True):
        if found and start <= found[-1][2]:
            found[-1] = (*found[-1][:2], resolve)
        elif fire < end:
            found.append((start, fire, resolve))
    return [(pending, firing, until if until < times_ns.size else None) for pending, firing, until in found]


def runs(marks: Marks) -> tuple[Index, Index]:
    """Where each run of marks begins, and the position after its end."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False])).astype(np.int8)))
    return edges[::2], edges[1::2]


def _episodes(gate: Gate, values: Instants, breach: Marks, times_ns: Times) -> Iterator[Episode]:
    """The episodes of one label set, oldest first."""
    for pending, firing, until in find_firing(breach, times_ns, alert_of(gate)):
        beyond = values.values[pending:until][breach[pending:until]]
        worst = float(beyond.max() if gate.bound is Bound.AT_MOST else beyond.min())
        ended = times_ns[-1 if until is None else until]
        yield Episode(
            labels=dict(values.labels),
            pending_since=from_ns(int(times_ns[pending])),
            firing_since=from_ns(int(times_ns[firing])),
            until=None if until is None else from_ns(int(ended)),
            worst=worst if math.isfinite(worst) else None,
            duration_s=int(ended - times_ns[firing]) / NS_PER_SECOND,
        )
