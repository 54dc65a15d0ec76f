"""What lost samples may have hidden from an alert.

Too few samples or too long a gap make a gate inconclusive (:mod:`.gate`); but a few lost samples are tolerated, and
in the wrong place they shorten a breach below its ``for``, or cut it in two. So the evaluations whose evidence is
not whole are known, and those that touch a breach may belong to it.

An evaluation is **seen** where every series has a sample less than one scrape interval old and, for a range, one
less than an interval after the range's start. What else is lost inside a range does not change it, since counters
carry on, but for two holes: one across a reset, with what was counted before it, and any in a range that begins
before the window, whose stretch to its start (:mod:`.range_functions`) goes by the average distance of the samples.

What no reader of these values can know: that a counter began anew in a hole and was past its old value at the hole's
end. Only a counter that had just begun can; the gate on restarts sees it, by the start time of the process.
"""

from collections.abc import Iterable
from datetime import timedelta

import numpy as np

from mm_ops.domain.sli.instants import Marks, Times
from mm_ops.domain.sli.range_functions import nanoseconds
from mm_ops.domain.sli.series import Series
from mm_ops.domain.soak.replay import runs


def find_unseen(series: Iterable[Series], times_ns: Times, window: timedelta | None, every: timedelta) -> Marks:
    """Mark the evaluations whose evidence is not whole.

    Args:
        series: those that the alert reads, each with at least one sample, cut to the soak's window.
        times_ns: evaluation times; the first one is the start of all that can be known.
        window: the alert's range, ``None`` where it looks at each sample.
        every: the scrape interval.
    """
    unseen = np.zeros(times_ns.size, dtype=np.bool_)
    for one in series:
        last = np.searchsorted(one.ts_ns, times_ns, side="right") - 1
        unseen |= (last < 0) | (times_ns - one.ts_ns[last] >= nanoseconds(every))
        if window is not None:
            unseen |= _head_is_lost(one, times_ns, window, every) | _hole_matters(one, times_ns, window, every)
    return unseen


def widen(breach: Marks, unseen: Marks) -> Marks:
    """Add to the breaches every run of unseen evaluations that touches one."""
    widened = breach.copy()
    for start, end in zip(*runs(unseen & ~breach), strict=True):
        widened[start:end] = breach[max(start - 1, 0)] or breach[min(end, breach.size - 1)]
    return widened


def _head_is_lost(series: Series, times_ns: Times, window: timedelta, every: timedelta) -> Marks:
    since = np.maximum(times_ns - nanoseconds(window), times_ns[0])
    first = np.minimum(np.searchsorted(series.ts_ns, since), series.ts_ns.size - 1)
    lost: Marks = series.ts_ns[first] - since >= nanoseconds(every)
    return lost


def _hole_matters(series: Series, times_ns: Times, window: timedelta, every: timedelta) -> Marks:
    hole = np.flatnonzero(np.diff(series.ts_ns) > nanoseconds(every) * 3 // 2)
    at_reset = hole[series.values[hole + 1] < series.values[hole]]
    ended = np.searchsorted(series.ts_ns[at_reset + 1], times_ns, side="right")
    gone = np.searchsorted(series.ts_ns[at_reset], times_ns - nanoseconds(window), side="left")
    early = times_ns - times_ns[0] < nanoseconds(window)
    behind = np.searchsorted(series.ts_ns[hole + 1], times_ns, side="right") > 0
    marks: Marks = (ended > gone) | (early & behind)
    return marks
