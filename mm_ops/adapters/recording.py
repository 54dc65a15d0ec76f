"""Reads recorded samples: ``<root>/samples/date=YYYY-MM-DD/…``, one file a UTC day or several.

Where the recorder keeps entries of its days (:mod:`.day_entries`), a day's files are those that its entry lists, in
the order of their names, which must be that of time: ``samples.parquet``, or ``part-00.parquet`` and on. Elsewhere a
day is its ``samples.parquet``.
"""

import io
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from mm_ops.adapters.day_entries import DayEntries
from mm_ops.adapters.json_files import read_json
from mm_ops.domain.errors import MissingEvidenceError, SchemaError
from mm_ops.domain.sli.series import (
    Selector,
    Series,
    check_columns,
    check_samples,
    find_runs,
    join_series,
    parse_labels,
)
from mm_ops.domain.sli.series_table import SeriesTable
from mm_ops.domain.windows import TimeWindow

Decoded = TypeVar("Decoded")

_ROWS_IN_A_GROUP = 65_536
_ROWS_AT_ONCE = 262_144
"""What is decoded at a time, 13 MB; the rest of a file stays compressed."""


def encode_samples(frame: pl.DataFrame) -> bytes:
    """Write a sample frame as a Parquet file; equal frames give equal bytes.

    Raises:
        SchemaError: the frame has other columns or types.
    """
    buffer = io.BytesIO()
    checked = check_samples(frame, "samples to store")
    checked.write_parquet(buffer, compression="zstd", statistics=True, row_group_size=_ROWS_IN_A_GROUP)
    return buffer.getvalue()


class RecordingSamples:
    """A ``SampleSource`` over a folder that a recorder writes.

    Where the recorder keeps entries of its days, a day without one was cut short and is not read, and a file that is
    not the recorded one, or is gone, is refused.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._entries = DayEntries(root)

    def read_series(self, selectors: Sequence[Selector], window: TimeWindow) -> list[Series]:
        """Read the selected series in the window; a day that is not there leaves a gap.

        Raises:
            MissingEvidenceError: not one day of the window is there, or a file that a day's entry lists is not.
            IntegrityError: a file is not the one that was recorded; names it.
            SchemaError: a file is no Parquet, has other columns, or is not sorted; names it.
        """
        files = [file for day in window.days() for file in self._files(day)]
        if not files:
            raise MissingEvidenceError(
                f"{self._root}: no samples of any day in {window} are recorded; "
                "`mm-ops paperbot record` records the paper bot"
            )
        table, wanted = SeriesTable(), _Wanted(selectors)
        for file in files:
            self._entries.verify(file)
            _add(table, file, wanted, window)
        return table.finish()

    def read(self, selectors: Sequence[Selector], window: TimeWindow) -> pl.DataFrame:
        """Read the same as one frame.

        Raises:
            MmOpsError: as :meth:`read_series`.
        """
        return join_series(self.read_series(selectors, window))

    def _files(self, day: date) -> list[Path]:
        """The files of a day in order of time, none where it was not recorded (to its end)."""
        name = f"date={day.isoformat()}"
        folder = self._root / "samples" / name
        if not self._entries.are_kept:
            only = folder / "samples.parquet"
            return [only] if only.is_file() else []
        return self._listed(folder) if self._entries.has(name) else []

    def _listed(self, folder: Path) -> list[Path]:
        self._entries.require(folder)  # the entry is one, and all that it lists is there
        entry = self._root / "days" / folder.name / "day.json"
        names = sorted(name for name in read_json(entry)["files"] if name.startswith(f"samples/{folder.name}/"))
        if not names:
            raise SchemaError(f"{entry}: expected a file of samples under files, was none")
        return [self._root / name for name in names]


class _Wanted:
    """What is asked for; whether a series is, is found out once and not for every piece of it."""

    def __init__(self, selectors: Sequence[Selector]) -> None:
        self.metrics = sorted({selector.metric for selector in selectors})
        self._selectors = selectors
        self._known: dict[tuple[str, str], bool] = {}

    def has(self, metric: str, labels: str) -> bool:
        if (metric, labels) not in self._known:
            parsed = parse_labels(metric, labels)
            self._known[metric, labels] = any(one.selects(metric, parsed) for one in self._selectors)
        return self._known[metric, labels]


def _add(table: SeriesTable, file: Path, wanted: _Wanted, window: TimeWindow) -> None:
    """Add one file's samples of the series that are wanted; whatever is wrong with them is said of the file."""
    try:
        for (metric, labels), rows in _whole_runs(_pieces(file, wanted.metrics, window)):
            if wanted.has(metric, labels):
                ts_ns, values = (
                    np.concatenate([part[name].to_numpy() for part in rows]) for name in ("ts_ns", "value")
                )
                table.add(metric, labels, ts_ns, values)
    except SchemaError as error:
        raise SchemaError(f"{file}: {error}") from error


def _whole_runs(pieces: Iterable[pl.DataFrame]) -> Iterator[tuple[tuple[str, str], list[pl.DataFrame]]]:
    """Give the rows of each series together, where two pieces were cut in the midst of it.

    So all series that are scraped together come with the same times, wherever the cuts are.
    """
    done = set()
    runs = (((metric, labels), rows) for piece in pieces for metric, labels, rows in find_runs(piece))
    for key, group in itertools.groupby(runs, operator.itemgetter(0)):
        if key in done:
            raise SchemaError(f"{key[0]}{key[1]}: expected all rows of a series together, was in two places")
        done.add(key)
        yield key, [rows for _, rows in group]


def _pieces(file: Path, metrics: Sequence[str], window: TimeWindow) -> Iterator[pl.DataFrame]:
    """Decode one file bit by bit, and keep of each bit what is of a metric and in the window."""
    time, metric = pl.col("ts_ns"), pl.col("metric")
    unknown = time.is_null() | metric.is_null()  # kept, so that it is refused and not overlooked
    wanted = (time >= window.start_ns) & (time < window.end_ns) & metric.is_in(metrics)
    lazy = pl.scan_parquet(file, hive_partitioning=False)
    check_columns(_decoded(lazy.collect_schema), "samples")
    height = _decoded(lazy.select(pl.len()).collect).item()
    for first in range(0, height, _ROWS_AT_ONCE):
        piece = lazy.slice(first, _ROWS_AT_ONCE).filter(wanted | unknown)
        yield check_samples(_decoded(piece.collect), "samples")


def _decoded(decode: Callable[[], Decoded]) -> Decoded:
    try:
        return decode()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SchemaError(f"not a Parquet file of samples: {reason}") from error
