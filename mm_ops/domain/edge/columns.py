"""The columns of fills and quotes: what they are called, what they hold, and how other names and types become them.

ts_ns, exch_ts_ns, order_ts_ns   int64 nanoseconds since 1970, UTC
price, qty, fee, bid_px, …       float64; decimal text is read to the nearest one
side, liquidity                  buy or sell, maker or taker; a mapping file names other words
symbol, venue, exch, …           text
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass as checked

from mm_ops.domain.edge.times import TimeUnit, to_ns
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.policy import CLOSED

Kind = Literal["fills", "quotes"]

REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "fills": ("ts_ns", "symbol", "side", "price", "qty"),
    "quotes": ("ts_ns", "symbol", "bid_px", "bid_qty", "ask_px", "ask_qty"),
}
OPTIONAL: Mapping[Kind, tuple[str, ...]] = {
    "fills": (
        "exch_ts_ns",
        "fill_id",
        "order_id",
        "liquidity",
        "fee",
        "fee_asset",
        "order_ts_ns",
        "venue",
        "exch",
        "sale_cond",
    ),
    "quotes": ("exch_ts_ns",),
}
TIMES = ("ts_ns", "exch_ts_ns", "order_ts_ns")
PRICES = ("price", "bid_px", "ask_px")
QUANTITIES = ("qty", "bid_qty", "ask_qty")
NUMBERS = (*PRICES, *QUANTITIES, "fee")
WORDS: Mapping[str, tuple[str, ...]] = {"side": ("buy", "sell"), "liquidity": ("maker", "taker")}
_IDS = ("fill_id", "order_id")


@checked(frozen=True, kw_only=True, config=CLOSED)
class FileMapping:
    """How one kind of file calls things; what is not named is called as we call it.

    ``columns``: our name to theirs. ``values``: for ``side`` and ``liquidity``, our word to their words; words that
    are not listed are faults. ``time_unit``: of every time, unless ``time_units`` names the column.
    """

    columns: dict[str, str] = Field(default_factory=dict)
    values: dict[Literal["side", "liquidity"], dict[str, Annotated[list[str | int | bool], Field(min_length=1)]]] = (
        Field(default_factory=dict)
    )
    time_unit: TimeUnit = "ns"
    time_units: dict[Literal["ts_ns", "exch_ts_ns", "order_ts_ns"], TimeUnit] = Field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {*REQUIRED["fills"], *REQUIRED["quotes"], *OPTIONAL["fills"], *OPTIONAL["quotes"]}
        other = sorted(set(self.columns) - known)
        if other:
            raise ValueError(f"columns: expected {', '.join(sorted(known))}, was {', '.join(other)}")
        for name, words in self.values.items():
            _refuse_words(name, words)

    def source(self, ours: str) -> str:
        """Their name of our column."""
        return self.columns.get(ours, ours)

    def unit(self, ours: str) -> TimeUnit:
        """The unit of a column of times."""
        return self.time_units.get(ours, self.time_unit)  # type: ignore[call-overload, no-any-return]  # any column name


def _refuse_words(name: str, words: Mapping[str, list[str | int | bool]]) -> None:
    if set(words) - set(WORDS[name]):
        raise ValueError(f"values: {name}: expected {' and '.join(WORDS[name])}, was {', '.join(sorted(words))}")
    theirs = [_text(word) for each in words.values() for word in each]
    if len(theirs) != len(set(theirs)):
        raise ValueError(f"values: {name}: expected every word once, was {', '.join(theirs)}")


def _text(word: str | int | bool) -> str:  # noqa: FBT001 - YAML reads true as one
    return str(word).lower() if isinstance(word, bool) else str(word)


@checked(frozen=True, kw_only=True, config=CLOSED)
class ColumnMapping:
    """A mapping file: how fills and quotes call things."""

    fills: FileMapping = Field(default_factory=FileMapping)
    quotes: FileMapping = Field(default_factory=FileMapping)

    def of(self, kind: Kind) -> FileMapping:
        """The mapping of one kind of file."""
        return self.fills if kind == "fills" else self.quotes


AS_IS = FileMapping()


@dataclass(frozen=True, slots=True)
class Conformed:
    """A file's rows in our columns, from ``first_row`` on.

    ``given`` holds each column as it came, for what is null and what is a fault.
    """

    frame: pl.DataFrame
    kind: Kind
    given: Mapping[str, pl.Series] = field(default_factory=dict)
    first_row: int = 0


def conform(
    raw: pl.DataFrame,
    kind: Kind,
    where: str,
    mapping: FileMapping = AS_IS,
    *,
    side_given: bool = True,
    first_row: int = 0,
) -> Conformed:
    """Take the columns that fills or quotes have, named and typed as ours; no row is judged yet.

    Args:
        raw: a file, or some rows of it, as it came.
        kind: fills or quotes.
        where: the file, for messages.
        mapping: how the file calls things.
        side_given: false makes ``side`` optional, and null where there is no such column: it will be inferred.
        first_row: which row of the file comes first.

    Raises:
        SchemaError: a column is missing, is of a type that cannot become ours exactly, or holds times that are
            implausible in their unit.
    """
    _require_columns(raw.columns, kind, where, mapping, side_given=side_given)
    wanted = [*REQUIRED[kind], *OPTIONAL[kind]]
    given = {name: raw[mapping.source(name)] for name in wanted if mapping.source(name) in raw.columns}
    found = {name: _typed(column, name, f"{where}: {name}", mapping, first_row) for name, column in given.items()}
    if "side" not in found and kind == "fills":
        found["side"] = given["side"] = pl.Series("side", [None] * raw.height, dtype=pl.String)
    ordered = [found[name].alias(name) for name in wanted if name in found]
    return Conformed(frame=pl.DataFrame(ordered), kind=kind, given=given, first_row=first_row)


def _require_columns(
    found: Sequence[str], kind: Kind, where: str, mapping: FileMapping = AS_IS, *, side_given: bool = True
) -> None:
    """Refuse a file that lacks a column of its kind, or one that the mapping names.

    Raises:
        SchemaError: names what is missing and what is there.
    """
    needed = [name for name in REQUIRED[kind] if side_given or name != "side"]
    for names, words in ((needed, "expected the columns"), (mapping.columns, "the mapping names the columns")):
        missing = [_both_names(name, mapping) for name in names if mapping.source(name) not in found]
        if missing:
            raise SchemaError(f"{where}: {words} {', '.join(missing)}, found {', '.join(found)}")


def _both_names(ours: str, mapping: FileMapping) -> str:
    theirs = mapping.source(ours)
    return ours if theirs == ours else f"{theirs} (our {ours})"


def _typed(column: pl.Series, name: str, where: str, mapping: FileMapping, first_row: int) -> pl.Series:
    if name in TIMES:
        return to_ns(column, mapping.unit(name), where, first_row)
    if name in NUMBERS:
        return _number(column, where)
    if name in mapping.values:
        words = {_text(theirs): ours for ours, each in mapping.values[name].items() for theirs in each}
        as_text = column.cast(pl.String) if column.dtype.is_integer() or column.dtype == pl.Boolean else column
        return _words(as_text, name, where).replace_strict(words, default=None, return_dtype=pl.String)
    return _words(column, name, where)


def _number(column: pl.Series, where: str) -> pl.Series:
    """Text that is no number becomes null, and a fault where it is looked at: what was given is not null."""
    if column.dtype == pl.String:
        return column.cast(pl.Float64, strict=False)
    small = column.dtype.is_integer() and column.dtype not in {pl.UInt64, pl.Int128}
    if column.dtype in {pl.Float64, pl.Null} or column.dtype.is_decimal() or small:
        return column.cast(pl.Float64)
    raise SchemaError(f"{where}: expected Float64 or decimal text, was {column.dtype}")


def _words(column: pl.Series, name: str, where: str) -> pl.Series:
    text = column.dtype in {pl.String, pl.Null} or isinstance(column.dtype, pl.Categorical | pl.Enum)
    if text or (name in _IDS and column.dtype.is_integer()):
        return column.cast(pl.String)
    raise SchemaError(f"{where}: expected String, was {column.dtype}")
