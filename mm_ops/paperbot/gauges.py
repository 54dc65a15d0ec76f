"""Decayed sums of what closed fills earned, as the bot itself keeps them.

    N(t) = Σ (s·(m' − p)·qty − fee)·2^(−(t − c)/half-life)     D(t) = Σ m·qty·2^(−(t − c)/half-life)     edge = N/D

over fills whose horizon has closed at c = fill time + 5 s; m' is the mid of the last quote at or before c.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_ops.paperbot.market import Quotes
from mm_ops.paperbot.profiles import MARKOUT_HORIZON_S
from mm_ops.paperbot.trading import Fills

_NS = 1_000_000_000
HOUR_S, DAY_S = 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Pending:
    """Fills whose horizon has not closed, each (n,); they close in the next day's quotes."""

    close_ns: NDArray[np.int64]
    side: NDArray[np.int64]
    price: NDArray[np.float64]
    qty: NDArray[np.float64]
    fee: NDArray[np.float64]
    notional: NDArray[np.float64]

    @classmethod
    def of(cls, fills: Fills) -> "Pending":
        """Every fill, waiting for its horizon."""
        close_ns = fills.exch_ts_ns + MARKOUT_HORIZON_S * _NS
        return cls(close_ns, fills.side, fills.price, fills.qty, fills.fee, fills.notional)

    def then(self, later: "Pending") -> "Pending":
        """These, followed by later ones."""
        return Pending(**{name: np.concatenate([mine, later.columns()[name]]) for name, mine in self.columns().items()})

    def split(self, end_ns: int) -> tuple["Pending", "Pending"]:
        """Those that close before a time, and the rest."""
        closes = self.close_ns < end_ns
        return self._where(closes), self._where(~closes)

    def columns(self) -> dict[str, Any]:
        """The arrays by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def _where(self, chosen: NDArray[np.bool_]) -> "Pending":
        return Pending(**{name: column[chosen] for name, column in self.columns().items()})


NOTHING_PENDING = Pending(np.empty(0, np.int64), np.empty(0, np.int64), *(np.empty(0) for _ in range(4)))


def close(pending: Pending, quotes: Quotes, mid_before: float) -> NDArray[np.float64]:
    """Money of each fill at its horizon less its fee; ``mid_before`` stands until the day's first quote."""
    at = quotes.until(pending.close_ns)
    mid = np.where(at >= 0, quotes.mid[at], mid_before)
    return pending.side * (mid - pending.price) * pending.qty - pending.fee


def decayed(
    times_ns: NDArray[np.int64],
    amounts: NDArray[np.float64],
    grid_ns: NDArray[np.int64],
    *,
    half_life_s: float,
    before: float,
) -> NDArray[np.float64]:
    """Decayed sum at each grid time of the amounts at or before it, and one step after the last grid time.

    Args:
        times_ns: (n,) when each amount comes in, from the first grid time to one step after the last.
        amounts: (n,).
        grid_ns: (g,) equally spaced.
        half_life_s: after which an amount counts half.
        before: the sum at the first grid time of all that came in earlier.

    Returns:
        (g + 1,); the last one is the next grid's ``before``, so that nothing is lost between two grids.
    """
    steps = np.append(grid_ns, 2 * grid_ns[-1] - grid_ns[-2])
    slot = np.searchsorted(steps, times_ns, side="left")
    added = np.bincount(slot, amounts * np.exp2((times_ns - steps[slot]) / _NS / half_life_s), minlength=steps.size)
    factor = 2.0 ** (-(grid_ns[1] - grid_ns[0]) / _NS / half_life_s)
    sums = np.empty(steps.size)
    sums[0] = before + added[0]
    for n in range(1, steps.size):
        sums[n] = sums[n - 1] * factor + added[n]
    return sums
