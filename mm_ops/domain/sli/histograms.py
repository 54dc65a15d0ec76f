"""SLIs over histograms: the quantile of what was observed in the window.

With ``le`` bounds b[0] < … < b[n] = +Inf and c[i] the increase of bucket i (:mod:`.counters`, no extrapolation):

    rank  = q * c[n]
    i     = the first bucket below +Inf with c[i] >= rank
    value = b[i-1] + (b[i] - b[i-1]) * (rank - c[i-1]) / (c[i] - c[i-1])

as ``histogram_quantile`` of Prometheus 2.42: where only +Inf holds the rank the value is the highest finite bound;
in the first bucket b[i-1] is 0, or the value is its bound where that is not positive; a count below that of a
lower bucket is raised to it; nothing observed gives NaN. A stretch in which bucket n did not grow counts as a gap,
since nothing was observed there.

Source: prometheus v2.42.0, promql/quantile.go, bucketQuantile and ensureMonotonic.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.canonical import number_text
from mm_ops.domain.policy import CLOSED, MetricName
from mm_ops.domain.sli.bucket_quantiles import histogram_quantiles
from mm_ops.domain.sli.counters import (
    counted_at,
    find_below_zero,
    find_falling,
    increase,
    rate_promql,
    summed_rates,
)
from mm_ops.domain.sli.instants import Instants, Times
from mm_ops.domain.sli.measurement import Measurement, Scope, pick, stand_still, weigh, with_value
from mm_ops.domain.sli.series import LabelName, Selector, Series
from mm_ops.domain.windows import format_duration

_LE = "le"
Bound = Annotated[float, Field(allow_inf_nan=False)]


def histogram_quantile(q: float, buckets: Mapping[float, float]) -> tuple[float, bool]:
    """Interpolate the quantile of cumulative buckets.

    Args:
        q: 0 < q < 1.
        buckets: upper bound to count; the highest is +Inf, with at least one more.

    Returns:
        The value (NaN where nothing was observed or a count is NaN), and whether the quantile lies beyond the
        highest finite bound, so that the value is only its lower limit.
    """
    bounds = sorted(buckets)
    counts = list(itertools.accumulate((buckets[bound] for bound in bounds), max))
    if any(math.isnan(buckets[bound]) for bound in bounds) or not counts[-1]:
        return math.nan, False
    rank = q * counts[-1]
    held = [n for n, count in enumerate(counts[:-1]) if count >= rank]
    if not held:
        return bounds[-2], True
    i = held[0]
    if i == 0 and bounds[0] <= 0:
        return bounds[0], False
    start, before = (bounds[i - 1], counts[i - 1]) if i else (0.0, 0.0)
    return start + (bounds[i] - start) * (rank - before) / (counts[i] - before), False


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class HistogramQuantile:
    """The ``q`` quantile of a histogram over the whole window, of summed bucket increases.

    ``metric`` is the name without ``_bucket``. ``bounds`` are the finite bucket bounds that the bot exports,
    ascending; +Inf comes on top. Without that list a lost bucket would only widen the interpolation and nobody
    would know: a bucket that is absent makes it no measurement, one that is not foreseen makes it doubtful.
    """

    windowed: ClassVar[Literal[True]] = True
    kind: Literal["histogram_quantile"] = "histogram_quantile"
    metric: MetricName
    match: dict[LabelName, str] = Field(default_factory=dict)
    q: Annotated[float, Field(gt=0, lt=1)]
    bounds: Annotated[tuple[Bound, ...], Field(min_length=1)]

    def __post_init__(self) -> None:
        if any(low >= high for low, high in itertools.pairwise(self.bounds)):
            raise ValueError(f"bounds: expected ascending numbers, was {list(self.bounds)}")
        if _LE in self.match:
            raise ValueError("match: the label le is summed over and cannot be matched")

    def selectors(self) -> tuple[Selector, ...]:
        """The series it reads."""
        return (Selector(f"{self.metric}_bucket", self.match),)

    def promql(self, window: timedelta, matchers: Mapping[str, str]) -> str:
        """Write the whole-window query; its extrapolation cancels."""
        buckets = self.selectors()[0].promql(matchers)
        return (
            f"histogram_quantile({number_text(self.q)}, sum by (le) (increase({buckets}[{format_duration(window)}])))"
        )

    def alert_promql(self, window: timedelta, by: Sequence[str]) -> str:
        """Write the quantile of what was observed in a short window."""
        return f"histogram_quantile({number_text(self.q)}, {rate_promql(self.selectors(), window, [*by, _LE])})"

    def evaluate(self, table: Sequence[Series], scope: Scope) -> Measurement:
        """Measure it on raw samples."""
        selector = self.selectors()[0]
        found = pick(table, selector, scope.window)
        seen = {_bound_of(one) for one in found}
        needed = {*self.bounds, math.inf}
        absent = _words("no bucket", needed - seen) if found else None
        evidence = weigh([(selector, found)], scope, summed=(_LE,), missing=absent)
        if not evidence.computable:
            return evidence
        observed = [counted_at(one) for one in found if _bound_of(one) == math.inf]
        evidence = stand_still(evidence, observed, scope.window, f"{self.metric}_bucket of +Inf")
        value, beyond = histogram_quantile(self.q, _increases(found))
        doubt = _words("a bucket that the policy does not foresee:", seen - needed) or find_falling(found)
        if beyond:
            doubt = f"the quantile lies above the highest finite bucket, {value:g}: how far is not known"
        why_not = find_below_zero(found) or f"nothing was observed by {self.metric}, or a bucket is not a number"
        return with_value(evidence, value, why_not=why_not, doubt=doubt)

    def alert_values(
        self, table: Sequence[Series], times_ns: Times, window: timedelta, by: Sequence[str]
    ) -> list[Instants]:
        """Evaluate what :meth:`alert_promql` writes, on raw samples, for each set of labels."""
        return histogram_quantiles(self.q, summed_rates(self.selectors(), table, times_ns, window, [*by, _LE]))


def _bound_of(series: Series) -> float:
    """The bucket's bound as a number: exporters write ``150`` or ``150.0``; NaN where it is neither."""
    try:
        return float(series.labels.get(_LE, "nan"))
    except ValueError:
        return math.nan


def _increases(series: Sequence[Series]) -> dict[float, float]:
    """Sum per bound, since ``150`` and ``150.0`` are one bucket."""
    counts: dict[float, float] = defaultdict(float)
    for one in series:
        counts[_bound_of(one)] += increase(one.values)
    return counts


def _words(what: str, bounds: set[float]) -> str | None:
    shown = ", ".join(f"le={bound:g}" for bound in sorted(bounds))
    return f"{what} {shown}" if shown else None
