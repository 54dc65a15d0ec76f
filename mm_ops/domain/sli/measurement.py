"""One SLI's value over a window, with the evidence that says how far to trust it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

import numpy as np

from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow

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
    nothing. ``samples``, ``coverage`` and ``longest_gap_s`` are those of the worst series; ``coverage`` is samples
    over (window / scrape interval), at most 1; ``longest_gap_s`` counts from the window's start to the first
    sample and from the last one to the window's end as well. ``not_finite`` counts NaN and infinite samples of
    all series: one of them taints the measurement even where Prometheus skips it. ``doubt`` says why a value
    that is known does not suffice for a pass. ``labels`` are those that all series share beyond the selector.
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


def longest_gap_ns(series: Series, window: TimeWindow) -> int:
    """The longest stretch of the window without a sample, head and tail counted; ``series`` has at least one."""
    edges = np.concatenate(([window.start_ns], series.ts_ns, [window.end_ns]))
    return int(np.diff(edges).max())


def _nothing(window: TimeWindow) -> Measurement:
    length = window.duration.total_seconds()
    return Measurement(value=None, samples=0, coverage=0.0, longest_gap_s=length, series=0, not_finite=0, labels={})


def _count(series: Sequence[Series], scope: Scope) -> Measurement:
    if not series:
        return _nothing(scope.window)
    samples = min(one.ts_ns.size for one in series)
    expected = scope.window.duration / scope.scrape_interval
    return Measurement(
        value=None,
        samples=samples,
        coverage=min(1.0, samples / expected),
        longest_gap_s=max(longest_gap_ns(one, scope.window) for one in series) / NS_PER_SECOND,
        series=len(series),
        not_finite=sum(int((~np.isfinite(one.values)).sum()) for one in series),
        labels={},
    )


def _rest(series: Series, selector: Selector, summed: Iterable[str]) -> dict[str, str]:
    known = {*selector.match, *summed}
    return {name: value for name, value in series.labels.items() if name not in known}


def _distinct(sets: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return list({tuple(sorted(labels.items())): labels for labels in sets}.values())


def _show(sets: Sequence[dict[str, str]]) -> str:
    shown = "; ".join(", ".join(f"{name}={value}" for name, value in labels.items()) for labels in sets[:_SHOWN])
    return f"{shown}; …" if len(sets) > _SHOWN else shown
