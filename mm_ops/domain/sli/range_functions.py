"""Prometheus' functions of a range of samples, at many evaluation times at once.

For each time t the range is t - w <= ts <= t, **both ends included** as in 2.x (3.x leaves out the left one).

    sampled = t[last] - t[first];  average = sampled / (n - 1)
    counted = v[last] - v[first] + (counters) sum of v[i-1] over all i with v[i] < v[i-1]
    head    = t[first] - (t - w);  for a counter with counted > 0 and v[first] >= 0 at most
              sampled * v[first] / counted, the time in which it would have come from zero
    tail    = t - t[last]
    reach   = sampled + (head if head < 1.1 average else average / 2) + (the same of tail)
    increase, delta = counted * reach / sampled;  rate = increase / w in seconds

A series has at least one sample; fewer than two in a range give no rate. Comparisons with NaN are false, so a NaN
inside a range hides a reset next to it, and one at either end of it makes the result NaN.

Source: prometheus v2.42.0, promql/functions.go, extrapolatedRate, instantValue, funcResets, funcChanges and the
``*_over_time`` family; promql/quantile.go, quantile.
"""

from datetime import timedelta

import numpy as np

from mm_ops.domain.sli.instants import Index, Instants, Marks, Times, Values, scatter
from mm_ops.domain.sli.series import Series
from mm_ops.domain.windows import NS_PER_SECOND

_NEAR = 1.1
_FOR_A_STEP = 2


def rate(series: Series, times_ns: Times, window: timedelta) -> Instants:
    """What a counter counted per second, stretched to the range's ends."""
    counted = increase(series, times_ns, window)
    return Instants(counted.labels, counted.values / window.total_seconds(), counted.present)


def increase(series: Series, times_ns: Times, window: timedelta) -> Instants:
    """What a counter counted, stretched to the range's ends; not :func:`.counters.increase`, which never stretches."""
    return _extrapolated(series, times_ns, window, counter=True)


def delta(series: Series, times_ns: Times, window: timedelta) -> Instants:
    """By how much a gauge changed, stretched to the range's ends."""
    return _extrapolated(series, times_ns, window, counter=False)


def irate(series: Series, times_ns: Times, window: timedelta) -> Instants:
    """What a counter counted per second between the last two samples of the range."""
    first, end = ranges(series, times_ns, window)
    present = end - first >= _FOR_A_STEP
    last = end[present] - 1
    now, before = series.values[last], series.values[last - 1]
    seconds = (series.ts_ns[last] - series.ts_ns[last - 1]) / NS_PER_SECOND
    with np.errstate(invalid="ignore"):
        return scatter(series.labels, present, np.where(now < before, now, now - before) / seconds)


def resets(series: Series, times_ns: Times, window: timedelta) -> Instants:
    """How often a sample was below the one before it."""
    return _count_steps(series, times_ns, window, series.values[1:] < series.values[:-1])


def changes(series: Series, times_ns: Times, window: timedelta) -> Instants:
    """How often a sample differed from the one before it; from NaN to NaN is no change."""
    both_nan = np.isnan(series.values[1:]) & np.isnan(series.values[:-1])
    return _count_steps(series, times_ns, window, (series.values[1:] != series.values[:-1]) & ~both_nan)


def over_time(ufunc: np.ufunc, series: Series, times_ns: Times, window: timedelta) -> Instants:
    """Fold the samples of each range: ``np.fmin``, ``np.fmax`` (both skip NaN, as Prometheus does), ``np.add``."""
    first, end = ranges(series, times_ns, window)
    present = end > first
    return scatter(series.labels, present, _fold(ufunc, series.values, first[present], end[present]))


def count_over_time(series: Series, times_ns: Times, window: timedelta) -> Instants:
    """How many samples each range has; a NaN counts."""
    first, end = ranges(series, times_ns, window)
    present = end > first
    return scatter(series.labels, present, (end - first)[present].astype(np.float64))


def last_over_time(series: Series, times_ns: Times, window: timedelta) -> Instants:
    """The last sample of each range."""
    first, end = ranges(series, times_ns, window)
    present = end > first
    return scatter(series.labels, present, series.values[end[present] - 1])


