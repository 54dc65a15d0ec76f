"""SLIs over gauges: a statistic of raw samples, and the time for which a condition held.

Statistics are those of Prometheus' ``min_over_time`` and so on, over raw samples and never over a subquery, which
misses a spike of one sample. Minimum and maximum skip NaN, the mean does not; any NaN taints a measurement.
``changes`` counts the samples that differ from the one before, two NaN being alike.

A value that the gauge cannot have says that its exporter is broken, whatever the others are: with a ``range``, one
sample outside makes it no measurement, and a state that is none makes the time of a condition doubtful.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.canonical import number_text
from mm_ops.domain.policy import CLOSED, MetricName
from mm_ops.domain.sli.instants import LOOKBACK_NS, Instants, Marks, Times, chosen, latest
from mm_ops.domain.sli.measurement import Measurement, Scope, pick, weigh, with_value
from mm_ops.domain.sli.series import LabelName, Selector, Series
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow, format_duration, from_ns

_QUERY_STEP_S = 15
_NOT_FINITE = "the samples are not numbers"
_FUNCTIONS = {
    "min": "min_over_time",
    "max": "max_over_time",
    "mean": "avg_over_time",
    "last": "last_over_time",
    "changes": "changes",
}


def changed(values: NDArray[np.float64]) -> Marks:
    """Mark the samples that differ from the one before; two NaN are alike. (n_samples - 1,)."""
    nan = np.isnan(values)
    marks: Marks = (values[1:] != values[:-1]) & ~(nan[1:] & nan[:-1])
    return marks


_STATISTICS: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "min": lambda values: float(np.fmin.reduce(values)),
    "max": lambda values: float(np.fmax.reduce(values)),
    "mean": lambda values: float(values.mean()),
    "last": lambda values: float(values[-1]),
    "changes": lambda values: float(changed(values).sum()),
}
Finite = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Range:
    """The values that a gauge can have at all, good or bad; both ends are possible."""

    least: Finite
    most: Finite

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise ValueError(f"range: expected least up to most, was {self.least:g} and {self.most:g}")

    def find_impossible_value(self, value: float, name: str) -> str | None:
        """Say that a value cannot be; NaN is for others to find."""
        if not (value < self.least or value > self.most):
            return None
        return f"impossible: {name} was {value:.10g}, {self._expected}"

    def find_impossible(self, series: Series) -> str | None:
        """Say which sample is the first that cannot be, and of how many."""
        outside = (series.values < self.least) | (series.values > self.most)
        if not outside.any():
            return None
        first = int(outside.argmax())
        was = (
            f"{series.metric} was {series.values[first]:.10g} at {from_ns(int(series.ts_ns[first])):%Y-%m-%dT%H:%M:%SZ}"
        )
        return f"impossible: {was}, {self._expected} (in {int(outside.sum())} of {outside.size} samples)"

    @property
    def _expected(self) -> str:
        return f"expected {self.least:.10g} to {self.most:.10g}"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Gauge:
    """A statistic of one gauge's raw samples in the window; the mean is of samples, not weighted by time."""

    windowed: ClassVar[Literal[False]] = False
    kind: Literal["gauge"] = "gauge"
    metric: MetricName
    match: dict[LabelName, str] = Field(default_factory=dict)
    statistic: Literal["min", "max", "mean", "last", "changes"]
    range: Range | None = None

    def selectors(self) -> tuple[Selector, ...]:
        """The series it reads."""
        return (Selector(self.metric, self.match),)

    def promql(self, window: timedelta, matchers: Mapping[str, str]) -> str:
        """Write the whole-window query."""
        selector = self.selectors()[0].promql(matchers)
        return f"{_FUNCTIONS[self.statistic]}({selector}[{format_duration(window)}])"

    def alert_promql(self, window: timedelta | None, by: Sequence[str]) -> str:  # noqa: ARG002 - one form for all kinds
        """Write the gauge itself: an alert looks at each sample."""
        return self.selectors()[0].promql({})

    def evaluate(self, table: Sequence[Series], scope: Scope) -> Measurement:
        """Measure it on raw samples."""
        selector = self.selectors()[0]
        found = pick(table, selector, scope.window)
        evidence = weigh([(selector, found)], scope)
        if not evidence.computable:
            return evidence
        impossible = self.range.find_impossible(found[0]) if self.range else None
        if impossible:
            return with_value(evidence, math.nan, why_not=impossible)
        with np.errstate(invalid="ignore"):  # both infinities in one mean: not finite, and said so
            value = _STATISTICS[self.statistic](found[0].values)
        return with_value(evidence, value, why_not=_NOT_FINITE)

    def alert_values(
        self,
        table: Sequence[Series],
        times_ns: Times,
        window: timedelta | None,  # noqa: ARG002 - one form for all kinds
        by: Sequence[str],  # noqa: ARG002 - one form for all kinds
    ) -> list[Instants]:
        """Evaluate what :meth:`alert_promql` writes, on raw samples, for each series."""
        return [latest(one, times_ns) for one in chosen(table, self.selectors()[0])]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ConditionTime:
    """For how many seconds of the window one gauge had the value ``equals``.

    A sample's state holds until the next sample, at most for ``LOOKBACK_NS`` and never past the window's end.
    Before the first sample the state is unknown and counts as not holding; the gap shows in the evidence. A state is
    ``equals`` or 0 (or 1, where ``equals`` is 0): any other value makes the time doubtful.
    """

    windowed: ClassVar[Literal[False]] = False
    kind: Literal["condition_time"] = "condition_time"
    metric: MetricName
    match: dict[LabelName, str] = Field(default_factory=dict)
    equals: Annotated[float, Field(allow_inf_nan=False)] = 1.0

    def selectors(self) -> tuple[Selector, ...]:
        """The series it reads."""
        return (Selector(self.metric, self.match),)

    def promql(self, window: timedelta, matchers: Mapping[str, str]) -> str:
        """Write the whole-window query; it looks every 15 s, the value looks at every sample."""
        selector = self.selectors()[0].promql(matchers)
        looks = f"({selector} == bool {number_text(self.equals)})[{format_duration(window)}:{_QUERY_STEP_S}s]"
        return f"sum_over_time({looks}) * {_QUERY_STEP_S}"

    def alert_promql(self, window: timedelta | None, by: Sequence[str]) -> str:  # noqa: ARG002 - one form for all kinds
        """Write the gauge itself: the alert's ``hold`` is what measures the time."""
        return self.selectors()[0].promql({})

    def evaluate(self, table: Sequence[Series], scope: Scope) -> Measurement:
        """Measure it on raw samples."""
        selector = self.selectors()[0]
        found = pick(table, selector, scope.window)
        evidence = weigh([(selector, found)], scope)
        if not evidence.computable:
            return evidence
        seconds = _seconds_at(found[0], self.equals, scope.window)
        return with_value(evidence, seconds, why_not=_NOT_FINITE, doubt=self._find_other(found[0]))

    def alert_values(
        self,
        table: Sequence[Series],
        times_ns: Times,
        window: timedelta | None,  # noqa: ARG002 - one form for all kinds
        by: Sequence[str],  # noqa: ARG002 - one form for all kinds
    ) -> list[Instants]:
        """Evaluate what :meth:`alert_promql` writes, on raw samples, for each series."""
        return [latest(one, times_ns) for one in chosen(table, self.selectors()[0])]

    def _find_other(self, series: Series) -> str | None:
        contrary = 0.0 if self.equals else 1.0
        other = series.values[(series.values != self.equals) & (series.values != contrary)]
        if not other.size:
            return None
        return f"{series.metric} was {other[0]:g} in {other.size} samples, neither {contrary:g} nor {self.equals:g}"


def _seconds_at(series: Series, value: float, window: TimeWindow) -> float:
    until = np.append(series.ts_ns[1:], window.end_ns)
    held = np.minimum(until - series.ts_ns, LOOKBACK_NS)
    return float(held[series.values == value].sum() / NS_PER_SECOND)
