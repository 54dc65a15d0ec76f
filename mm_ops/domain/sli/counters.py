"""SLIs over counters: how much was counted, and which share of it.

    increase = sum over i of (v[i] - v[i-1] if v[i] >= v[i-1] else v[i])

as in Prometheus: after a reset the new value is the step. There is **no extrapolation** to the window's edges:
Prometheus scales by window / sampled stretch, which cancels in a ratio of counters that are scraped together, and
turns whole events into fractions of one. A series that is born inside the window counts from its first sample on,
whose own value is lost (the exporter must create every label value at 0); the late birth shows as a gap at the
window's head. What is counted after the last sample of a window belongs to the next sample, hence to no window
that ends between the two.

A share says nothing about a stretch in which its denominator stood still, as that of a process that hangs: such a
stretch counts as a gap. How much was counted needs no such evidence: no trip is what a counter of trips is for.

What is below zero is no counter and counts nothing. What falls at more than every second step is hardly one: each
fall is read as a restart, which adds the whole new value, so such a count is in doubt.
"""

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, MetricName
from mm_ops.domain.sli import range_functions
from mm_ops.domain.sli.gauges import Range
from mm_ops.domain.sli.instants import Instants, Times, above, add, chosen, divide, sum_by
from mm_ops.domain.sli.measurement import Measurement, Scope, pick, stand_still, weigh, with_value
from mm_ops.domain.sli.series import LabelName, Selector, Series
from mm_ops.domain.windows import format_duration

Values = Annotated[tuple[str, ...], Field(min_length=1)]
Counters = Annotated[tuple[Selector, ...], Field(min_length=1)]


def increase(values: NDArray[np.float64]) -> float:
    """Count what a counter counted between its first and its last sample.

    Args:
        values: (n_samples,), in order of time; a NaN among them makes the result NaN, as in Prometheus.

    Returns:
        NaN with fewer than two samples, or where one is below zero.
    """
    if values.size < 2 or (values < 0).any():  # noqa: PLR2004 - a step needs two ends
        return math.nan
    with np.errstate(invalid="ignore"):  # infinity minus infinity: the sample is counted as not finite
        steps = np.diff(values)
    return float(np.where(steps < 0, values[1:], steps).sum())


def total_increase(series: Sequence[Series]) -> float:
    """Sum the increases of several series."""
    return sum(increase(one.values) for one in series)


def counted_at(series: Series) -> Times:
    """When a counter was seen to count: at its samples that grew, or restarted above zero, and at its first one.

    What was counted before the first sample is not known; ``series`` has at least one.
    """
    counted = (series.values[1:] != series.values[:-1]) & (series.values[1:] > 0)
    times: Times = series.ts_ns[np.concatenate(([True], counted))]
    return times


def find_below_zero(series: Sequence[Series]) -> str | None:
    """Say which series is no counter, since it was below zero."""
    for one in series:
        below = one.values[one.values < 0]
        if below.size:
            return f"{_name(one)} was {below[0]:g}: a counter is never below zero"
    return None


def find_falling(series: Sequence[Series]) -> str | None:
    """Say which series is hardly a counter, since it fell at more than every second step."""
    for one in series:
        falls = int((one.values[1:] < one.values[:-1]).sum())
        if 2 * falls > one.values.size - 1:
            return f"{_name(one)} fell at {falls} of {one.values.size - 1} steps, as if it restarted at each"
    return None


def _name(series: Series) -> str:
    return Selector(series.metric, dict(series.labels)).promql({})


def increase_promql(selectors: Sequence[Selector], window: timedelta, matchers: Mapping[str, str]) -> str:
    """Write the sum of the selectors' increases."""
    terms = [f"sum(increase({one.promql(matchers)}[{format_duration(window)}]))" for one in selectors]
    return terms[0] if len(terms) == 1 else f"({' + '.join(terms)})"


def rate_promql(selectors: Sequence[Selector], window: timedelta, by: Sequence[str]) -> str:
    """Write the sum of the selectors' rates per second over a short window, for each set of the labels ``by``."""
    of = ", ".join(by)
    terms = [f"sum by ({of}) (rate({one.promql({})}[{format_duration(window)}]))" for one in selectors]
    return terms[0] if len(terms) == 1 else f"({' + '.join(terms)})"


