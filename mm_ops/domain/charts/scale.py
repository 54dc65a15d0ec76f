"""From numbers to pixels: the range of an axis, its ticks, and how its numbers are written."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)
_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_SUFFIXED_FROM, _WRITTEN_OUT, _COMMAS_FROM, _DECIMALS = 1e4, 1e5, 1e5, 9
_MOST, _LEAST, _FLAT = 1e300, 1e-300, 1e-12
_ROOM, _WORST_ROOM, _FORBIDDEN_ROOM, _FLOOR_ROOM, _LABEL_ROOM = 0.06, 0.13, 0.16, 0.03, 0.14
_NO_UNIT = frozenset({"", "count", "ratio"})


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from ``low``..``high`` to ``first``..``last`` pixels; ``low`` is not ``high``."""

    low: float
    high: float
    first: float
    last: float

    def px(self, value: float) -> float:
        """The pixel of a number."""
        return self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first)


def value_range(known: Sequence[float], limit: float | None, bound: str) -> tuple[float, float]:
    """Choose the ends of the value axis, so that the limit and some of the forbidden side are seen.

    There is room for a label beside the worst value, and for the limit's beyond the limit.

    Args:
        known: numbers that must be seen, such as lowest and highest; may be empty.
        limit: must be seen as well, with room beyond it.
        bound: ``at_most`` starts at zero where nothing is below it.
    """
    limit = None if limit is None else _drawable(limit)
    shown = [*map(_drawable, known), *(() if limit is None else (limit,))]
    if not shown:
        return 0.0, 1.0
    low, high = min(shown), max(shown)
    grounded = bound == "at_most" and low >= 0
    low = 0.0 if grounded else low
    if high - low <= _FLAT * max(abs(low), abs(high)):
        high = low + (abs(high) or 1.0)
    span = high - low
    worst, other = _WORST_ROOM * span, (_FLOOR_ROOM if grounded else _ROOM) * span
    if bound == "at_most":
        beyond = 0.0 if limit is None else _FORBIDDEN_ROOM * span - (high - limit)
        return low - other, high + max(worst, beyond)
    beyond = 0.0 if limit is None else _FORBIDDEN_ROOM * span - (limit - low)
    return low - max(worst, beyond), high + other


def signed_range(known: Sequence[float]) -> tuple[float, float]:
    """Choose the ends of an axis on which zero is seen, with room for a label beyond the furthest on each side."""
    shown = [0.0, *map(_drawable, known)]
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    below, above = (_LABEL_ROOM * span if end else _ROOM * span for end in (low < 0, high > 0))
    return low - below, high + above


def _drawable(value: float) -> float:
    """Cut what no axis can hold: differences of such numbers overflow, or vanish."""
    return 0.0 if abs(value) < _LEAST else max(-_MOST, min(_MOST, value))


def value_ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers inside ``low``..``high``, about ``count`` of them, 1, 2, 2.5 or 5 times a power of ten apart."""
    step = tick_step(low, high, count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def tick_step(low: float, high: float, count: int) -> float:
    """The round step between about ``count`` ticks."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * step for step in _STEPS if power * step >= rough * (1 - 1e-9))


def tick_labels(ticks: Sequence[float], step: float) -> list[str]:
    """Write ticks with the same number of decimals and the same suffix (k, M, G, T), or all as powers of ten."""
    largest = max((abs(tick) for tick in ticks), default=0.0)
    size, suffix = next(((size, text) for size, text in _SUFFIXES if largest >= max(size, _SUFFIXED_FROM)), (1.0, ""))
    decimals = next((n for n in range(_DECIMALS) if math.isclose(round(step / size, n), step / size)), None)
    if decimals is None or largest >= _WRITTEN_OUT * size:
        return [f"{tick:.1e}" if tick else "0" for tick in ticks]
    return [f"{tick / size:.{decimals}f}{suffix}" if tick else "0" for tick in ticks]


def quantity(value: float, unit: str) -> str:
    """Write a number for reading: five significant digits, a suffix from a million on, and the unit."""
    size, suffix = next(((size, text) for size, text in _SUFFIXES[:-1] if abs(value) >= size), (1.0, ""))
    scaled = value / size
    number = f"{scaled:,.0f}" if _COMMAS_FROM <= abs(scaled) < _SUFFIXES[-2][0] else f"{scaled:.5g}"
    return f"{number}{suffix}" if unit in _NO_UNIT else f"{number}{suffix} {unit}"
