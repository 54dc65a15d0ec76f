"""A series in one line of text, for Markdown."""

import numpy as np
from numpy.typing import NDArray

_BARS = "▁▂▃▄▅▆▇█"
_NOTHING = "·"


def sparkline(values: NDArray[np.float64], bound: str = "at_most", width: int = 48) -> str:
    """Draw at most ``width`` bars, lowest to highest value; each shows the worst of its samples, ``·`` means none.

    Args:
        values: (n,) at equal distances; NaN and infinity are not there.
        bound: with ``at_least`` the lowest sample is the worst, else the highest.
        width: one or more.
    """
    pieces = np.array_split(values, min(width, values.size)) if values.size else []
    worst = [_worst(piece[np.isfinite(piece)], bound) for piece in pieces]
    known = [value for value in worst if value is not None]
    return "".join(_NOTHING if value is None else _bar(value, min(known), max(known)) for value in worst)


def _worst(known: NDArray[np.float64], bound: str) -> float | None:
    if not known.size:
        return None
    return float(known.min() if bound == "at_least" else known.max())


def _bar(value: float, low: float, high: float) -> str:
    """Halves before the difference, so that the largest floats do not overflow."""
    if low == high:
        return _BARS[0]
    share = (value / 2 - low / 2) / (high / 2 - low / 2)
    return _BARS[min(len(_BARS) - 1, int(share * len(_BARS)))]
