"""``histogram_quantile`` at many evaluation times at once, with all that Prometheus does to odd buckets.

:func:`.histograms.histogram_quantile` is the same formula for the whole window and refuses a count that is NaN; an
alert must see what a server would, so here nothing is refused. Buckets that are absent at a time take no part in
it; those of one bound in two spellings are one; a bound that is no number is skipped; no bucket +Inf gives NaN, and
so does a single bucket or nothing observed. The search for the rank is binary, which decides where it ends among
counts that are NaN.

Source: prometheus v2.42.0, promql/quantile.go, bucketQuantile, coalesceBuckets and ensureMonotonic;
promql/functions.go, funcHistogramQuantile.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mm_ops.domain.sli.instants import Index, Instants, Marks, Values, scatter, sum_by

LE = "le"
_AT_LEAST = 2


def histogram_quantiles(q: float, buckets: Sequence[Instants]) -> list[Instants]:
    """Interpolate the quantile of each histogram.

    Args:
        q: 0 < q < 1.
        buckets: counts or rates of every bucket, its bound in the label ``le``.

    Returns:
        One for each set of the other labels.
    """
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, Instants]]] = {}
    for one in buckets:
        bound = bound_of(one.labels)
        if not math.isnan(bound):
            key = tuple(sorted((name, value) for name, value in one.labels.items() if name != LE))
            groups.setdefault(key, []).append((bound, one))
    return [_quantile(q, dict(key), members) for key, members in groups.items()]


def bound_of(labels: Mapping[str, str]) -> float:
    """The bucket's bound as a number: exporters write ``150`` or ``150.0``; NaN where it is neither."""
    try:
        return float(labels.get(LE, "nan"))
    except ValueError:
        return math.nan


def _quantile(q: float, labels: Mapping[str, str], members: Sequence[tuple[float, Instants]]) -> Instants:
    bounds = sorted({bound for bound, _ in members})
    merged = [sum_by([one for bound, one in members if bound == each], ())[0] for each in bounds]
    counts = np.stack([one.values for one in merged], axis=1)
    there = np.stack([one.present for one in merged], axis=1)
    values = np.full(counts.shape[0], np.nan)
    _, examples, which = np.unique(np.packbits(there, axis=1), axis=0, return_index=True, return_inverse=True)
    for number, example in enumerate(examples):  # few: a bucket comes or goes with its process
        rows, pattern = which.ravel() == number, there[example]
        values[rows] = _interpolate(q, np.array(bounds)[pattern], counts[rows][:, pattern])
    present: Marks = np.logical_or.reduce(there, axis=1)
    return scatter(labels, present, values[present])


def _interpolate(q: float, bounds: Values, counts: Values) -> Values:
    """The quantiles of rows of cumulative counts, (n_times, n_bounds), where every bound is there."""
    if bounds.size < _AT_LEAST or bounds[-1] != math.inf:
        return np.full(counts.shape[0], np.nan)
    raised = _never_falling(counts)
    rank = q * raised[:, -1]
    found = _search(raised[:, :-1] >= rank[:, None])
    row = np.arange(found.size)
    inner = np.minimum(found, bounds.size - 2)
    start = np.where(inner > 0, bounds[inner - 1], 0.0)
    before = np.where(inner > 0, raised[row, inner - 1], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = start + (bounds[inner] - start) * ((rank - before) / (raised[row, inner] - before))
    value = np.where(found == bounds.size - 1, bounds[-2], within)
    if bounds[0] <= 0:
        value = np.where(found == 0, bounds[0], value)
    return np.where(raised[:, -1] == 0, np.nan, value)


def _never_falling(counts: Values) -> Values:
    """Raise each count to the highest before it; a NaN stays, and one that comes first leaves all as they are."""
    filled = counts.copy()
    filled[:, 1:][np.isnan(counts[:, 1:])] = -np.inf
    raised = np.maximum.accumulate(filled, axis=1)
    return np.where(np.isnan(counts) | np.isnan(raised), counts, raised)


def _search(enough: Marks) -> Index:
    """For each row the first column with enough, as a binary search sees it; the number of columns where none has."""
    rows = np.arange(enough.shape[0])
    low, high = np.zeros(rows.size, dtype=np.int64), np.full(rows.size, enough.shape[1], dtype=np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        yes = enough[rows, np.minimum(middle, enough.shape[1] - 1)]
        open_ = low < high
        high = np.where(open_ & yes, middle, high)
        low = np.where(open_ & ~yes, middle + 1, low)
    return low