def summed_rates(
    selectors: Sequence[Selector], table: Sequence[Series], times_ns: Times, window: timedelta, by: Sequence[str]
) -> list[Instants]:
    """Evaluate what :func:`rate_promql` writes, on raw samples."""
    terms = (
        sum_by([range_functions.rate(one, times_ns, window) for one in chosen(table, selector)], by)
        for selector in selectors
    )
    return functools.reduce(add, terms)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class CounterIncrease:
    """How much a counter counted in the window, summed over the labels in ``by``.

    ``by`` gives for each label that is summed over the values that must be there, in every combination: a series
    that is absent makes it no measurement, one that is not foreseen makes it doubtful, and neither passes.
    """

    windowed: ClassVar[Literal[True]] = True
    kind: Literal["counter_increase"] = "counter_increase"
    metric: MetricName
    match: dict[LabelName, str] = Field(default_factory=dict)
    by: dict[LabelName, Values] = Field(default_factory=dict)

    def selectors(self) -> tuple[Selector, ...]:
        """The series it reads."""
        return (Selector(self.metric, self.match),)

    def promql(self, window: timedelta, matchers: Mapping[str, str]) -> str:
        """Write the whole-window query; it extrapolates, so it may exceed the value by one scrape's worth."""
        return increase_promql(self.selectors(), window, matchers)

    def alert_promql(self, window: timedelta, by: Sequence[str]) -> str:
        """Write the value over a short window, for each set of ``by`` and of the labels that are counted apart."""
        of = ", ".join([*by, *self.by])
        return f"sum by ({of}) (increase({self.selectors()[0].promql({})}[{format_duration(window)}]))"

    def evaluate(self, table: Sequence[Series], scope: Scope) -> Measurement:
        """Measure it on raw samples."""
        selector = self.selectors()[0]
        found = pick(table, selector, scope.window)
        seen = {tuple(one.labels.get(name, "") for name in self.by) for one in found}
        needed = set(itertools.product(*self.by.values()))
        absent = self._words("no series", needed - seen)
        evidence = weigh([(selector, found)], scope, summed=self.by, missing=absent)
        if not evidence.computable:
            return evidence
        doubt = self._words("a series that the policy does not foresee:", seen - needed) or find_falling(found)
        why_not = find_below_zero(found) or "a series has a single sample or one that is not a number"
        return with_value(evidence, total_increase(found), why_not=why_not, doubt=doubt)

    def alert_values(
        self, table: Sequence[Series], times_ns: Times, window: timedelta, by: Sequence[str]
    ) -> list[Instants]:
        """Evaluate what :meth:`alert_promql` writes, on raw samples, for each set of labels."""
        counted = (range_functions.increase(one, times_ns, window) for one in chosen(table, self.selectors()[0]))
        return sum_by(counted, [*by, *self.by])

    def _words(self, what: str, sets: AbstractSet[tuple[str, ...]]) -> str | None:
        shown = sorted(Selector(self.metric).promql(dict(zip(self.by, one, strict=True))) for one in sets)
        return f"{what} {', '.join(shown)} in the window" if shown else None


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Ratio:
    """Increases of the numerator's counters over those of the denominator's, each selecting one series.

    ``hit / (hit + miss)`` has ``hit`` in both. Any series that is absent makes it no measurement; 0 / 0 is not a
    number, since nothing happened that could have a share, and the longest stretch without any is a gap. With a
    ``range``, a value outside is no measurement: more misses than ticks say that a counter is wrong.
    """

    windowed: ClassVar[Literal[True]] = True
    kind: Literal["ratio"] = "ratio"
    numerator: Counters
    denominator: Counters
    range: Range | None = None

    def selectors(self) -> tuple[Selector, ...]:
        """The series it reads, each once."""
        both = [*self.numerator, *self.denominator]
        return tuple(one for n, one in enumerate(both) if one not in both[:n])

    def promql(self, window: timedelta, matchers: Mapping[str, str]) -> str:
        """Write the whole-window query; its extrapolation cancels."""
        numerator = increase_promql(self.numerator, window, matchers)
        return f"{numerator} / {increase_promql(self.denominator, window, matchers)}"

    def alert_promql(self, window: timedelta, by: Sequence[str]) -> str:
        """Write the value over a short window; where nothing was counted there is no sample, and not a NaN."""
        return f"{rate_promql(self.numerator, window, by)} / ({rate_promql(self.denominator, window, by)} > 0)"

    def evaluate(self, table: Sequence[Series], scope: Scope) -> Measurement:
        """Measure it on raw samples."""
        picked = [(one, pick(table, one, scope.window)) for one in self.selectors()]
        evidence = weigh(picked, scope)
        if not evidence.computable:
            return evidence
        found = [one for _, series in picked for one in series]
        counted = [counted_at(one) for selector, series in picked if selector in self.denominator for one in series]
        evidence = stand_still(evidence, counted, scope.window, " + ".join(one.metric for one in self.denominator))
        value, words = self._divide(table, scope)
        impossible = self.range and self.range.find_impossible_value(value, words)
        if impossible:
            return with_value(evidence, math.nan, why_not=impossible)
        why_not = find_below_zero(found) or f"{words} is no ratio"
        return with_value(evidence, value, why_not=why_not, doubt=find_falling(found))

    def alert_values(
        self, table: Sequence[Series], times_ns: Times, window: timedelta, by: Sequence[str]
    ) -> list[Instants]:
        """Evaluate what :meth:`alert_promql` writes, on raw samples, for each set of labels."""
        numerator, denominator = (
            summed_rates(counters, table, times_ns, window, by) for counters in (self.numerator, self.denominator)
        )
        return divide(numerator, above(denominator, 0))

    def _divide(self, table: Sequence[Series], scope: Scope) -> tuple[float, str]:
        """The value, NaN where there is nothing to divide by, and what it is made of in words."""
        part, whole = (
            sum(total_increase(pick(table, one, scope.window)) for one in counters)
            for counters in (self.numerator, self.denominator)
        )
        return (part / whole if whole else math.nan), f"{part:g} / {whole:g}"
