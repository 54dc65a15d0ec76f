"""One SLI's value over a window, with the evidence that says how far to trust it."""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

import numpy as np

from mm_ops.domain.sli.instants import Times
from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow

JITTER = 0.01
"""By which share of the interval two scrapes may be too far apart and still be neighbours. Source: prometheus v2.42.0,
scrape/scrape.go, which takes a scrape that is 2 ms off for one on its grid only where that is less than 1 %."""

_SHOWN = 3


class Problem(StrEnum):
    """Why there is no value at all."""

    SOURCE_ERROR = "source_error"
    NO_SERIES = "no_series"
    NOT_A_NUMBER = "not_a_number"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A value with its evidence.

    ``value`` is what Prometheus would answer for these raw samples, ``None`` where that is NaN, infinite or
    nothing. ``samples``, ``coverage`` and ``longest_gap_s`` are those of the worst series; ``coverage`` is the share
    of the window that samples cover (:func:`covered_ns`); ``longest_gap_s`` counts from the window's start to the
    first sample and from the last one to the window's end as well. Where a value is of what was counted, a stretch
    in which nothing was counted is a gap too (:func:`stand_still`), and ``stalled`` names what stood still if that
    is the longest. ``not_finite`` counts NaN and infinite samples of all series: one of them taints the measurement
    even where Prometheus skips it. ``doubt`` says why a value that is known does not suffice for a pass. ``labels``
    are those that all series share beyond the selector.
    """

    value: float | None
    samples: int
    coverage: float
    longest_gap_s: float
    series: int
    not_finite: int
    problem: Problem | None = None
    detail: str = ""
    doubt: str | None = None
    stalled: str | None = None
    labels: Mapping[str, str]

    @property
    def computable(self) -> bool:
        """Whether the series are those that are needed, so that a value means something."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Scope:
    """The window of a measurement, and how often its source is scraped."""

    window: TimeWindow
    scrape_interval: timedelta


def pick(table: Iterable[Series], selector: Selector, window: TimeWindow) -> list[Series]:
    """Cut the selected series to the window; one without a sample there does not exist, as in Prometheus."""
    cut = (series.within(window) for series in table if selector.selects(series.metric, series.labels))
    return [series for series in cut if series.ts_ns.size]


def weigh(
    picked: Sequence[tuple[Selector, Sequence[Series]]],
    scope: Scope,
    *,
    summed: Iterable[str] = (),
    missing: str | None = None,
) -> Measurement:
    """Measure the evidence, and whether it is the right series; the value is not known yet.

    Args:
        picked: each selector with the series that it selects in the window.
        scope: window and scrape interval.
        summed: labels that are summed over; all others must be the same in every series.
        missing: a series that is known to be needed and absent, in words.
    """
    series = [one for _, found in picked for one in found]
    absent = [selector.promql({}) for selector, found in picked if not found]
    shared = _distinct([_rest(one, selector, summed) for selector, found in picked for one in found])
    evidence = _count(series, scope)
    if absent or missing:
        detail = missing or f"no series {', '.join(absent)} in the window"
        return replace(evidence, problem=Problem.NO_SERIES, detail=detail)
    if len(shared) > 1:
        detail = f"{len(shared)} label sets where one is expected: {_show(shared)}"
        return replace(evidence, problem=Problem.AMBIGUOUS, detail=detail)
    return replace(evidence, labels=shared[0])


def with_value(evidence: Measurement, value: float, *, why_not: str, doubt: str | None = None) -> Measurement:
    """Add the value; one that is NaN or infinite is a problem of its own, explained by ``why_not``."""
    if not math.isfinite(value):
        return replace(evidence, problem=Problem.NOT_A_NUMBER, detail=why_not)
    return replace(evidence, value=value, doubt=doubt)


def not_measured(problem: Problem, detail: str, window: TimeWindow) -> Measurement:
    """State that nothing could be measured, as when the source did not answer."""
    return replace(_nothing(window), problem=problem, detail=detail)


def longest_gap_ns(times_ns: Times, window: TimeWindow) -> int:
    """The longest stretch of the window without one of these times, head and tail counted; there is at least one."""
    inner = int(np.diff(times_ns).max(initial=0))
    return max(inner, int(times_ns[0]) - window.start_ns, window.end_ns - int(times_ns[-1]))


def covered_ns(times_ns: Times, scope: Scope) -> int:
    """The time that samples speak for: each until the next one, and no longer than one scrape interval.

    So samples close together cover little, however many they are. What lies before the first sample counts with
    what lies behind the last one, as one space: samples on a grid cover the same wherever in the window it begins.
    A space that is too long by less than ``JITTER`` of an interval is one of a scrape that came late.
    """
    every = scope.scrape_interval // timedelta(microseconds=1) * 1000
    around = scope.window.end_ns - int(times_ns[-1]) + int(times_ns[0]) - scope.window.start_ns
    spaces = np.append(np.diff(times_ns), around)
    return int(np.where(spaces <= every * (1 + JITTER), spaces, every).sum())


def stand_still(evidence: Measurement, marks: Iterable[Times], window: TimeWindow, what: str) -> Measurement:
    """Count a stretch in which nothing was counted as a gap: a value of it says nothing about that time.

    Args:
        evidence: of the samples.
        marks: for each series, when it was seen to count; any of them is evidence.
        window: of the measurement.
        what: the name of what is counted.
    """
    longest = longest_gap_ns(functools.reduce(np.union1d, marks), window) / NS_PER_SECOND
    if longest <= evidence.longest_gap_s:
        return evidence
    return replace(evidence, longest_gap_s=longest, stalled=what)


def _nothing(window: TimeWindow) -> Measurement:
    length = window.duration.total_seconds()
    return Measurement(value=None, samples=0, coverage=0.0, longest_gap_s=length, series=0, not_finite=0, labels={})


def _count(series: Sequence[Series], scope: Scope) -> Measurement:
    if not series:
        return _nothing(scope.window)
    times = _distinct_times(series)
    return Measurement(
        value=None,
        samples=min(one.size for one in times),
        coverage=min(covered_ns(one, scope) for one in times) / (scope.window.end_ns - scope.window.start_ns),
        longest_gap_s=max(longest_gap_ns(one, scope.window) for one in times) / NS_PER_SECOND,
        series=len(series),
        not_finite=sum(int((~np.isfinite(one.values)).sum()) for one in series),
        labels={},
    )


def _distinct_times(series: Sequence[Series]) -> list[Times]:
    """Give each array of times once: series that are scraped together share one."""
    return list({(one.ts_ns.ctypes.data, one.ts_ns.strides, one.ts_ns.size): one.ts_ns for one in series}.values())


def _rest(series: Series, selector: Selector, summed: Iterable[str]) -> dict[str, str]:
    known = {*selector.match, *summed}
    return {name: value for name, value in series.labels.items() if name not in known}


def _distinct(sets: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return list({tuple(sorted(labels.items())): labels for labels in sets}.values())


def _show(sets: Sequence[dict[str, str]]) -> str:
    shown = "; ".join(", ".join(f"{name}={value}" for name, value in labels.items()) for labels in sets[:_SHOWN])
    return f"{shown}; …" if len(sets) > _SHOWN else shown
