"""Rows that cannot be measured: which, and why. Nothing is decided here about what becomes of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from mm_ops.domain.edge.columns import NUMBERS, PRICES, QUANTITIES, REQUIRED, TIMES, WORDS, Conformed
from mm_ops.domain.edge.inputs import Reason

CLOCKS = ("ts_ns", "exch_ts_ns")


@dataclass(frozen=True, slots=True)
class Fault:
    """Rows of one column that share a fault; ``rows`` is a mask of all rows, ``expected`` says what would be right."""

    column: str
    reason: Reason
    expected: str
    rows: pl.Series

    @property
    def first(self) -> int:
        """The first such row, counted from 0."""
        return int(self.rows.arg_max() or 0)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self.rows.sum())


def find_faults(conformed: Conformed, *, side_given: bool = True) -> list[Fault]:
    """Find every fault of single rows, column by column; a row may have several.

    Args:
        conformed: a file's rows.
        side_given: whether a null side is a fault; it is none where the side will be inferred.
    """
    found = (_of_column(conformed, name, side_given=side_given) for name in conformed.frame.columns)
    return [fault for fault in found if fault is not None and fault.rows.any()]


def unknown_symbols(frame: pl.DataFrame, known: frozenset[str]) -> Fault:
    """Rows of a symbol that is not among the known ones; a null is another fault."""
    rows = ~frame["symbol"].is_in(sorted(known)).fill_null(value=True)
    return Fault("symbol", "unknown_symbol", "a symbol of instruments.yaml", rows)


def behind(frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    """By how many nanoseconds each row lies behind the latest before it, of its symbol, for each clock that is there.

    Zero where it does not, and where a row has no such time.
    """
    several = frame.height > 0 and frame["symbol"].n_unique() > 1
    for clock in CLOCKS:
        if clock not in frame.columns:
            continue
        if frame[clock].is_sorted():  # nulls first, and then whatever symbol it is of
            yield clock, pl.Series(clock, [0], dtype=pl.Int64).new_from_index(0, frame.height)
            continue
        latest = pl.col(clock).cum_max().forward_fill()
        by_symbol = latest.over("symbol") if several else latest
        yield clock, frame.select((by_symbol - pl.col(clock)).fill_null(0)).to_series()


def _of_column(conformed: Conformed, name: str, *, side_given: bool) -> Fault | None:
    column, given = conformed.frame[name], conformed.given[name]
    required = name in REQUIRED[conformed.kind] and (side_given or name != "side")
    good, expected = _good(column, name)
    rows = ~good.fill_null(value=False) & (given.is_not_null() | required)
    return Fault(name, _reason(name), expected, rows)


def _good(column: pl.Series, name: str) -> tuple[pl.Series, str]:
    if name in PRICES or name in QUANTITIES:
        return column.is_finite() & (column > 0), "a number above zero"
    if name in NUMBERS:
        return column.is_finite(), "a finite number"
    if name in WORDS:
        return column.is_in(WORDS[name]), " or ".join(WORDS[name])
    if name == "symbol":
        return column.str.len_bytes() > 0, "a value"
    return column.is_not_null(), "a value"


def _reason(name: str) -> Reason:
    if name in TIMES:
        return "no_time"
    if name in PRICES:
        return "bad_price"
    if name in QUANTITIES:
        return "bad_quantity"
    named: dict[str, Reason] = {"side": "bad_side", "liquidity": "bad_liquidity", "fee": "bad_fee"}
    return named.get(name, "no_symbol")
