"""Series of a few samples, small enough to work by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from mm_ops.domain.sli.measurement import Scope
from mm_ops.domain.sli.series import Series
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow

START = datetime(2026, 11, 20, tzinfo=UTC)


def scope(seconds: int = 60, every: int = 15) -> Scope:
    """A window of some seconds, scraped every 15 s."""
    return Scope(TimeWindow(START, START + timedelta(seconds=seconds)), timedelta(seconds=every))


def series(metric: str, values: Sequence[float], *, at: Sequence[float] | None = None, **labels: str) -> Series:
    """Values at 0 s, 15 s, 30 s, … of the window, or at the given seconds."""
    seconds = [15 * n for n in range(len(values))] if at is None else at
    offsets = np.array([round(second * NS_PER_SECOND) for second in seconds], dtype=np.int64)
    return Series(metric, labels, scope().window.start_ns + offsets, np.array(values, dtype=np.float64))
