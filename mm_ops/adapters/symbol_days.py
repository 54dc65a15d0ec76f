"""Fills and quotes symbol by symbol and day by day, each read when it is its turn, and of it only what is used.

From folders ``date=…/symbol=…``, or from files that hold several symbols in a column; each of these is scanned once for
each symbol. Quantities of quotes are not used, so of Parquet they are neither read nor judged. JSON lines, and files at
a URL, are read whole. Every row must be right; where rows may be wrong, and a policy says what becomes of them,
:mod:`.market_inputs` reads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PosixPath, WindowsPath

import polars as pl

from mm_ops.adapters.market_data import conformed_rows, read_fills, read_quotes, refusal
from mm_ops.adapters.market_files import find_files, folder_symbol, load
from mm_ops.domain.edge.columns import OPTIONAL, REQUIRED
from mm_ops.domain.edge.faults import find_faults
from mm_ops.domain.edge.join import clock_column
from mm_ops.domain.edge.policy import Clock
from mm_ops.domain.edge.report import SymbolDay
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow

_PRICES = ("bid_px", "ask_px")
_DATE = "date="
_UNUSED = frozenset({"fill_id", "order_id"})
_DAMAGE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)

Part = tuple[str, str]
"""The folder ``date=…`` (empty where there is none) and the symbol."""


def find_symbol_days(
    fills: Path, quotes: Path, clock: Callable[[str], Clock], window: TimeWindow | None = None
) -> Iterator[SymbolDay]:
    """Every symbol that was filled, day after day; only its name is read yet.

    Args:
        fills: a file, or a folder.
        quotes: a file, or a folder.
        clock: which time of a symbol's quotes to read.
        window: whose days to read, where there are folders ``date=…``.

    Raises:
        MissingEvidenceError: nothing is there, or a recorded file is gone.
        IntegrityError: a file is not the one that was recorded; names it.
        SchemaError: a file cannot be read, or has no symbol.
    """
    ours, market = (_by_part(find_files(path, window)) for path in (fills, quotes))
    some = {symbol: files[0] for (_, symbol), files in ours.items()}
    for part in sorted({*ours, *(part for part in market if part[1] in some)}):
        yield SymbolDay(
            part[1],
            partial(_read_fills, ours.get(part, []), some[part[1]], part[1]),
            partial(_read_quotes, market.get(part, []), part[1], clock_column(clock(part[1]))),
        )


def _by_part(files: Sequence[Path]) -> dict[Part, list[Path]]:
    found: dict[Part, list[Path]] = {}
    for file in files:
        day = next((part.name for part in file.parents if part.name.startswith(_DATE)), "")
        named = folder_symbol(file)
        for symbol in [named] if named is not None else _symbols(file):
            found.setdefault((day, symbol), []).append(file)
    return found


def _symbols(file: Path) -> list[str]:
    try:
        every = pl.scan_parquet(file, hive_partitioning=False) if _can_be_scanned(file) else load(file).lazy()
        found = every.select(pl.col("symbol").unique()).collect()
    except _DAMAGE as error:
        raise _unreadable(file, error) from error
    if found["symbol"].dtype != pl.String or found["symbol"].null_count():
        raise SchemaError(f"{file}: symbol: expected text in every row, was {found['symbol'].dtype}, or null somewhere")
    return sorted(found["symbol"].to_list())


def _read_fills(files: Sequence[Path], other: Path, symbol: str) -> pl.DataFrame:
    """A symbol-day's fills; of a day without any, the columns of another one's."""
    if not files:
        return _fills_of(other, symbol).clear()
    return pl.concat([_fills_of(file, symbol) for file in files], how="diagonal")


def _fills_of(file: Path, symbol: str) -> pl.DataFrame:
    if not _can_be_scanned(file):
        return read_fills(file).filter(symbol=symbol)
    used = [name for name in (*REQUIRED["fills"], *OPTIONAL["fills"]) if name not in _UNUSED]
    conformed = conformed_rows(file, _scan(file, symbol, used), "fills")
    for fault in find_faults(conformed):
        raise refusal(file, fault, conformed)
    return conformed.frame


def _read_quotes(files: Sequence[Path], symbol: str, clock: str) -> pl.DataFrame:
    schema = {clock: pl.Int64, **dict.fromkeys(_PRICES, pl.Float64)}
    frames = [pl.DataFrame(schema=schema), *(_quotes_of(file, symbol, schema) for file in files)]
    return pl.concat(frames, how="diagonal")


def _quotes_of(file: Path, symbol: str, schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    if not _can_be_scanned(file):
        whole = read_quotes(file).filter(symbol=symbol)
        return whole.select(name for name in schema if name in whole.columns)
    frame = _scan(file, symbol, list(schema))
    if frame.schema != schema:
        wanted, found = (", ".join(f"{name} {kind}" for name, kind in each.items()) for each in (schema, frame.schema))
        raise SchemaError(f"{file}: expected the columns {wanted}, found {found}")
    for name in _PRICES:
        good = (frame[name].is_finite() & (frame[name] > 0)).fill_null(value=False)
        if not good.all():
            row = int((~good).arg_max() or 0)
            where = f"{file}: {name}: row {row} of {symbol}"
            raise SchemaError(
                f"{where}: expected a number above zero, was {frame[name][row]} ({int((~good).sum())} such)"
            )
    return frame


def _can_be_scanned(file: Path) -> bool:
    """Whether it is Parquet in a local folder; a place at a URL only behaves like a path."""
    return file.name.endswith(".parquet") and isinstance(file, PosixPath | WindowsPath)


def _scan(file: Path, symbol: str, names: Sequence[str]) -> pl.DataFrame:
    """Those of the columns that there are, of one symbol."""
    try:
        scanned = pl.scan_parquet(file, hive_partitioning=False)
        there = scanned.collect_schema().names()
        wanted = [name for name in names if name in there]
        of_symbol = pl.col("symbol") == symbol
        if folder_symbol(file) is None:
            return scanned.filter(of_symbol).select(wanted).collect()
        other = scanned.select((~of_symbol).fill_null(value=True).sum()).collect().item() if "symbol" in there else 0
        frame = scanned.select(wanted).collect()
    except _DAMAGE as error:
        raise _unreadable(file, error) from error
    if other:
        raise SchemaError(f"{file}: symbol: expected {symbol}, as its folder says, was another in {other} rows")
    return frame


def _unreadable(file: Path, error: Exception) -> SchemaError:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return SchemaError(f"{file}: not readable: {first}")
