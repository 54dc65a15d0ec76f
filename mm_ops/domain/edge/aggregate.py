"""Sums of money over sums of notional: from the cells of a group of fills to the numbers of a report.

Each bps is 10⁴ × Σ money / Σ notional over the fills for which the measure exists; ``per_fill`` is the plain mean of
the fills' own bps beside it. A measure that no fill has is null: absence is never a zero. ``notional`` is at the mid,
``turnover`` at the fills' prices; both count what was bought and what was sold, each fill once.

A few fills do not stand for the rest: one whose liquidity is not known is no maker's, one whose order's age is not
known is the oldest, and what is known of how many stands beside it (``…_known_share``, by number or by notional,
whichever is less). So a lost value never makes a share or an age better, and at most makes it null.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mm_ops.domain.edge.ages import Ages, age_quantiles
from mm_ops.domain.edge.arrays import Floats
from mm_ops.domain.edge.sums import EACH, KNOWN, PLAIN, ROLE, ROLE_EACH, Rows
from mm_ops.domain.edge.tally import HOURS, Tally

_TO_BPS = 1e4


@dataclass(frozen=True, slots=True)
class Group:
    """Some fills: ``cells`` (row, column), ages of their orders, and how many more had no mid or a stale quote."""

    cells: Floats
    ages: Sequence[Ages]
    unmeasured: int
    stale: int

    @classmethod
    def of(cls, tallies: Iterable[Tally], rows: Rows, side: int | None = None, hour: int | None = None) -> Self:
        """The fills of some symbols, all or those of one side or of one hour of the day."""
        chosen = list(tallies)
        hours = range(HOURS) if hour is None else (hour,)
        sides = (0, 1) if side is None else (side,)
        where = np.ix_(hours, range(len(rows.names)), sides)
        cells = [each.cells[where].sum(axis=(0, 2)) for each in chosen]
        at = np.ix_(hours, sides)
        return cls(
            cells=np.sum(cells, axis=0) if cells else np.zeros((len(rows.names), KNOWN + 1)),
            ages=[
                each.ages[key] for each in chosen for key in sorted(each.ages) if key[0] in hours and key[1] in sides
            ],
            unmeasured=sum(int(each.unmeasured[at].sum()) for each in chosen),
            stale=sum(int(each.stale[at].sum()) for each in chosen),
        )


def aggregate(group: Group, rows: Rows) -> dict[str, Any]:
    """The numbers of a group; null where there is nothing to measure.

    Returns:
        Counts, notional (settlement currency), bps by measure, shares (0 to 1), order ages (ms), nulls by horizon.
    """
    cell = _Cells(group.cells, rows.index())
    fills, age = round(cell("fills")), age_quantiles(group.ages, (0.5, 0.95))
    some, roles = fills > 0, cell("fills", KNOWN) > 0
    maker = cell.share("maker_notional", "notional")
    return {
        "fills": fills,
        "fills_without_quote": group.unmeasured,
        "fills_on_a_stale_quote": group.stale,
        "notional": cell("notional") if some else None,
        "turnover": cell("traded") if some else None,
        "net_money": cell("net") if some else None,
        "fee_money": cell("fee") if some else None,
        "maker_share": maker if roles else None,
        "taker_share": cell.taker_share() if roles else None,
        "maker_share_by_count": cell.share("maker", "fills") if roles else None,
        "liquidity_known_share": cell.least((cell("fills", KNOWN), "fills"), (cell("role_notional"), "notional")),
        "order_age_p50_ms": age[0],
        "order_age_p95_ms": age[1],
        "order_age_known_share": cell.least((cell("age"), "fills"), (cell("age_notional"), "notional")),
        "outside_touch_share": cell.share("outside", "fills"),
        **{name: value for name, value, _ in _bps(cell, rows)},
        "per_fill": {name: value for name, _, value in _bps(cell, rows)},
        "nulls": {name: fills - round(cell(f"seen_{name}")) for name in rows.horizons},
    }


@dataclass(frozen=True, slots=True)
class _Cells:
    cells: Floats
    index: dict[str, int]

    def __call__(self, row: str, column: int = PLAIN) -> float:
        return float(self.cells[self.index[row], column])

    def share(self, part: str, whole: str) -> float | None:
        return self(part) / self(whole) if self(whole) else None

    def taker_share(self) -> float | None:
        """By notional; a role that is not known is a taker's."""
        return (self("notional") - self("maker_notional")) / self("notional") if self("notional") else None

    def least(self, *parts: tuple[float, str]) -> float | None:
        return min(part / self(whole) for part, whole in parts) if self("fills") else None

    def both(self, money: str, seen: str, counted: str, *, roles: bool = False) -> tuple[float | None, float | None]:
        """Bps by notional, and per fill; ``roles``: twice, as the market sees it, where the role is known."""
        single, each, of = (ROLE, ROLE_EACH, KNOWN) if roles else (PLAIN, EACH, PLAIN)
        if not self(counted, of):
            return None, None
        scale = 2 * _TO_BPS if roles else _TO_BPS
        return scale * self(money, single) / self(seen, of), scale * self(money, each) / self(counted, of)


def _bps(cell: _Cells, rows: Rows) -> Iterator[tuple[str, float | None, float | None]]:
    yield "spread_capture_bps", *cell.both("capture", "notional", "fills")
    yield "effective_spread_bps", *cell.both("capture", "notional", "fills", roles=True)
    yield "fee_bps", *cell.both("fee", "notional", "fills")
    yield "net_edge_bps", *cell.both("net", "notional", "fills")
    for name in rows.horizons:
        seen, counted = f"seen_notional_{name}", f"seen_{name}"
        yield f"markout_bps_{name}", *cell.both(f"markout_{name}", seen, counted)
        yield f"adverse_selection_bps_{name}", *cell.both(f"adverse_{name}", seen, counted)
        yield f"realised_spread_bps_{name}", *cell.both(f"markout_{name}", seen, counted, roles=True)
        yield f"inventory_bps_{name}", *cell.both(f"inventory_{name}", seen, counted)
