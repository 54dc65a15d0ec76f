"""Values at many evaluation times at once, and Prometheus' arithmetic on them.

A query gives, for each set of labels and each time, a sample or **none**; a sample may be NaN. The two differ: a
comparison with NaN is false, a sum with NaN is NaN, and what is absent takes part in neither. So each value stands
beside the mark that says whether it is there.

Where a server knows that a series ended (its target went away) it stores a stale marker, and the series is gone at
once. Raw samples carry no such markers (neither a recording nor a range selector gives them), so here a series
lasts for ``LOOKBACK_NS`` after its last sample: after the end of a series a server's alert may resolve up to
5 minutes earlier than here.

Source: prometheus v2.42.0, promql/engine.go: vectorSelectorSingle, VectorBinop, aggregation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.windows import NS_PER_SECOND

LOOKBACK_NS = 300 * NS_PER_SECOND
"""For how long a sample stands for what follows. Source: Prometheus' default ``query.lookback-delta``, 5 min."""

Times = NDArray[np.int64]
Index = NDArray[np.int64]
Marks = NDArray[np.bool_]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Instants:
    """One label set at each evaluation time.

    Attributes:
        labels: without the metric's name, as after any function of PromQL.
        values: (n_times,), NaN also where there is no sample.
        present: (n_times,), whether there is a sample.
    """

    labels: Mapping[str, str]
    values: Values
    present: Marks


def scatter(labels: Mapping[str, str], present: Marks, values: Values) -> Instants:
    """Put the values of those times that have one, (n_present,), back among all times."""
    everywhere = np.full(present.size, np.nan)
    everywhere[present] = values
    return Instants(labels, everywhere, present)


def chosen(table: Iterable[Series], selector: Selector) -> list[Series]:
    """The selected series that have any sample."""
    return [one for one in table if one.ts_ns.size and selector.selects(one.metric, one.labels)]


def latest(series: Series, times_ns: Times) -> Instants:
    """Look a series up: its last sample at or before each time, at most ``LOOKBACK_NS`` old, that age included."""
    last = np.searchsorted(series.ts_ns, times_ns, side="right") - 1
    present = (last >= 0) & (times_ns - series.ts_ns[last] <= LOOKBACK_NS)
    return scatter(series.labels, present, series.values[last[present]])


def sum_by(parts: Iterable[Instants], by: Sequence[str]) -> list[Instants]:
    """Sum over all labels but ``by``; a sum has a sample where any part has one."""
    groups: dict[tuple[tuple[str, str], ...], list[Instants]] = {}
    for one in parts:
        key = tuple((name, one.labels[name]) for name in sorted(by) if one.labels.get(name))
        groups.setdefault(key, []).append(one)
    return [_sum(dict(key), members) for key, members in groups.items()]


def add(left: Sequence[Instants], right: Sequence[Instants]) -> list[Instants]:
    """Add the values that have the same labels; there is a sample where both have one."""
    return _match(left, right, lambda a, b: a + b)


def divide(left: Sequence[Instants], right: Sequence[Instants]) -> list[Instants]:
    """Divide as :func:`add` adds; 0 / 0 is NaN and x / 0 infinite, as in PromQL."""
    return _match(left, right, lambda a, b: a / b)


def above(parts: Iterable[Instants], number: float) -> list[Instants]:
    """Keep the samples that are greater, as ``> number`` does; a NaN is not."""
    marked = ((one, one.values > number) for one in parts)
    return [scatter(one.labels, keep, one.values[keep]) for one, keep in marked]


def _sum(labels: Mapping[str, str], members: Sequence[Instants]) -> Instants:
    present = np.logical_or.reduce([one.present for one in members])
    with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, in PromQL too
        total = np.sum([np.where(one.present, one.values, 0.0) for one in members], axis=0)
    return scatter(labels, present, total[present])


def _match(
    left: Sequence[Instants], right: Sequence[Instants], operation: Callable[[Values, Values], Values]
) -> list[Instants]:
    others = {tuple(sorted(one.labels.items())): one for one in right}
    found = []
    for one in left:
        other = others.get(tuple(sorted(one.labels.items())))
        if other is not None:
            present = one.present & other.present
            with np.errstate(invalid="ignore", divide="ignore"):
                found.append(scatter(one.labels, present, operation(one.values, other.values)[present]))
    return found
