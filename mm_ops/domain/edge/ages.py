"""Quantiles of many ages in little memory: exact for some, rounded up by at most 0.1 % for very many, never down.

Up to ``EXACT`` ages of a list are kept as they are. More are counted in steps of 2⁻¹⁰ of their power of two (1024 steps
from any age to its double), each by its upper end, so that a quantile can only come out too old. Lists are never put
together: the steps of all say in which one a quantile lies, and only what lies in that step is looked at.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np

from mm_ops.domain.edge.arrays import Floats, Ints

EXACT = 100_000
"""800 kB; more than a symbol's fills of one hour and side, of which the report holds one such list each."""

ROUNDED_UP_BY = 2.0**-10
_DROPPED_BITS = 52 - 10
_CARRY = (1 << _DROPPED_BITS) - 1


class Ages:
    """Ages in milliseconds, at or above zero; those that are not known are counted as the oldest."""

    def __init__(self) -> None:
        self._exact = [np.empty(0)]
        self._held = 0
        self._steps = np.empty(0, dtype=np.int64)
        self._counts = np.empty(0, dtype=np.int64)
        self._all: tuple[Ints, Ints] | None = None
        self.unknown = 0

    @property
    def rounded(self) -> bool:
        """Whether a quantile may be too old by ``ROUNDED_UP_BY``."""
        return bool(self._steps.size)

    def add(self, ages: Floats) -> None:
        """Add ages; not a number is one that is not known."""
        known = ages[~np.isnan(ages)]
        self.unknown += ages.size - known.size
        self._exact.append(known)
        self._held += known.size
        self._all = None
        if self._held > EXACT:
            self._steps, self._counts = self.counted()
            self._exact, self._held = [np.empty(0)], 0

    def counted(self) -> tuple[Ints, Ints]:
        """Every step that has ages, growing, with their number."""
        if self._all is None:
            steps, counts = _counted(_step_of(self._kept()))
            self._all = _merged([self._steps, steps], [self._counts, counts])
        return self._all

    def within(self, step: int) -> Floats:
        """The ages of one step, exact or at its upper end, in any order."""
        ages, upper = self._kept(), _end_of(step)
        above = ages > _end_of(step - 1) if step else np.ones(ages.size, dtype=np.bool_)
        at = int(np.searchsorted(self._steps, step))
        rounded = int(self._counts[at]) if at < self._steps.size and self._steps[at] == step else 0
        return np.concatenate([ages[above & (ages <= upper)], np.full(rounded, upper)])

    def _kept(self) -> Floats:
        if len(self._exact) > 1:
            self._exact = [np.concatenate(self._exact)]
        return self._exact[0]


def age_quantiles(parts: Iterable[Ages], shares: Sequence[float]) -> list[float | None]:
    """Find quantiles of all parts together, linear between neighbours, as if whatever is not known were the oldest.

    Returns:
        Milliseconds; null without ages, and where the quantile lies among those that are not known.
    """
    chosen = list(parts)
    counted = [part.counted() for part in chosen]
    steps, counts = _merged([each for each, _ in counted], [count for _, count in counted])
    upto = np.cumsum(counts)
    known = int(counts.sum())
    total = known + sum(part.unknown for part in chosen)

    @cache  # neighbours mostly lie in one step
    def within(step: int) -> Floats:
        return np.sort(np.concatenate([part.within(step) for part in chosen]))

    def ranked(rank: int) -> float | None:
        if rank >= known:
            return None
        at = int(np.searchsorted(upto, rank, side="right"))
        return float(within(int(steps[at]))[rank - int(upto[at] - counts[at])])

    return [_between(ranked, (total - 1) * share) if known else None for share in shares]


def _between(ranked: Callable[[int], float | None], position: float) -> float | None:
    low, part = ranked(int(position)), position - int(position)
    if low is None or part == 0:
        return low
    high = ranked(int(position) + 1)
    return None if high is None else low + (high - low) * part


def _step_of(ages: Floats) -> Ints:
    """The step of each age, rounded up; the bits of a float at or above zero sort as the float does."""
    found: Ints = (ages.view(np.int64) + _CARRY) >> _DROPPED_BITS
    return found


def _end_of(step: int) -> float:
    return float(np.int64(step << _DROPPED_BITS).view(np.float64))


def _counted(steps: Ints) -> tuple[Ints, Ints]:
    """Steps once each, growing, with their number."""
    if not steps.size:
        return steps, steps
    lowest = int(steps.min())
    counts = np.bincount(steps - lowest)
    some = np.flatnonzero(counts)
    return some + lowest, counts[some]


def _merged(steps: Sequence[Ints], counts: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Steps once each, growing, with the sum of their counts; at most two million lie between any two."""
    every = np.concatenate([np.empty(0, dtype=np.int64), *steps])
    if not every.size:
        return every, every
    lowest = int(every.min())
    sums = np.bincount(every - lowest, weights=np.concatenate(counts))
    some = np.flatnonzero(sums)
    return some + lowest, sums[some].astype(np.int64)
