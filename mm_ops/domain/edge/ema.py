"""Averages of the edge that forget: all fills at once.

    N(t) = Σ money·2^(−(t − c)/h)     D(t) = Σ notional·2^(−(t − c)/h)     edge = 10⁴·N/D     over fills closed at c ≤ t

h is the half-life. Without a new fill both shrink alike: the edge stands, and D, what it rests on, tells how little is
left. A fill without a markout is in neither; L, its decayed notional, tells how much is missing: known share =
D/(D + L).

The sums are kept at the scale of a stretch of 64 half-lives, as Σ x·2^((c − o)/h) with o the stretch's start: exponents
lie in 0 to 64, and from one stretch to a later one sums shrink by whole powers of two, which is exact. So a year loses
nothing, and a stream (:mod:`.ema_stream`) adds the same numbers in the same order.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.edge.arrays import Floats, Ints
from mm_ops.domain.edge.ema_fills import ClosedFills
from mm_ops.domain.edge.join import nanoseconds
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import NS_PER_SECOND

HALF_LIVES = 64
TO_BPS = 1e4
NEVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class EmaState:
    """All that an average remembers; plain numbers, which JSON keeps exactly.

    ``money``, ``notional`` and ``left_out`` are N, D and L at the scale of a stretch. ``last_ns`` is the last closing
    time, ``known_ns`` the last of a fill with a markout; −1 where there was none. ``fills`` have a markout, ``without``
    have none.
    """

    half_life_s: float
    stretch: int = 0
    money: float = 0.0
    notional: float = 0.0
    left_out: float = 0.0
    last_ns: int = NEVER
    known_ns: int = NEVER
    fills: int = 0
    without: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """An average at some times, each (n,); not a number where there is nothing to tell.

    edge_bps: N/D, however little it rests on. notional: D. known_share: 0 to 1. age_s: since the last fill with a
    markout closed.
    """

    edge_bps: Floats
    notional: Floats
    known_share: Floats
    age_s: Floats

    def trusted(self, least: float, min_known_share: float) -> Floats:
        """The edge where it rests on ``least`` of notional and enough of it is known; else not a number."""
        sound = (self.notional >= least) & (self.known_share >= min_known_share)
        return np.where(sound, self.edge_bps, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What an average rests on at n times: N, D and L as (3, n), each at the scale of its ``stretch`` (n,).

    ``known_ns`` (n,) is when the last fill with a markout closed.
    """

    values: NDArray[np.float64]
    stretch: Ints
    known_ns: Ints

    @classmethod
    def one_after_another(cls, parts: Sequence[Self]) -> Self:
        """Those of times that follow one another."""
        return cls(
            np.concatenate([part.values for part in parts], axis=1),
            np.concatenate([part.stretch for part in parts]),
            np.concatenate([part.known_ns for part in parts]),
        )

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """The sums of several averages of the same times, at least one: those of all their fills."""
        stretch = np.max([part.stretch for part in parts], axis=0)
        values = [carry(part.values, stretch - part.stretch) for part in parts]
        return cls(np.sum(values, axis=0), stretch, np.max([part.known_ns for part in parts], axis=0))

    def read(self, times_ns: Ints, half_life: timedelta) -> Readings:
        """Turn them into what they say at each time."""
        return read_sums(self.values, self.stretch, self.known_ns, times_ns, half_life)


@dataclass(frozen=True, slots=True, eq=False)
class Decayed:
    """The sums after each fill: row 0 is what was before the first, row n what is after the n-th.

    ``sums`` has shape (3, n + 1): N, D and L at the scale of ``stretch``; ``fills`` and ``without`` count since ever.
    """

    half_life: timedelta
    close_ns: Ints
    known_ns: Ints
    stretch: Ints
    sums: NDArray[np.float64]
    fills: int
    without: int

    @property
    def last(self) -> EmaState:
        """What is remembered after the last fill."""
        money, notional, left_out = self.sums[:, -1].tolist()
        return EmaState(
            half_life_s=self.half_life.total_seconds(),
            stretch=int(self.stretch[-1]),
            money=money,
            notional=notional,
            left_out=left_out,
            last_ns=int(self.close_ns[-1]),
            known_ns=int(self.known_ns[-1]),
            fills=self.fills,
            without=self.without,
        )

    def sums_at(self, times_ns: Ints) -> Sums:
        """What the average rests on at times that grow; a fill counts from the nanosecond on in which it closes.

        Raises:
            SchemaError: a time lies before what was remembered at the start.
        """
        if times_ns.size and times_ns.min() < self.close_ns[0]:
            raise SchemaError(f"ema: expected times from {self.close_ns[0]} on, was {times_ns.min()}")
        row = np.searchsorted(self.close_ns[1:], times_ns, side="right")
        return Sums(self.sums[:, row], self.stretch[row], self.known_ns[row])

    def at(self, times_ns: Ints) -> Readings:
        """Read the average at times that grow.

        Raises:
            SchemaError: a time lies before what was remembered at the start.
        """
        return self.sums_at(times_ns).read(times_ns, self.half_life)


