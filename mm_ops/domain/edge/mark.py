"""Whether the last mid, at which every position is valued, is like those of the hour before it."""

from dataclasses import dataclass, field

import numpy as np

from mm_ops.domain.edge.arrays import Floats, Ints, last_of_stretches
from mm_ops.domain.windows import NS_PER_SECOND

_MINUTE = 60 * NS_PER_SECOND
_MINUTES = 60
"""An hour: quotes that are wrong for less than half of it do not move its median."""
_FEWEST = 3
"""Minutes with a quote, of which one alone does not decide the median."""


@dataclass(slots=True)
class Mark:
    """The last mid of each minute, as quotes come in parts that may overlap; no more than an hour is kept."""

    _last: dict[int, tuple[int, float]] = field(default_factory=dict)

    def see(self, at: Ints, mid: Floats) -> None:
        """Take quotes; ``at`` (n_quotes,) growing, in nanoseconds, ``mid`` (n_quotes,)."""
        if not at.size:
            return
        early = int(np.searchsorted(at, int(at[-1]) - _MINUTES * _MINUTE))
        minutes, ends = last_of_stretches(at[early:], _MINUTE)
        for minute, end in zip(minutes.tolist(), (ends + early).tolist(), strict=True):
            moment = int(at[end])
            if moment >= self._last.get(minute, (moment,))[0]:
                self._last[minute] = (moment, float(mid[end]))
        oldest = max(self._last) - _MINUTES
        self._last = {minute: seen for minute, seen in self._last.items() if minute > oldest}

    def jump_bps(self) -> float | None:
        """How far the last mid is from the median of the minutes' of its hour; ``None`` where too few say anything."""
        if len(self._last) < _FEWEST:
            return None
        mids = [mid for _, mid in self._last.values()]
        return float(abs(self._last[max(self._last)][1] / np.median(mids) - 1) * 1e4)
