"""Fills and quotes from Parquet or JSON lines in which every row must be right; what is not is refused.

Every fault is one line: file, column, row (counted from 0), expected and found. Where rows may be wrong, and a policy
says what becomes of them, :mod:`.market_inputs` reads.
"""

from pathlib import Path

import polars as pl

from mm_ops.adapters.market_files import find_files, folder_symbol, load
from mm_ops.domain.edge.columns import AS_IS, Conformed, FileMapping, Kind, conform
from mm_ops.domain.edge.faults import Fault, find_faults
from mm_ops.domain.edge.intake import SideIs, passive_side
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow


def read_quotes(path: Path, window: TimeWindow | None = None) -> pl.DataFrame:
    """Read quotes; of a folder with ``date=…`` only the days of the window.

    Raises:
        MissingEvidenceError: nothing is there, or a recorded file is gone (:mod:`.day_entries`).
        IntegrityError: a file is not the one that was recorded; names it.
        SchemaError: it is not quotes, or cannot be read.
    """
    return pl.concat([_strict(file, "quotes") for file in find_files(path, window)], how="diagonal")


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
    fills = pl.concat([_strict(file, "fills") for file in find_files(path, window)], how="diagonal")
    return fills if side_is == "ours" else passive_side(fills)


def _strict(file: Path, kind: Kind) -> pl.DataFrame:
    conformed = conformed_rows(file, load(file), kind)
    for fault in find_faults(conformed):
        raise refusal(file, fault, conformed)
    return conformed.frame


def conformed_rows(
    file: Path,
    raw: pl.DataFrame,
    kind: Kind,
    mapping: FileMapping = AS_IS,
    *,
    side_given: bool = True,
    first_row: int = 0,
) -> Conformed:
    """Take our columns of a file's rows, from ``first_row`` on.

    The symbol may be named by the folder alone, and must not be another one there.

    Raises:
        SchemaError: a column is missing or of another type, or a symbol is not the folder's.
    """
    symbol = folder_symbol(file)
    if symbol is not None and mapping.source("symbol") not in raw.columns:
        raw = raw.with_columns(pl.lit(symbol).alias(mapping.source("symbol")))
    conformed = conform(raw, kind, str(file), mapping, side_given=side_given, first_row=first_row)
    if symbol is not None:
        other = (conformed.frame["symbol"] != symbol).fill_null(value=False)
        if other.any():
            raise refusal(file, Fault("symbol", "unknown_symbol", f"{symbol}, as its folder says", other), conformed)
    return conformed


def refusal(file: Path, fault: Fault, conformed: Conformed) -> SchemaError:
    """What to raise for a fault: the first such row, and what it holds."""
    was = conformed.given[fault.column][fault.first]
    where = f"{file}: {fault.column}: row {conformed.first_row + fault.first}"
    return SchemaError(f"{where}: expected {fault.expected}, was {was!r} ({fault.count} such rows)")
