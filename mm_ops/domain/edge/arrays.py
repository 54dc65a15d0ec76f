"""Types of the arrays in which the edge computes: contiguous float64 and int64, not a number where nothing is known."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def with_neighbour(values: Ints) -> Bools:
    """Which of some values, alike ones side by side, are not the only one of their kind."""
    found = np.zeros(values.size, dtype=np.bool_)
    found[1:] = same = values[1:] == values[:-1]
    found[:-1] |= same
    return found


def last_of_stretches(at: Ints, width: int, origin: int = 0) -> tuple[Ints, Ints]:
    """Which stretches of ``width`` hold some of the growing times, and the index of the last time in each.

    Stretches are counted from ``origin`` on. Their edges are searched in the times, so these are not all looked at.
    """
    if not at.size:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    first, last = (int(at[0]) - origin) // width, (int(at[-1]) - origin) // width
    ends = np.searchsorted(at, origin + width * np.arange(first + 1, last + 2)) - 1
    some = np.flatnonzero(np.diff(ends, prepend=-1))
    return first + some, ends[some]
