"""Rows that cannot be measured: which, and why. Nothing is decided here about what becomes of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from mm_ops.domain.edge.columns import NUMBERS, PRICES, QUANTITIES, REQUIRED, TIMES, WORDS, Conformed
from mm_ops.domain.edge.inputs import Reason

CLOCKS = ("ts_ns", "exch_ts_ns")
LEAST, MOST = 1e-12, 1e15
"""Of a price or a quantity: no coin is so cheap or so many, and products of three of them are still doubles."""
_AMOUNT = f"a number from {LEAST:g} to 1e15"

_SIDES = ("bid_px", "ask_px")


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
    frame = conformed.frame
    doubtful = [column.name for column in frame if not _clearly_good(column)]
    wrong = {name: _wrong(conformed, name, side_given=side_given) for name in doubtful}
    masks = frame.select(rows.alias(name) for name, rows in wrong.items())
    found = [Fault(rows.name, _reason(rows.name), _good(rows.name)[1], rows) for rows in masks if rows.any()]
    return [*_one_sided(conformed), *found]


def _one_sided(conformed: Conformed) -> Iterator[Fault]:
    """Quotes that offer one side alone, as a thin book does: no fault of a price, and no mid either."""
    if conformed.kind == "fills" or not any(conformed.given[name].null_count() for name in _SIDES):
        return
    bid, ask = (conformed.given[name].is_null() for name in _SIDES)
    for name, rows in zip(_SIDES, (bid & ~ask, ask & ~bid), strict=True):
        if rows.any():
            yield Fault(name, "one_sided", "a bid and an ask", rows)


def untimed(frame: pl.DataFrame, by_exchange: frozenset[str]) -> Iterator[Fault]:
    """Rows without the exchange's time, of symbols that it orders; a file that has no such column is another matter."""
    if "exch_ts_ns" in frame.columns and frame["exch_ts_ns"].null_count():
        rows = frame["exch_ts_ns"].is_null() & frame["symbol"].is_in(sorted(by_exchange)).fill_null(value=False)
        if rows.any():
            yield Fault("exch_ts_ns", "no_time", "a time, since the exchange's clock orders its fills and quotes", rows)


def _clearly_good(column: pl.Series) -> bool:
    """Whether a look at the whole column finds no fault: four times as fast as a look at each row.

    Of numbers above zero none exceeds their sum; where that is too large, or no number, each row is looked at.
    """
    name = column.name
    if column.null_count() or not column.len():
        return False
    if name in NUMBERS:
        if name == "fee":
            return bool((column.abs() <= MOST).all())
        return float(column.min()) >= LEAST and column.sum() <= MOST  # type: ignore[arg-type]  # numbers, and some
    if name in WORDS:
        return sum(int((column == word).sum()) for word in WORDS[name]) == column.len()
    return name != "symbol" or not (column == "").any()


def unknown_symbols(frame: pl.DataFrame, known: frozenset[str]) -> Fault:
    """Rows of a symbol that is not among the known ones; a null is another fault."""
    only = only_symbol(frame)
    rows = pl.Series([only not in known]).new_from_index(0, frame.height)
    if only is None:
        rows = ~frame["symbol"].is_in(sorted(known)).fill_null(value=True)
    return Fault("symbol", "unknown_symbol", "a symbol of instruments.yaml", rows)


def only_symbol(frame: pl.DataFrame) -> str | None:
    """The symbol of all rows, where they are of one: much faster to see than to group them."""
    symbols = frame["symbol"]
    first = symbols.first()
    alike = isinstance(first, str) and not symbols.null_count() and bool((symbols == first).all())
    return str(first) if alike else None


def behind(frame: pl.DataFrame, before: pl.DataFrame | None = None) -> Iterator[tuple[str, pl.Series | None]]:
    """By how many nanoseconds each row lies behind the latest before it, of its symbol, for each clock that is there.

    Zero where it does not, and where a row has no such time; none where all rows are in order. ``before`` is what
    :func:`latest` said of earlier rows.
    """
    earlier = 0 if before is None else before.height
    for clock in _clocks(frame):
        times = frame.select("symbol", clock)
        if before is not None:
            times = pl.concat([before.select("symbol", clock), times])
        if times[clock].is_sorted():  # nulls first, and then whatever symbol it is of
            yield clock, None
            continue
        latest = pl.col(clock).cum_max().forward_fill().over("symbol")
        yield clock, times.select((latest - pl.col(clock)).fill_null(0)).to_series().slice(earlier)


def latest(frame: pl.DataFrame, before: pl.DataFrame | None = None) -> pl.DataFrame:
    """The latest time of each symbol on each clock that is there, in the order of the first clock."""
    clocks, only = _clocks(frame), only_symbol(frame)
    if only is None:
        found = frame.group_by("symbol").agg(pl.col(clocks).max())
    else:
        found = frame.select(pl.lit(only).alias("symbol"), pl.col(clocks).max())
    if before is not None:
        found = pl.concat([before, found]).group_by("symbol").agg(pl.col(clocks).max())
    return found.sort(clocks[0])


def _clocks(frame: pl.DataFrame) -> list[str]:
    return [clock for clock in CLOCKS if clock in frame.columns]


def _wrong(conformed: Conformed, name: str, *, side_given: bool) -> pl.Expr:
    """Rows that hold something else than they should; what is optional may hold nothing, as it was given."""
    wrong = ~_good(name)[0].fill_null(value=False)
    if name in REQUIRED[conformed.kind] and (side_given or name != "side"):
        return wrong
    given = conformed.given[name]
    if given.null_count() == conformed.frame[name].null_count():
        return wrong & pl.col(name).is_not_null()
    return wrong & pl.lit(given.is_not_null())


def _good(name: str) -> tuple[pl.Expr, str]:
    column = pl.col(name)
    if name in PRICES or name in QUANTITIES:
        return column.is_finite() & column.is_between(LEAST, MOST), _AMOUNT
    if name in NUMBERS:
        return column.is_finite() & (column.abs() <= MOST), "a finite number of at most 1e15"
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
