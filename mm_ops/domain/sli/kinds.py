"""The closed set of SLI kinds: each selects series, renders to PromQL, and evaluates raw samples."""

from typing import Annotated

from pydantic import Field

from mm_ops.domain.sli.counters import CounterIncrease, Ratio
from mm_ops.domain.sli.gauges import ConditionTime, Gauge
from mm_ops.domain.sli.histograms import HistogramQuantile

Kind = Annotated[
    HistogramQuantile | Ratio | Gauge | CounterIncrease | ConditionTime,
    Field(discriminator="kind"),
]
"""Each has ``selectors()``, ``promql(window, matchers)`` and ``evaluate(series, scope)``, with one meaning; and
``alert_promql(window, by)``, the value that an alert compares, over a short window where it is ``windowed``,
with ``alert_values(table, times_ns, window, by)``, the same on raw samples at many times at once."""

__all__ = ["ConditionTime", "CounterIncrease", "Gauge", "HistogramQuantile", "Kind", "Ratio"]
