"""Types of the arrays in which the edge computes: contiguous float64 and int64, not a number where nothing is known."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
