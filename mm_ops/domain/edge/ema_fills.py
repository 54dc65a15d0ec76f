"""Fills whose horizon has closed, and what each had earned by then.

    closes = fill time + horizon        money = s·qty·(U(m') − U(p)) − fee        notional = at the mid m of the fill

U, m and m' are those of :mod:`.measures`. A fill belongs to the window in which it closes, so that days follow one
another without a fill lost or told twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from mm_ops.domain.edge.arrays import Bools, Floats, Ints
from mm_ops.domain.edge.fill_arrays import FillArrays
from mm_ops.domain.edge.join import Book, Met, find_last
from mm_ops.domain.edge.measures import gain, notional_at, value_of
from mm_ops.domain.edge.policy import Instrument
from mm_ops.domain.errors import SchemaError

NEVER_QUOTED = 0
_MOST = 1e200
"""No amount of money is larger; sums of such, scaled, stay finite."""


@dataclass(frozen=True, slots=True, eq=False)
class ClosedFills:
    """Arrays of shape (n,), in one settlement currency.

    close_ns: int64, UTC nanoseconds, never decreasing. money: float64, NaN or infinite where there is no markout.
    notional: float64, above zero: the weight of the fill, or of what is left out.
    """

    close_ns: Ints
    money: Floats
    notional: Floats

    def __post_init__(self) -> None:
        shapes = {array.shape for array in (self.close_ns, self.money, self.notional)}
        if len(shapes) != 1 or self.close_ns.ndim != 1:
            raise SchemaError(f"closed fills: expected three columns of one length, was {sorted(shapes)}")
        back = np.flatnonzero(np.diff(self.close_ns) < 0)
        if back.size:
            at = int(back[0]) + 1
            raise SchemaError(
                f"closed fills: row {at}: close_ns: expected {self.close_ns[at - 1]} or later, was {self.close_ns[at]}"
            )
        wrong = np.flatnonzero(~((self.notional > 0) & (self.notional < _MOST)))
        wrong = wrong if wrong.size else np.flatnonzero(self.known & (np.abs(self.money) >= _MOST))
        if wrong.size:
            at = int(wrong[0])
            raise SchemaError(
                f"closed fills: row {at}: expected a notional above 0 and money, both below {_MOST:g}, "
                f"was {self.notional[at]} and {self.money[at]}"
            )

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """The fills of several symbols in the order of time; at equal times in the order given."""
        columns = [
            np.concatenate([np.empty(0, kind), *(getattr(part, name) for part in parts)])
            for name, kind in (("close_ns", np.int64), ("money", np.float64), ("notional", np.float64))
        ]
        order = np.argsort(columns[0], kind="stable")
        return cls(*(column[order] for column in columns))

    @property
    def known(self) -> Bools:
        """Which fills have a markout."""
        return np.isfinite(self.money)


@dataclass(frozen=True, slots=True)
class Quoted:
    """One symbol's quote: UTC nanoseconds and mid."""

    at_ns: int
    mid: float


@dataclass(frozen=True, slots=True, eq=False)
class OpenFills:
    """One symbol's fills whose later mid is still to come, each array (n,), in the order of time.

    ``moved`` is the signed quantity, ``paid`` the value U of the price; ``seen``: it had a mid, so a markout can be.
    """

    close_ns: Ints
    moved: Floats
    paid: Floats
    fee: Floats
    notional: Floats
    seen: Bools

    @classmethod
    def none(cls) -> Self:
        """No fill."""
        nothing = np.empty(0)
        return cls(np.empty(0, np.int64), nothing, nothing, nothing, nothing, np.empty(0, np.bool_))

    @classmethod
    def of(cls, fills: FillArrays, met: Met, horizon_ns: int, instrument: Instrument) -> Self:
        """Fills and the mids they met; one without a mid weighs by its own price."""
        seen = ~np.isnan(met.mid)
        return cls(
            close_ns=fills.at + horizon_ns,
            moved=fills.sign * fills.qty,
            paid=value_of(fills.price, instrument),
            fee=fills.fee,
            notional=np.where(seen, notional_at(fills.qty, met.mid, instrument), fills.traded),
            seen=seen,
        )

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        """Read what :meth:`saved` wrote.

        Raises:
            SchemaError: fields are missing, of different lengths, or no finite numbers.
        """
        kinds = {item.name: np.float64 for item in fields(cls)} | {"close_ns": np.int64, "seen": np.bool_}
        try:
            found = {name: np.array(saved[name], dtype=kind) for name, kind in kinds.items()}
        except (KeyError, TypeError, ValueError) as error:
            raise SchemaError(f"open fills: expected {', '.join(kinds)}, each a list of numbers: {error}") from error
        if len({array.shape for array in found.values()}) > 1 or not all(
            np.isfinite(array).all() for array in found.values()
        ):
            raise SchemaError("open fills: expected lists of one length with finite numbers")
        return cls(**found)

    def saved(self) -> dict[str, list[Any]]:
        """Plain lists, for canonical JSON."""
        return {item.name: getattr(self, item.name).tolist() for item in fields(self)}

    def pick(self, which: slice) -> Self:
        """A stretch of them."""
        return type(self)(*(getattr(self, item.name)[which] for item in fields(self)))

    def then(self, later: Self) -> Self:
        """These, and later ones."""
        return type(self)(
            *(np.concatenate([getattr(self, item.name), getattr(later, item.name)]) for item in fields(self))
        )

    def close(self, mid: Floats, known: Bools, instrument: Instrument) -> ClosedFills:
        """Close them at the mids of their horizons, which count where they are known."""
        money = gain(self.moved, self.paid, value_of(mid, instrument)) - self.fee
        return ClosedFills(self.close_ns, np.where(self.seen & known, money, np.nan), self.notional)

    def close_in(self, book: Book, before: Quoted | None, stale_ns: int, instrument: Instrument) -> ClosedFills:
        """Close them by a book; ``before`` is the last quote before it."""
        at = np.append([NEVER_QUOTED if before is None else before.at_ns], book.at)
        mid = np.append([np.nan if before is None else before.mid], book.mid)
        quote = find_last(book.at, self.close_ns, before=False) + 1
        known = (self.close_ns - at[quote] <= stale_ns) & ~np.isnan(mid[quote])
        return self.close(mid[quote], known, instrument)
