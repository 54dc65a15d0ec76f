"""One symbol's fills as arrays, in the order of their time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import polars as pl

from mm_ops.domain.edge.arrays import Bools, Floats, Ints

MS = 1_000_000
"""Nanoseconds."""
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

    def pick(self, which: slice | Bools | Ints) -> Self:
        """Some of them: a stretch, without a copy, or those of a mask or at indices."""
        return type(self)(*(getattr(self, item.name)[which] for item in fields(self)))

    def since(self, first: int) -> Self:
        """The fills from an index on; few in memory of their own, so that those before them are let go."""
        rest = self.pick(slice(first, None))
        if rest.at.size > FEW:
            return rest
        return type(self)(*(getattr(rest, item.name).copy() for item in fields(self)))


class WaitingFills:
    """Fills that wait to be measured, in parts one after the other in time that share no millisecond.

    A day that is added to what is left of the day before is not copied to stand behind it.
    """

    def __init__(self) -> None:
        self._parts: list[FillArrays] = []

    def add(self, new: FillArrays) -> None:
        """Add fills in the order of their time, some of which may be as old as some that wait; these come first."""
        if not new.at.size:
            return
        after = (int(self._parts[-1].at[-1]) // MS + 1) * MS if self._parts else int(new.at[0])
        early = int(np.searchsorted(new.at, after))
        if early:
            self._parts = [_merge([*self._parts, new.pick(slice(early))])]
        if early < new.at.size:
            self._parts.append(new.pick(slice(early, None)))

    def take(self, before_ns: int) -> Iterator[FillArrays]:
        """Give the fills before a time, a whole millisecond, and let go of each part when the next is asked for."""
        waiting, self._parts = self._parts, []
        for part in waiting:
            done = int(np.searchsorted(part.at, before_ns))
            if done:
                yield part.pick(slice(done))
            if done < part.at.size:
                self._parts.append(part.since(done))


def _merge(parts: Sequence[FillArrays]) -> FillArrays:
    """Fills of all parts in the order of their time; equal times in the order given."""
    every = (np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(FillArrays))
    both = FillArrays(*every)
    return both.pick(np.argsort(both.at, kind="stable"))
