"""What one symbol's fills add up to, hour by hour and side by side, while they come in parts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from mm_ops.domain.edge.ages import Ages
from mm_ops.domain.edge.arrays import Bools, Floats, Ints, last_of_stretches
from mm_ops.domain.edge.fill_arrays import FillArrays
from mm_ops.domain.edge.identity import Cash, capture_error
from mm_ops.domain.edge.join import Met
from mm_ops.domain.edge.last_mids import LastMids, earned_when
from mm_ops.domain.edge.measures import value_of
from mm_ops.domain.edge.policy import Instrument
from mm_ops.domain.edge.sums import COLUMNS, SIDES, Rows, fill_columns, fill_rows, sums_of
from mm_ops.domain.windows import TimeWindow

HOURS = 24
BINS = 1440
"""Stretches of the window for the bootstrap: a minute of a day. Their number bounds its memory and its time."""
EARNED = "earned"
"""The net money of each bin by the mids of then, where the row ``net`` has it by the window's last one."""

_STEP = 8192
"""Fills measured at once, so that their 50 rows stay in the cache of a core."""
_NS_PER_HOUR = 3_600_000_000_000


@dataclass(slots=True)
class Tally:
    """Sums of the measured fills of one symbol.

    ``cells``: (hour of the day, row, side, column), see :mod:`.sums`. ``bins``: (row, bin) of the rows in
    ``bin_rows``; ``mids``: the last of each bin. ``unmeasured`` and ``stale``: (hour, side) counts of fills without a
    mid, and of those among them whose quote is stale. ``ages`` of orders by hour and side. Positions are valued at
    ``mark`` until :meth:`revalue`.
    """

    instrument: Instrument
    rows: Rows
    window: TimeWindow
    mark: float
    cells: Floats = field(init=False)
    bins: Floats = field(init=False)
    unmeasured: Ints = field(init=False)
    stale: Ints = field(init=False)
    ages: dict[tuple[int, int], Ages] = field(default_factory=dict)
    cash: Cash = field(default_factory=Cash)
    capture_error: float = 0.0
    mids: LastMids = field(init=False)
    _buffer: Floats = field(init=False)
    _weights: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.cells = np.zeros((HOURS, len(self.rows.names), len(SIDES), COLUMNS))
        self.bins = np.zeros((len(self.bin_rows), BINS))
        self.unmeasured, self.stale = (np.zeros((HOURS, len(SIDES)), dtype=np.int64) for _ in range(2))
        self.mids = LastMids(self.window.start_ns, self._width, BINS)
        self._buffer = np.empty((len(self.rows.names), _STEP))
        self._weights = np.empty((len(SIDES) * COLUMNS, _STEP))

    @property
    def bin_rows(self) -> list[str]:
        """The rows that the bootstrap resamples."""
        by_horizon = [f"{kind}_{name}" for kind in ("markout", "seen_notional") for name in self.rows.horizons]
        return ["fills", "notional", "net", "moved", *by_horizon]

    def add(self, fills: FillArrays, met: Met) -> Bools:
        """Add fills in the order of their time; which of them have a mid is returned."""
        measured = ~np.isnan(met.mid)
        hours = fills.at // _NS_PER_HOUR % HOURS
        if not measured.all():
            self._count_unmeasured(fills, met, hours, ~measured)
            fills, met, hours = fills.pick(measured), met.pick(measured), hours[measured]
        self.cash.add(fills, self.instrument)
        for part in _stretches(hours):
            self._add(int(hours[part.start]), fills.pick(part), met.pick(part))
        return measured

    def _count_unmeasured(self, fills: FillArrays, met: Met, hours: Ints, which: Bools) -> None:
        group = hours * len(SIDES) + (fills.sign < 0)
        shape = self.unmeasured.shape
        self.unmeasured += np.bincount(group[which], minlength=self.unmeasured.size).reshape(shape)
        self.stale += np.bincount(group[met.stale], minlength=self.stale.size).reshape(shape)

    def _add(self, hour: int, fills: FillArrays, met: Met) -> None:
        size = fills.at.size
        rows, weights = self._buffer[:, :size], self._weights[:, :size]
        fill_rows(rows, fills, met, self.instrument, self.mark)
        fill_columns(weights, fills, rows[1])
        self.cells[hour] += sums_of(self._buffer, self._weights, size).reshape(self.cells.shape[1:])
        self.capture_error = float(np.maximum(self.capture_error, capture_error(rows, self.rows)))
        self._add_bins(fills.at, rows)
        for side, mine in enumerate((fills.sign > 0, fills.sign < 0)):
            self.ages.setdefault((hour, side), Ages()).add(fills.order_age_ms[mine])

    def _add_bins(self, at: Ints, rows: Floats) -> None:
        bins, ends = last_of_stretches(at, self._width, self.window.start_ns)
        starts = np.append(0, ends[:-1] + 1)
        index = self.rows.index()
        for own, name in zip(self.bins, self.bin_rows, strict=True):
            own[bins] += np.add.reduceat(rows[index[name]], starts)

    @property
    def _width(self) -> int:
        return -(-(self.window.end_ns - self.window.start_ns) // BINS)

    def series(self, row: str) -> Floats:
        """One of ``bin_rows`` by bin, or ``earned``: the net money where it was earned, see :mod:`.last_mids`."""
        if row != EARNED:
            found: Floats = self.bins[self.bin_rows.index(row)]
            return found
        values = value_of(self.mids.filled(self.mark), self.instrument)
        end = value_of(self.mark, self.instrument)
        return earned_when(self.series("net"), self.series("moved"), values, end)

    def has_hour(self, hour: int) -> bool:
        """Whether a fill, measured or not, was of this hour."""
        return bool(self.cells[hour, 0, :, 0].any() or self.unmeasured[hour].any())

    def revalue(self, mark: float) -> None:
        """Value every position at another price: money moves by the signed quantity times the change of its value."""
        change = value_of(mark, self.instrument) - value_of(self.mark, self.instrument)
        self.mark = mark
        if change == 0:
            return
        index, bin_index = self.rows.index(), {name: at for at, name in enumerate(self.bin_rows)}
        self.bins[bin_index["net"]] += change * self.bins[bin_index["moved"]]
        pairs = [("net", "moved"), *((f"inventory_{name}", f"seen_moved_{name}") for name in self.rows.horizons)]
        for money, moved in pairs:
            self.cells[:, index[money]] += change * self.cells[:, index[moved]]


def _stretches(hours: Ints) -> Iterator[slice]:
    """Stretches of one hour each, of at most ``_STEP`` fills."""
    edges = [0, *(np.flatnonzero(np.diff(hours)) + 1).tolist(), hours.size]
    for first, after in pairwise(edges):
        for start in range(first, after, _STEP):
            yield slice(start, min(start + _STEP, after))
