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
