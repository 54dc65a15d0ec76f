"""Files of fills and quotes, here or at any fsspec URL: one file, or a folder of ``date=…/symbol=…``.

A file at a URL is read whole into memory before it is parsed. What is read is compared with the recorder's entry of
the day where there is one (:mod:`.day_entries`).
"""

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import unquote

import polars as pl

from mm_ops.adapters.day_entries import DayEntries
from mm_ops.domain.errors import MissingEvidenceError, PolicyError, SchemaError, SourceUnavailableError
from mm_ops.domain.windows import TimeWindow

_ENDINGS = (".parquet", ".jsonl", ".jsonl.gz")
_SYMBOL = "symbol="
Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
_DAMAGE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, EOFError, zlib.error)
"""Some damage makes polars panic."""

BATCH = 983_040
"""Rows read at once, eight row groups as polars writes them (deploy/decisions/0006)."""


def locate(text: str, root: Path | None = None) -> Path:
    """Turn a path or an fsspec URL (``s3://…``, ``memory://…``) into what behaves like a path.

    Args:
        text: as a user or a policy writes it.
        root: where a relative path begins; the current folder by default.

    Raises:
        PolicyError: nothing installed here can open such a URL.
    """
    if "://" not in text:
        return Path(text) if root is None else root / text
    from upath import UPath  # noqa: PLC0415 - it loads every fsspec implementation

    try:
        place = UPath(text)
        place.fs  # noqa: B018 - asked for now, so that a missing driver is told before anything is read
    except (ImportError, ValueError) as error:
        raise PolicyError(f"{text}: {error}") from error
    return Path(place.path) if place.protocol in {"file", "local"} else cast("Path", place)


def find_files(path: Path, window: TimeWindow | None) -> Sequence[Path]:
    """The files at a place, of a folder with ``date=…`` only those of the window's days, each as it was recorded.

    Raises:
        MissingEvidenceError: nothing is there, or a recorded file is gone.
        IntegrityError: a file is not the one that was recorded; names it.
        SchemaError: a recorder's entry is no entry, or does not list a file.
        SourceUnavailableError: the place does not answer.
    """
    entries = DayEntries.beside(path)
    try:
        found = [path] if path.is_file() else _in_folders(path, window, entries)
        for file in found:
            entries.verify(file)
    except OSError as error:
        raise SourceUnavailableError(f"{path}: not readable: {_reason(error)}") from error
    return found


@dataclass(frozen=True, slots=True)
class Since:
    """Rows from a time on are wanted, in nanoseconds; a column of another kind is read whole."""

    column: str
    ns: int

    def of(self, frame: Frame) -> Frame:
        """The rows of a frame; of Parquet that is only scanned, groups of rows from before are not read."""
        schema = frame.collect_schema()
        return frame.filter(pl.col(self.column) >= self.ns) if schema.get(self.column) == pl.Int64 else frame


def load(file: Path, since: Since | None = None) -> pl.DataFrame:
    """Read a file as it is, or its rows from a time on.

    Raises:
        SchemaError: it is no Parquet or no JSON lines, or is cut short.
        SourceUnavailableError: its URL does not answer.
    """
    try:
        return _parse(file) if since is None else _parse_since(file, since)
    except _DAMAGE as error:
        raise SchemaError(f"{file}: not readable: {_reason(error)}") from error


def read_batches(
    file: Path, names: Sequence[str] | None = None, since: Since | None = None
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Read a file some rows at a time, each with the number of its first row; what is not local Parquet at once.

    Args:
        file: where it is.
        names: the columns that are wanted, of which those are read that there are; all by default.
        since: from when on rows are wanted; they are numbered from the first of them.

    Raises:
        SchemaError: it is no Parquet or no JSON lines, or is cut short.
        SourceUnavailableError: its URL does not answer.
    """
    if not (file.name.endswith(".parquet") and _is_local(file)):
        whole = load(file, since)
        yield 0, whole if names is None else whole.select(name for name in names if name in whole.columns)
        return
    try:
        scanned = pl.scan_parquet(file, hive_partitioning=False)
        scanned = scanned if since is None else since.of(scanned)
        if names is not None:
            there = scanned.collect_schema().names()
            scanned = scanned.select(name for name in names if name in there)
        first_row, rows = 0, scanned.select(pl.len()).collect().item()
        while first_row < rows or first_row == 0:
            yield first_row, scanned.slice(first_row, BATCH).collect()
            first_row += BATCH
    except _DAMAGE as error:
        raise SchemaError(f"{file}: not readable: {_reason(error)}") from error


def folder_symbol(file: Path) -> str | None:
    """The symbol that a folder ``symbol=…`` above a file names."""
    folder = next((part.name for part in file.parents if part.name.startswith(_SYMBOL)), None)
    return None if folder is None else unquote(folder.removeprefix(_SYMBOL))


def _in_folders(path: Path, window: TimeWindow | None, entries: DayEntries) -> list[Path]:
    if window is not None and any(path.glob("date=*")):
        folders = [path / f"date={day.isoformat()}" for day in window.days()]
    else:
        folders = [path]
    for folder in folders:
        entries.require(folder)
    below = (file for folder in folders if folder.exists() for file in folder.rglob("*"))
    found = sorted((file for file in below if file.name.endswith(_ENDINGS)), key=str)
    if not found:
        wanted = ", ".join(str(folder) for folder in folders)
        raise MissingEvidenceError(f"{wanted}: no Parquet or JSON lines there")
    return found


def _parse(file: Path) -> pl.DataFrame:
    source = file if _is_local(file) else _fetch(file)
    if file.name.endswith(".parquet"):
        return pl.read_parquet(source, hive_partitioning=False)
    if file.stat().st_size == 0:
        raise SchemaError(f"{file}: expected at least one row, was an empty file")
    return pl.read_ndjson(source, infer_schema_length=None)


def _parse_since(file: Path, since: Since) -> pl.DataFrame:
    if file.name.endswith(".parquet") and _is_local(file):
        return since.of(pl.scan_parquet(file, hive_partitioning=False)).collect()
    return since.of(_parse(file))


def _is_local(place: object) -> bool:
    return isinstance(place, Path)


def _fetch(file: Path) -> io.BytesIO:
    """The bytes of a file at a URL, unpacked where they are gzip."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SourceUnavailableError(f"{file}: not readable: {_reason(error)}") from error
    return io.BytesIO(gzip.decompress(data) if file.name.endswith(".gz") else data)


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
