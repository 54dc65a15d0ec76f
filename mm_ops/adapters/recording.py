"""Reads recorded samples: ``<root>/samples/date=YYYY-MM-DD/samples.parquet``, one file a UTC day."""

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from mm_ops.adapters.day_entries import DayEntries
from mm_ops.domain.errors import MissingEvidenceError, SchemaError
from mm_ops.domain.sli.series import (
    Selector,
    check_columns,
    check_samples,
    find_runs,
    join_runs,
    parse_labels,
)
from mm_ops.domain.windows import TimeWindow

_ROWS_IN_A_GROUP = 65_536


def encode_samples(frame: pl.DataFrame) -> bytes:
    """Write a sample frame as the Parquet file of a day; equal frames give equal bytes.

    Raises:
        SchemaError: the frame has other columns or types.
    """
    buffer = io.BytesIO()
    checked = check_samples(frame, "samples to store")
    checked.write_parquet(buffer, compression="zstd", statistics=True, row_group_size=_ROWS_IN_A_GROUP)
    return buffer.getvalue()


class RecordingSamples:
    """A ``SampleSource`` over a folder that a recorder writes.

    Where the recorder keeps entries of its days (:mod:`.day_entries`), a day without one was cut short and is not
    read, and a file that is not the recorded one is refused.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._entries = DayEntries(root)

    def read(self, selectors: Sequence[Selector], window: TimeWindow) -> pl.DataFrame:
        """Read the selected series in the window; a day that is not there leaves a gap.

        Raises:
            MissingEvidenceError: not one day of the window is there.
            IntegrityError: a file is not the one that was recorded; names it.
            SchemaError: a file is no Parquet, has other columns, or is not sorted; names it.
        """
        files = [self._file(day) for day in window.days() if self._has(day)]
        if not files:
            raise MissingEvidenceError(
                f"{self._root}: no samples of any day in {window} are recorded; "
                "`mm-ops paperbot record` records the paper bot"
            )
        parts: dict[tuple[str, str], list[pl.DataFrame]] = {}
        for file in files:
            self._entries.verify(file)
            for metric, labels, rows in _selected(file, selectors, window):
                parts.setdefault((metric, labels), []).append(rows)
        return join_runs(parts)

    def _has(self, day: date) -> bool:
        file = self._file(day)
        return file.is_file() and self._entries.has(file.parent.name)

    def _file(self, day: date) -> Path:
        return self._root / "samples" / f"date={day.isoformat()}" / "samples.parquet"


def _selected(file: Path, selectors: Sequence[Selector], window: TimeWindow) -> list[tuple[str, str, pl.DataFrame]]:
    """Read one file and keep the series that a selector wants, each as one run of rows."""
    frame = _scan(file, sorted({selector.metric for selector in selectors}), window)
    try:
        return [
            (metric, labels, rows)
            for metric, labels, rows in find_runs(frame)
            if any(selector.selects(metric, parse_labels(metric, labels)) for selector in selectors)
        ]
    except SchemaError as error:
        raise SchemaError(f"{file}: {error}") from error


def _scan(file: Path, metrics: Sequence[str], window: TimeWindow) -> pl.DataFrame:
    """Let Parquet's statistics skip what is outside the window or another metric."""
    time = pl.col("ts_ns")
    wanted = (time >= window.start_ns) & (time < window.end_ns) & pl.col("metric").is_in(metrics)
    try:
        lazy = pl.scan_parquet(file, hive_partitioning=False)
        check_columns(lazy.collect_schema(), str(file))
        frame = lazy.filter(wanted).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SchemaError(f"{file}: not a Parquet file of samples: {reason}") from error
    return check_samples(frame, str(file))
