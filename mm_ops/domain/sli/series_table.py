"""Builds the series of a long window from pieces, in little more memory than the series take themselves.

A frame with the name and the labels in every row costs 48 bytes a sample; here a sample costs its value, 8 bytes,
and its time another 8 only where its series is not scraped together with others: those share one array of times.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.sli.series import Series, parse_labels, refuse_disorder

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Number = TypeVar("Number", np.int64, np.float64)


class SeriesTable:
    """Series that grow at their end, piece by piece; nothing that was given is kept, only copies."""

    def __init__(self) -> None:
        self._growing: dict[tuple[str, str], _Growing] = {}
        self._times = _TimePieces()

    def add(self, metric: str, labels: str, ts_ns: Times, values: Values) -> None:
        """Add the next piece of a series.

        Args:
            metric: its name.
            labels: its labels as text, as a sample frame holds them.
            ts_ns: (n,), n >= 1; strictly increasing, and all after the last piece of the series.
            values: (n,).

        Raises:
            SchemaError: the times do not increase, or the labels are none.
        """
        key = (metric, labels)
        series = self._growing.get(key)
        if series is None:
            series = self._growing[key] = _Growing(parse_labels(metric, labels))
        refuse_disorder(metric, labels, np.concatenate((series.last_ns, ts_ns)))
        series.add(self._times.own(ts_ns), values)

    def finish(self) -> list[Series]:
        """Give the series away, sorted by (metric, labels text); nobody can write to their arrays.

        Each is joined and its pieces are freed before the next one: the table is empty afterwards.
        """
        self._times = _TimePieces()
        joined: dict[tuple[int, ...], Times] = {}  # by identity: all pieces are there from the start, so none is reused
        series = ((key[0], self._growing.pop(key)) for key in sorted(self._growing))
        return [Series(metric, one.labels, one.times(joined), one.values()) for metric, one in series]


class _TimePieces:
    """Each piece of times once, however many series have it."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[int, int, int], list[Times]] = {}

    def own(self, ts_ns: Times) -> Times:
        """The piece that equals this one, or else a copy of it."""
        alike = self._pieces.setdefault((ts_ns.size, int(ts_ns[0]), int(ts_ns[-1])), [])
        found = next((piece for piece in alike if np.array_equal(piece, ts_ns)), None)
        if found is None:
            found = ts_ns.copy()
            alike.append(found)
        return found


class _Growing:
    """One series; its values have room to grow, which costs no memory before it is written to."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        self.last_ns: Times = np.empty(0, dtype=np.int64)
        """Shape (1,), or (0,) before the first sample."""
        self._pieces: list[Times] = []
        self._values: Values = np.empty(0)
        self._size = 0

    def add(self, times: Times, values: Values) -> None:
        end = self._size + values.size
        if end > self._values.size:
            roomier = np.empty(max(end, 2 * self._size))
            roomier[: self._size] = self._values[: self._size]
            self._values = roomier
        self._values[self._size : end] = values
        self._size, self.last_ns = end, times[-1:]
        self._pieces.append(times)

    def times(self, joined: dict[tuple[int, ...], Times]) -> Times:
        """The times in one array, shared with every series of the same pieces."""
        key = tuple(id(piece) for piece in self._pieces)
        if key not in joined:
            joined[key] = _sealed(np.concatenate(self._pieces))
        return joined[key]

    def values(self) -> Values:
        return _sealed(self._values[: self._size])


def _sealed(array: NDArray[Number]) -> NDArray[Number]:
    array.flags.writeable = False
    return array