def quantile_over_time(q: float, series: Series, times_ns: Times, window: timedelta) -> Instants:
    """The quantile of the samples of each range, between the two nearest; NaN ranks below everything.

    Needs memory for as many numbers as all ranges have samples.

    Args:
        q: 0 <= q <= 1.
        series: the samples.
        times_ns: evaluation times.
        window: the range's length.
    """
    first, end = ranges(series, times_ns, window)
    present = end > first
    ranked, count = _rank(series.values, first[present], end[present])
    rank = q * (count - 1)
    low = np.floor(rank).astype(np.int64)
    high = np.minimum(count - 1, low + 1)
    row, weight = np.arange(count.size), rank - low
    with np.errstate(invalid="ignore"):
        return scatter(series.labels, present, ranked[row, low] * (1 - weight) + ranked[row, high] * weight)


def ranges(series: Series, times_ns: Times, window: timedelta) -> tuple[Index, Index]:
    """For each time the first sample of the range, and the one after its last."""
    first = np.searchsorted(series.ts_ns, times_ns - nanoseconds(window), side="left")
    return first, np.searchsorted(series.ts_ns, times_ns, side="right")


def nanoseconds(duration: timedelta) -> int:
    """A duration in the unit of ``ts_ns``, exactly."""
    return duration // timedelta(microseconds=1) * 1000


def _extrapolated(series: Series, times_ns: Times, window: timedelta, *, counter: bool) -> Instants:
    first, end = ranges(series, times_ns, window)
    present = end - first >= _FOR_A_STEP
    first, last, at = first[present], end[present] - 1, times_ns[present]
    counted = _counted(series.values, first, last, counter=counter)
    sampled = (series.ts_ns[last] - series.ts_ns[first]) / NS_PER_SECOND
    head = (series.ts_ns[first] - at + nanoseconds(window)) / NS_PER_SECOND
    tail = (at - series.ts_ns[last]) / NS_PER_SECOND
    if counter:
        head = _clamp_at_zero(head, sampled, series.values[first], counted)
    average = sampled / (last - first)
    reach = sampled + _stretch(head, average) + _stretch(tail, average)
    return scatter(series.labels, present, counted * (reach / sampled))


def _counted(values: Values, first: Index, last: Index, *, counter: bool) -> Values:
    with np.errstate(invalid="ignore"):
        counted: Values = values[last] - values[first]
    if not counter:
        return counted
    drops = np.flatnonzero(values[1:] < values[:-1]) + 1
    inside = (np.searchsorted(drops, edge, side="right") for edge in (first, last))
    return counted + _fold(np.add, values[drops - 1], *inside)


def _clamp_at_zero(head: Values, sampled: Values, start: Values, counted: Values) -> Values:
    with np.errstate(invalid="ignore", divide="ignore"):
        to_zero = sampled * (start / counted)
        return np.where((counted > 0) & (start >= 0) & (to_zero < head), to_zero, head)


def _stretch(edge: Values, average: Values) -> Values:
    return np.where(edge < _NEAR * average, edge, average / 2)


def _count_steps(series: Series, times_ns: Times, window: timedelta, marked: Marks) -> Instants:
    first, end = ranges(series, times_ns, window)
    present = end > first
    before = np.concatenate(([0], np.cumsum(marked)))  # [i]: marked steps up to sample i
    counted = before[end[present] - 1] - before[first[present]]
    return scatter(series.labels, present, counted.astype(np.float64))


def _fold(ufunc: np.ufunc, values: Values, first: Index, end: Index) -> Values:
    """Fold values[first:end] for each pair; 0 where that is empty."""
    folded = np.zeros(first.size)
    some = end > first
    pairs = np.stack([first[some], end[some]], axis=1).ravel()
    if pairs.size:
        folded[some] = ufunc.reduceat(np.append(values, 0.0), pairs)[::2]
    return folded


def _rank(values: Values, first: Index, end: Index) -> tuple[Values, Index]:
    """Sort each range, one a row, NaN first; what lies beyond a row's count is padding."""
    count = end - first
    column = np.arange(count.max(initial=0))
    inside = column < count[:, None]
    rows = values[np.minimum(first[:, None] + column, values.size - 1)]
    nans = (np.isnan(rows) & inside).sum(axis=1)
    ranked = np.sort(np.where(inside, np.where(np.isnan(rows), -np.inf, rows), np.inf), axis=1)
    return np.where(column < nans[:, None], np.nan, ranked), count
