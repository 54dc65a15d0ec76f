"""Times of anybody's files as int64 nanoseconds since 1970, UTC: exactly, or not at all.

A number says nothing about its unit, so a time must lie from 1990 to 2099 in the unit that it is said to have. The
ranges of s, ms, us and ns do not touch, hence a wrong unit is always seen, and named.
"""

from datetime import UTC, datetime
from typing import Literal

import polars as pl

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import to_ns as moment_ns

TimeUnit = Literal["ns", "us", "ms", "s", "iso"]

_FIRST_NS = moment_ns(datetime(1990, 1, 1, tzinfo=UTC))
_AFTER_NS = moment_ns(datetime(2100, 1, 1, tzinfo=UTC))
_NS_IN = {"ns": 1, "us": 1000, "ms": 1_000_000, "s": 1_000_000_000}
_WORDS = {"ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds"}
_ISO = "%Y-%m-%dT%H:%M:%S%.f%#z"


def to_ns(column: pl.Series, unit: TimeUnit, where: str, first_row: int = 0) -> pl.Series:
    """Convert a column of times; null stays null, and so becomes text that is no time with a zone.

    Args:
        column: whole numbers of the unit; for ``iso`` text such as ``2026-11-20T10:00:00.5Z``, or times with a zone.
        unit: what a number counts.
        where: file and column, for messages.
        first_row: which row of the file comes first.

    Raises:
        SchemaError: another type; a time before 1990 or after 2099, with its row and the unit that it looks like.
    """
    if unit == "iso":
        found, counted = _from_iso(column, where, first_row), "ns"
    else:
        found, counted = _whole(column, where, first_row), unit
    _refuse_implausible(found, counted, where, first_row)
    return found if counted == "ns" else found * _NS_IN[counted]


def _whole(column: pl.Series, where: str, first_row: int) -> pl.Series:
    if column.dtype == pl.Float64:
        return _without_fraction(column, where, first_row)
    if column.dtype == pl.Null or (column.dtype.is_integer() and column.dtype not in {pl.UInt64, pl.Int128}):
        return column.cast(pl.Int64)
    raise SchemaError(f"{where}: expected Int64, was {column.dtype}")


def _without_fraction(column: pl.Series, where: str, first_row: int) -> pl.Series:
    """Floating point holds whole ms and s exactly, and only those: a fraction of it is already rounded."""
    broken = ~(column.is_finite() & (column == column.round()) & (column.abs() < 2**53)).fill_null(value=True)
    if broken.any():
        row = int(broken.arg_max() or 0)
        raise SchemaError(
            f"{where}: row {first_row + row}: expected a whole number below 2^53 or Int64, was {column[row]!r}"
        )
    return column.cast(pl.Int64)


def _from_iso(column: pl.Series, where: str, first_row: int) -> pl.Series:
    if column.dtype == pl.String:
        text = column.str.replace(" ", "T", literal=True)
        # in microseconds first: a year that nanoseconds cannot hold would come out as another one
        coarse = text.str.to_datetime(_ISO, time_unit="us", time_zone="UTC", strict=False).cast(pl.Int64)
        _refuse_implausible(coarse, "us", where, first_row)
        return text.str.to_datetime(_ISO, time_unit="ns", time_zone="UTC", strict=False).cast(pl.Int64)
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        unit = column.dtype.time_unit
        _refuse_implausible(column.cast(pl.Int64), unit, where, first_row)
        return column.dt.cast_time_unit("ns").cast(pl.Int64)
    raise SchemaError(f"{where}: expected text or times with a zone, was {column.dtype}")


def _refuse_implausible(column: pl.Series, unit: str, where: str, first_row: int) -> None:
    size = _NS_IN[unit]
    first, after = _FIRST_NS // size, _AFTER_NS // size
    least, most = column.min(), column.max()
    if least is None or first <= least <= most < after:  # type: ignore[operator]  # whole numbers
        return
    wrong = ~column.is_between(first, after, closed="left").fill_null(value=True)
    row = int(wrong.arg_max() or 0)
    was = int(column[row])
    looks = [word for other, word in _WORDS.items() if _FIRST_NS <= was * _NS_IN[other] < _AFTER_NS]
    hint = f" (looks like {looks[0]})" if looks else ""
    words = f"expected {_WORDS[unit]} of 1990 to 2099, was {was}{hint}"
    raise SchemaError(f"{where}: row {first_row + row}: {words} ({int(wrong.sum())} such rows)")
