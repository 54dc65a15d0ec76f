"""When the money was earned: what each stretch of the window added, at the mid that was the last one then.

    U_k       value of one unit of quantity at the last mid up to the end of stretch k
    Q_k       signed quantity of the window's fills up to the end of stretch k
    earned_k  Σ over the fills of k of (moved·(U_k − U(p)) − fee)  +  Q_{k−1}·(U_k − U_{k−1})

They add up to the net money: it is told where the price moved and not where the fill was. So a position that is
carried through a move of the price is a risk of each of its stretches, where one price for all of the fills, that of
the window's end, would make a day that only went one way look like a sure edge.
"""

import numpy as np

from mm_ops.domain.edge.arrays import Floats, Ints, last_of_stretches


class LastMids:
    """The last mid of each of some stretches, as quotes come in parts that may overlap."""

    def __init__(self, start_ns: int, width_ns: int, stretches: int) -> None:
        """Divide what begins at a time; quotes before it are of the first stretch, until that has one of its own."""
        self._start, self._width = start_ns, width_ns
        self._seen = np.full(stretches, np.iinfo(np.int64).min)
        self._mids = np.full(stretches, np.nan)

    def see(self, at: Ints, mid: Floats) -> None:
        """Take quotes; ``at`` (n_quotes,) growing, in nanoseconds, before the end of all stretches."""
        early = max(int(np.searchsorted(at, self._start)) - 1, 0)
        stretches, ends = last_of_stretches(at[early:], self._width, self._start)
        where, which = np.maximum(stretches, 0), ends + early
        later = at[which] >= self._seen[where]
        self._seen[where[later]], self._mids[where[later]] = at[which[later]], mid[which[later]]

    def filled(self, otherwise: float) -> Floats:
        """The mid of each stretch; where it has no quote that of the one before, and before the first the first."""
        known = np.flatnonzero(~np.isnan(self._mids))
        if not known.size:
            return np.full(self._mids.size, otherwise)
        last = np.searchsorted(known, np.arange(self._mids.size), side="right") - 1
        found: Floats = self._mids[known[np.maximum(last, 0)]]
        return found


def earned_when(net: Floats, moved: Floats, values: Floats, end: float) -> Floats:
    """What each stretch earned, all (n_stretches,).

    Args:
        net: money of its fills by the value at the window's end, less fees.
        moved: their signed quantity.
        values: U at its last mid.
        end: U by which ``net`` is told.
    """
    held = np.cumsum(moved) - moved
    found: Floats = net + moved * (values - end) + held * np.diff(values, prepend=values[:1])
    return found
