"""The money counted twice: fill by fill, and as a book of cash and position. If they differ, believe no number."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mm_ops.domain.edge.arrays import Floats
from mm_ops.domain.edge.fill_arrays import FillArrays
from mm_ops.domain.edge.finding import TOLERANCE
from mm_ops.domain.edge.policy import Instrument
from mm_ops.domain.edge.sums import Rows


@dataclass(slots=True)
class Cash:
    """A symbol's book, from the fills as they came: signed ``position``, what was ``paid`` for it, ``fees``.

    ``paid`` is in the settlement currency: of an inverse contract the base currency, position over price.
    """

    position: float = 0.0
    paid: float = 0.0
    fees: float = 0.0

    def add(self, fills: FillArrays, instrument: Instrument) -> None:
        """Book fills."""
        held = fills.sign * fills.qty * instrument.contract_size
        linear = instrument.kind == "linear"
        self.position += float(held.sum())
        self.paid += float((held * fills.price if linear else held / fills.price).sum())
        self.fees += float(fills.fee.sum())

    def value(self, mark: float, instrument: Instrument) -> float:
        """The position at a price, in the settlement currency."""
        return self.position * mark if instrument.kind == "linear" else self.position / mark

    def marked(self, mark: float, instrument: Instrument) -> float:
        """Cash + position at a price − fees."""
        gained = self.value(mark, instrument) - self.paid
        return (gained if instrument.kind == "linear" else -gained) - self.fees


def capture_error(rows: Floats, names: Rows) -> float:
    """The largest difference of capture from markout + adverse selection, relative to the fill's notional.

    A fill whose horizon has no mid has nothing to compare.
    """
    index = names.index()
    capture, notional = rows[index["capture"]], rows[index["notional"]]
    worst = 0.0
    for name in names.horizons:
        parts = rows[index[f"markout_{name}"]] + rows[index[f"adverse_{name}"]]
        error = np.abs(capture * rows[index[f"seen_{name}"]] - parts) / notional
        worst = float(np.maximum(worst, error.max(initial=0.0)))  # not a number stays one, and does not hold
    return worst


def check_identity(capture: float, net: float, marked: float, turnover: float) -> dict[str, Any]:
    """Compare net money with cash + position − fees, beside the error of capture.

    Returns:
        ``capture_error`` as given. ``money_error``: the difference relative to the net money, or to a hundredth of a bp
        of turnover where the net is smaller. ``holds``: both are at most 1e-9. All null without fills: nothing was
        shown to hold.
    """
    if not turnover:
        return {"capture_error": None, "money_error": None, "tolerance": TOLERANCE, "holds": None}
    money = abs(net - marked) / max(abs(net), abs(marked), 1e-6 * turnover)
    holds = capture <= TOLERANCE and money <= TOLERANCE
    return {"capture_error": capture, "money_error": money, "tolerance": TOLERANCE, "holds": holds}
