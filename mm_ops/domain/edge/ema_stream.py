"""The average of :mod:`.ema`, one fill at a time; what it remembers can be saved, and it goes on from there."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Self

import numpy as np

from mm_ops.domain.edge.ema import (
    NEVER,
    EmaState,
    Readings,
    carry,
    read_sums,
    refuse_earlier,
    refuse_other,
    stretch_ns,
    weights,
)
from mm_ops.domain.edge.ema_fills import ClosedFills
from mm_ops.domain.errors import SchemaError


@dataclass(frozen=True, slots=True)
class ClosedFill:
    """One fill whose horizon has closed; ``money`` is ``None``, or not a number, without a markout."""

    close_ns: int
    money: float | None
    notional: float


class EmaStream:
    """An average that fills are told to in the order in which they close."""

    def __init__(self, half_life: timedelta, state: EmaState | None = None) -> None:
        """Begin with nothing, or go on from a state that the same half-life made."""
        self._half_life = half_life
        self.state = state or EmaState(half_life_s=half_life.total_seconds())
        refuse_other(self.state, half_life)

    @classmethod
    def resume(cls, half_life: timedelta, saved: Mapping[str, Any]) -> Self:
        """Go on from :meth:`saved`.

        Raises:
            SchemaError: fields are missing, unknown or no numbers, or the half-life is another.
        """
        return cls(half_life, load_state(saved))

    def saved(self) -> dict[str, Any]:
        """All that is remembered, for canonical JSON."""
        return asdict(self.state)

    def update(self, fill: ClosedFill) -> None:
        """Add a fill.

        Raises:
            SchemaError: it closes before one that was added, or its notional or money is impossible; nothing changes.
        """
        one = _arrays(fill)
        refuse_earlier(self.state, fill.close_ns)
        known = bool(one.known[0])
        stretch = one.close_ns // stretch_ns(self._half_life)
        amount = np.array([one.money[0] if known else 0.0, fill.notional * known, fill.notional * (not known)])
        weighed = amount * weights(one.close_ns, stretch, self._half_life)
        sums = self._carried(int(stretch[0])) + weighed
        self.state = replace(
            self.state,
            stretch=int(stretch[0]),
            **dict(zip(("money", "notional", "left_out"), sums.tolist(), strict=True)),
            last_ns=fill.close_ns,
            known_ns=fill.close_ns if known else self.state.known_ns,
            fills=self.state.fills + known,
            without=self.state.without + (not known),
        )

    def value_at(self, at_ns: int) -> Readings:
        """Read the average; arrays of one.

        Raises:
            SchemaError: the time lies before the last fill.
        """
        refuse_earlier(self.state, at_ns)
        sums = np.array([[self.state.money], [self.state.notional], [self.state.left_out]])
        stretch, known_ns, at = (
            np.array([n], dtype=np.int64) for n in (self.state.stretch, self.state.known_ns, at_ns)
        )
        return read_sums(sums, stretch, known_ns, at, self._half_life)

    def _carried(self, stretch: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        sums = np.array([self.state.money, self.state.notional, self.state.left_out])
        return sums if self.state.last_ns == NEVER else carry(sums, stretch - self.state.stretch)


def load_state(saved: Mapping[str, Any]) -> EmaState:
    """Read what :meth:`EmaStream.saved` wrote.

    Raises:
        SchemaError: fields are missing, unknown, or no finite numbers of their kind.
    """
    kinds = {name: type(value) for name, value in asdict(EmaState(half_life_s=0.0)).items()}
    if set(saved) != set(kinds):
        raise SchemaError(f"ema state: expected the fields {', '.join(kinds)}, was {', '.join(map(str, saved))}")
    for name, value in saved.items():
        if type(value) is not kinds[name] or not math.isfinite(value):
            raise SchemaError(f"ema state: {name}: expected a finite {kinds[name].__name__}, was {value!r}")
    return EmaState(**saved)


def _arrays(fill: ClosedFill) -> ClosedFills:
    money = math.nan if fill.money is None else fill.money
    return ClosedFills(np.array([fill.close_ns], dtype=np.int64), np.array([money]), np.array([fill.notional]))
