"""One symbol's fills as arrays, in the order of their time."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import polars as pl

from mm_ops.domain.edge.arrays import Bools, Floats, Ints

FEW = 131_072
"""8 MB; a day's are copied once or twice, and not each time that some of them are measured."""


@dataclass(frozen=True, slots=True)
class FillArrays:
    """Fills, all arrays of one length.

    ``sign`` +1 bought, −1 sold; ``traded`` the notional at the price and ``fee`` in the settlement currency; ``role``
    +1 maker, −1 taker and ``order_age_ms``, both not a number where not known.
    """

    at: Ints
    sign: Floats
    qty: Floats
    price: Floats
    traded: Floats
    fee: Floats
    role: Floats
    order_age_ms: Floats

    @classmethod
    def of(cls, fills: pl.DataFrame) -> Self:
        """Take them from a frame that :func:`.measures.price_fills` made."""
        names = ("sign", "qty", "price", "notional_at_price", "fee_money", "role", "order_age_ms")
        chosen = fills.select("at_ns", *names).rechunk()
        return cls(chosen["at_ns"].to_numpy(), *(chosen[name].cast(pl.Float64).to_numpy() for name in names))

    @classmethod
    def empty(cls) -> Self:
        """No fill at all."""
        nothing = np.empty(0)
        return cls(np.empty(0, dtype=np.int64), *(nothing for _ in range(len(fields(cls)) - 1)))

    def pick(self, which: slice | Bools | Ints) -> Self:
        """Some of them: a stretch, without a copy, or those of a mask or at indices."""
        return type(self)(*(getattr(self, item.name)[which] for item in fields(self)))

    def since(self, first: int) -> Self:
        """The fills from an index on; few in memory of their own, so that those before them are let go."""
        rest = self.pick(slice(first, None))
        if rest.at.size > FEW:
            return rest
        return type(self)(*(getattr(rest, item.name).copy() for item in fields(self)))

    def then(self, later: Self) -> Self:
        """These and others, in the order of their time."""
        if not self.at.size:
            return later
        if not later.at.size:
            return self
        both = type(self)(
            *(np.concatenate([getattr(self, item.name), getattr(later, item.name)]) for item in fields(self))
        )
        if later.at[0] >= self.at[-1]:
            return both
        order = np.argsort(both.at, kind="stable")
        return both.pick(order)
