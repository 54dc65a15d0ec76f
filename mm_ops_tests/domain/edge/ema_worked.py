"""Fills that have closed, at seconds after the start, small enough to work by hand."""

import math

import numpy as np

from mm_ops.domain.edge.arrays import Ints
from mm_ops.domain.edge.ema_fills import ClosedFills
from mm_ops_tests.builders import SECOND, START_NS


def at(*seconds: float) -> Ints:
    return np.array([START_NS + round(one * SECOND) for one in seconds], dtype=np.int64)


def closed(*rows: tuple[float, float | None, float]) -> ClosedFills:
    """From (seconds, money or none, notional)."""
    money = [math.nan if row[1] is None else row[1] for row in rows]
    return ClosedFills(at(*(row[0] for row in rows)), np.array(money, float), np.array([row[2] for row in rows], float))