def decay(closed: ClosedFills, half_life: timedelta, before: EmaState | None = None) -> Decayed:
    """Add fills to what was remembered.

    A loop over stretches, of which a year of ``ema1h`` has 137; all else is on arrays.

    Raises:
        SchemaError: what was remembered has another half-life, or ends after the first fill.
    """
    start = before or EmaState(half_life_s=half_life.total_seconds())
    refuse_other(start, half_life)
    if closed.close_ns.size:
        refuse_earlier(start, int(closed.close_ns[0]))
    known = closed.known
    amounts = np.empty((3, known.size))
    amounts[0], amounts[1] = np.where(known, closed.money, 0.0), np.where(known, closed.notional, 0.0)
    amounts[2] = closed.notional - amounts[1]
    stretch = closed.close_ns // stretch_ns(half_life)
    amounts *= weights(closed.close_ns, stretch, half_life)
    first = start.stretch if start.last_ns != NEVER or not stretch.size else int(stretch[0])
    sums = _accumulate(amounts, np.append(first, stretch), (start.money, start.notional, start.left_out))
    known_ns = np.maximum.accumulate(np.append(start.known_ns, np.where(known, closed.close_ns, NEVER)))
    return Decayed(
        half_life=half_life,
        close_ns=np.append(start.last_ns, closed.close_ns),
        known_ns=known_ns,
        stretch=np.append(first, stretch),
        sums=sums,
        fills=start.fills + int(known.sum()),
        without=start.without + int((~known).sum()),
    )


def _accumulate(amounts: NDArray[np.float64], stretch: Ints, before: tuple[float, float, float]) -> NDArray[np.float64]:
    """Running sums (3, n + 1), each at the scale of its row's stretch; ``stretch`` has the row before the first too."""
    sums = np.concatenate([np.array(before)[:, None], amounts], axis=1)
    edges = [0, *(np.flatnonzero(np.diff(stretch)) + 1).tolist(), stretch.size]
    for start, stop in itertools.pairwise(edges):
        if start:
            sums[:, start] += carry(sums[:, start - 1], int(stretch[start] - stretch[start - 1]))
        np.add.accumulate(sums[:, start:stop], axis=1, out=sums[:, start:stop])
    return sums


def stretch_ns(half_life: timedelta) -> int:
    """The length of a stretch."""
    return HALF_LIVES * nanoseconds(half_life)


def weights(times_ns: Ints, stretch: Ints, half_life: timedelta) -> Floats:
    """2^((t − o)/h) with o the start of the stretch; differences are taken in whole nanoseconds."""
    weight: Floats = np.exp2((times_ns - stretch * stretch_ns(half_life)) / nanoseconds(half_life))
    return weight


def carry(sums: NDArray[np.float64], stretches: int | Ints) -> NDArray[np.float64]:
    """Sums at the scale of a later stretch; after 17 stretches or so nothing is left of them."""
    carried: NDArray[np.float64] = np.ldexp(sums, -HALF_LIVES * np.minimum(stretches, HALF_LIVES))
    return carried


def read_sums(
    sums: NDArray[np.float64], stretch: Ints, known_ns: Ints, times_ns: Ints, half_life: timedelta
) -> Readings:
    """Turn sums (3, n) into what they say at each time."""
    money, notional, left_out = sums
    some = notional > 0
    age = np.maximum(times_ns - stretch * stretch_ns(half_life), 0)  # before the first fill there is nothing to weigh
    weight = np.exp2(-age / nanoseconds(half_life))
    whole = np.where(some, notional, 1.0)
    return Readings(
        edge_bps=np.where(some, TO_BPS * money / whole, np.nan),
        notional=notional * weight,
        known_share=np.where(some, notional / (whole + left_out), np.where(left_out > 0, 0.0, np.nan)),
        age_s=np.where(known_ns == NEVER, np.nan, (times_ns - known_ns) / NS_PER_SECOND),
    )


def refuse_other(state: EmaState, half_life: timedelta) -> None:
    """Refuse a state that another half-life made.

    Raises:
        SchemaError: names both.
    """
    if state.half_life_s != half_life.total_seconds():
        raise SchemaError(f"ema state: half_life_s: expected {half_life.total_seconds()}, was {state.half_life_s}")


def refuse_earlier(state: EmaState, close_ns: int) -> None:
    """Refuse a fill that closes before one that was added.

    Raises:
        SchemaError: names both times.
    """
    if close_ns < state.last_ns:
        raise SchemaError(f"ema: close_ns: expected {state.last_ns} or later, was {close_ns}")
