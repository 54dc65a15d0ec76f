"""How far a location could lie from where it was seen: the stationary bootstrap.

Buckets that follow each other are alike, so single draws would make an interval too narrow. Blocks of random
length, geometric with mean L, are drawn around the circle of the series. Source: Politis and Romano (1994), J.
American Statistical Association 89(428); L = n^(1/3), the order that suits a variance: Hall, Horowitz and Jing
(1995), Biometrika 82(3).
"""

import numpy as np
from numpy.typing import NDArray


def resample(values: NDArray[np.float64], draws: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Draw series of the same length.

    Args:
        values: (n_points,), in order of time, n >= 1.
        draws: how many.
        random: the source of chance; equal seeds give equal draws.

    Returns:
        (draws, n_points).
    """
    n = values.size
    anew = random.random((draws, n)) < 1 / np.ceil(n ** (1 / 3))
    start = random.integers(0, n, (draws, n))
    steps = np.arange(n)
    begun = np.maximum.accumulate(np.where(anew, steps, 0), axis=1)
    drawn: NDArray[np.float64] = values[(np.take_along_axis(start, begun, axis=1) + steps - begun) % n]
    return drawn
