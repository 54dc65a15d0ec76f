"""Fills and quotes from Parquet or JSON lines: one file, or a folder of ``date=…/symbol=…``.

Every fault is one line: file, column, row (counted from 0), expected and found.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from mm_ops.adapters.day_entries import DayEntries
from mm_ops.domain.errors import MissingEvidenceError, SchemaError
from mm_ops.domain.windows import TimeWindow

_INT, _NUMBER, _TEXT = pl.Int64, pl.Float64, pl.String
QUOTES: Mapping[str, type[pl.DataType]] = {
    "ts_ns": _INT,
    "symbol": _TEXT,
    "bid_px": _NUMBER,
    "bid_qty": _NUMBER,
    "ask_px": _NUMBER,
    "ask_qty": _NUMBER,
}
FILLS: Mapping[str, type[pl.DataType]] = {
    "ts_ns": _INT,
    "symbol": _TEXT,
    "side": _TEXT,
    "price": _NUMBER,
    "qty": _NUMBER,
}
OPTIONAL: Mapping[str, type[pl.DataType]] = {
    "exch_ts_ns": _INT,
    "fill_id": _TEXT,
    "order_id": _TEXT,
    "liquidity": _TEXT,
    "fee": _NUMBER,
    "fee_asset": _TEXT,
    "order_ts_ns": _INT,
    "venue": _TEXT,
}
_WORDS = {"side": ("buy", "sell"), "liquidity": ("maker", "taker")}
_POSITIVE = ("price", "qty", "bid_px", "bid_qty", "ask_px", "ask_qty")
_ENDINGS = (".parquet", ".jsonl", ".jsonl.gz")

SideIs = Literal["ours", "aggressor"]


def read_quotes(path: Path, window: TimeWindow | None = None) -> pl.DataFrame:
    """Read quotes; of a folder with ``date=…`` only the days of the window.

    Raises:
        MissingEvidenceError: nothing is there, or a recorded file is gone (:mod:`.day_entries`).
        IntegrityError: a file is not the one that was recorded; names it.
        SchemaError: it is not quotes, or cannot be read.
    """
    optional = {"exch_ts_ns": _INT}
    frames = [_read(file, QUOTES, optional) for file in _files(path, window)]
    return pl.concat(frames, how="diagonal")


def read_fills(path: Path, window: TimeWindow | None = None, side_is: SideIs = "ours") -> pl.DataFrame:
    """Read fills; of a folder with ``date=…`` only the days of the window.

    Args:
        path: file or folder.
        window: whose days to read.
        side_is: ``aggressor`` takes public trades as the fills of their passive side: the side is turned round, and
            every fill is a maker's.

    Raises:
        MissingEvidenceError: nothing is there, or a recorded file is gone (:mod:`.day_entries`).
        IntegrityError: a file is not the one that was recorded; names it.
        SchemaError: it is not fills, or cannot be read.
    """
    frames = [_read(file, FILLS, OPTIONAL) for file in _files(path, window)]
    fills = pl.concat(frames, how="diagonal")
    if side_is == "ours":
        return fills
    ours = pl.when(pl.col("side") == "buy").then(pl.lit("sell")).otherwise(pl.lit("buy"))
    return fills.with_columns(side=ours, liquidity=pl.lit("maker"))


def _files(path: Path, window: TimeWindow | None) -> Sequence[Path]:
    entries = DayEntries.beside(path)
    found = [path] if path.is_file() else _in_folders(path, window, entries)
    for file in found:
        entries.verify(file)
    return found


def _in_folders(path: Path, window: TimeWindow | None, entries: DayEntries) -> list[Path]:
    if window is not None and any(path.glob("date=*")):
        folders = [path / f"date={day.isoformat()}" for day in window.days()]
    else:
        folders = [path]
    for folder in folders:
        entries.require(folder)
    found = sorted(file for folder in folders for file in folder.rglob("*") if file.name.endswith(_ENDINGS))
    if not found:
        wanted = ", ".join(str(folder) for folder in folders)
        raise MissingEvidenceError(f"{wanted}: no Parquet or JSON lines there")
    return found


def _read(
    file: Path, required: Mapping[str, type[pl.DataType]], optional: Mapping[str, type[pl.DataType]]
) -> pl.DataFrame:
    raw = _load(file)
    missing = [name for name in required if name not in raw.columns]
    if missing:
        raise SchemaError(f"{file}: expected the columns {', '.join(missing)}, found {', '.join(raw.columns)}")
    wanted = {**required, **{name: kind for name, kind in optional.items() if name in raw.columns}}
    frame = raw.select(_cast(file, raw, name, kind) for name, kind in wanted.items())
    for name in wanted:
        _check(file, frame, name, required=name in required)
    return frame


def _load(file: Path) -> pl.DataFrame:
    try:
        if file.name.endswith(".parquet"):
            return pl.read_parquet(file, hive_partitioning=False)
        if file.stat().st_size == 0:
            raise SchemaError(f"{file}: expected at least one row, was an empty file")
        return pl.read_ndjson(file, infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:  # some damage makes it panic
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SchemaError(f"{file}: not readable: {first}") from error


def _cast(file: Path, raw: pl.DataFrame, name: str, kind: type[pl.DataType]) -> pl.Series:
    column = raw[name]
    small_integer = column.dtype.is_integer() and column.dtype not in {pl.UInt64, pl.Int128}
    if column.dtype not in {kind, pl.Null} and not (small_integer and kind is not _TEXT):
        raise SchemaError(f"{file}: {name}: expected {kind.__name__}, was {column.dtype}")
    return column.cast(kind)


def _check(file: Path, frame: pl.DataFrame, name: str, *, required: bool) -> None:
    column = frame[name]
    words = _WORDS.get(name)
    if name in _POSITIVE:
        good, expected = column.is_finite() & (column > 0), "a number above zero"
    elif column.dtype == _NUMBER:
        good, expected = column.is_finite(), "a finite number"
    elif words is not None:
        good, expected = column.is_in(words), " or ".join(words)
    else:
        good, expected = column.is_not_null(), "a value"
    wrong = ~good.fill_null(value=False) & (column.is_not_null() | required)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        was = column[row]
        raise SchemaError(f"{file}: {name}: row {row}: expected {expected}, was {was!r} ({int(wrong.sum())} such rows)")
