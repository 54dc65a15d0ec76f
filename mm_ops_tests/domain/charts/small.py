"""Charts of a few samples, small enough to work by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.spans import Span
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow

START = datetime(2026, 11, 18, tzinfo=UTC)
HOUR = TimeWindow(START, START + timedelta(hours=1))
DAYS = TimeWindow(START, START + timedelta(hours=72))


def at(seconds: float) -> int:
    """Nanoseconds of a moment some seconds after the start."""
    return HOUR.start_ns + round(seconds * NS_PER_SECOND)


def times(seconds: Sequence[float]) -> NDArray[np.int64]:
    return np.array([at(one) for one in seconds], dtype=np.int64)


def span(start: float, end: float) -> Span:
    return Span(at(start), at(end))


def chart(values: Sequence[float] | NDArray[np.float64] = (), every: float = 60, **different: Any) -> Chart:
    """Values from the start of an hour on, one a minute."""
    usual: dict[str, Any] = {
        "name": "ws_lag",
        "title": "Websocket lag",
        "unit": "ms",
        "window": HOUR,
        "times_ns": times([every * n for n in range(len(values))]),
        "values": np.array(values, dtype=np.float64),
    }
    return Chart(**{**usual, **different})
