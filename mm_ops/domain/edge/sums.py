"""Sums over fills, all at once: one product of two small matrices for each few thousand fills.

A row is what is added up, a column how each fill counts. Every number of a report is a quotient of two cells, and cells
of two groups of fills add up to the cells of both, so one pass serves all groups.

    columns   plain    1 for each fill
              each     1/notional           turns money into the fill's own bps, for the mean over fills
              role     ±1, 0 where not known    turns our view into the market's
              role_each    role/notional
              known    1 where the role is known

Rows are zero where a fill has no value, and a row beside them counts those that have one.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from mm_ops.domain.edge.arrays import Bools, Floats
from mm_ops.domain.edge.fill_arrays import FillArrays
from mm_ops.domain.edge.join import Met
from mm_ops.domain.edge.measures import gain, notional_at, value_of
from mm_ops.domain.edge.policy import Instrument

PLAIN, EACH, ROLE, ROLE_EACH, KNOWN = range(5)
COLUMNS = 5
SIDES = ("buy", "sell")
PRODUCT = 512
"""Fills in one product: 50 rows × 10 columns × 512 are 256,000 multiplications."""

_BASE = (
    "fills",
    "notional",
    "traded",
    "fee",
    "capture",
    "net",
    "moved",
    "maker",
    "maker_notional",
    "role_notional",
    "age",
    "age_notional",
    "outside",
    "wrong",
)
_BY_HORIZON = ("markout", "adverse", "inventory", "seen", "seen_notional", "seen_moved")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a report with these horizons, such as ``notional`` or ``markout_5s``."""

    horizons: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All rows, in order."""
        return tuple(_index_of(self.horizons))

    def index(self) -> dict[str, int]:
        """Row by name."""
        return _index_of(self.horizons)


@cache
def _index_of(horizons: tuple[str, ...]) -> dict[str, int]:
    names = (*_BASE, *(f"{kind}_{name}" for name in horizons for kind in _BY_HORIZON))
    return {name: at for at, name in enumerate(names)}


def fill_rows(rows: Floats, fills: FillArrays, met: Met, instrument: Instrument, mark: float) -> None:
    """Write every row of measured fills (all have a mid); ``mark`` is the price that positions are valued at."""
    moved = fills.sign * fills.qty
    paid, mid = value_of(fills.price, instrument), value_of(met.mid, instrument)
    end = value_of(np.array([mark]), instrument)
    notional = notional_at(fills.qty, met.mid, instrument)
    capture = gain(moved, paid, mid)
    known_age, maker = ~np.isnan(fills.order_age_ms), fills.role > 0
    base: tuple[Floats | Bools | float, ...] = (
        1.0,
        notional,
        fills.traded,
        fills.fee,
        capture,
        gain(moved, paid, end) - fills.fee,
        moved,
        maker,
        maker * notional,
        ~np.isnan(fills.role) * notional,
        known_age,
        known_age * notional,
        (fills.price < met.bid) | (fills.price > met.ask),
        fills.role * capture < 0,
    )
    for at, row in enumerate(base):
        rows[at] = row
    for at, (later, seen) in enumerate(zip(met.later, met.seen, strict=True)):
        own = rows[len(_BASE) + at * len(_BY_HORIZON) :]
        held = moved * seen
        then = value_of(later, instrument)
        own[0], own[1], own[2] = gain(held, paid, then), -gain(held, mid, then), gain(held, then, end)
        own[3], own[4], own[5] = seen, notional * seen, held


def fill_columns(columns: Floats, fills: FillArrays, notional: Floats) -> None:
    """Write the five columns for what was bought, then for what was sold."""
    known = ~np.isnan(fills.role)
    role = np.where(known, fills.role, 0.0)
    each = 1 / notional
    counts: tuple[Floats | Bools | float, ...] = (1.0, each, role, role * each, known)
    for first, side in ((0, fills.sign > 0), (COLUMNS, fills.sign < 0)):
        for at, count in enumerate(counts):
            columns[first + at] = side * count


def sums_of(rows: Floats, columns: Floats, size: int) -> Floats:
    """The sums over the first ``size`` fills of every row by every column: (row, column).

    Many small products instead of one: above a quarter of a million multiplications the library that does them calls
    its threads, which on a busy machine wait longer for each other than the product takes, and whose number would
    show in the last digits.
    """
    parts = -(-size // PRODUCT)
    rows[:, size : parts * PRODUCT] = 0
    columns[:, size : parts * PRODUCT] = 0
    left, right = (each[:, : parts * PRODUCT].reshape(len(each), parts, PRODUCT) for each in (rows, columns))
    found: Floats = np.matmul(left.transpose(1, 0, 2), right.transpose(1, 2, 0)).sum(axis=0)
    return found
