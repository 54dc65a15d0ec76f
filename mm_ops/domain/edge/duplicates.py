"""Fills that came twice, by a reconnect or a file that was copied: a doubled fill doubles what it earned.

Two fills of one symbol (and venue) with one ``fill_id`` are the same fill, unless side, price or quantity differ:
then nobody knows which of them happened, and none is taken. Fills without an id are the same if their whole rows are,
with whatever else the files hold of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

ROW_HASH = "row_hash"
"""A hash of a fill's whole row as it came, so that columns that we do not take tell fills apart too."""

_CONTENT = ("side", "price", "qty")


@dataclass(frozen=True, slots=True)
class Doubled:
    """Masks of fills: ``again`` all but the first of the same fill, ``conflicting`` all of an id that is ambiguous."""

    again: pl.Series
    conflicting: pl.Series


def find_doubled(fills: pl.DataFrame) -> Doubled:
    """Find fills that came twice.

    Args:
        fills: our columns and ``row_hash``, of all files together.
    """
    none = pl.Series("none", [False]).new_from_index(0, fills.height)
    key = [name for name in ("venue", "symbol", "fill_id") if name in fills.columns]
    named = fills["fill_id"].is_not_null() if "fill_id" in fills.columns else none
    again, conflicting = none, none
    keys = fills.select(key)
    if named.any() and not _all_differ(keys if named.all() else keys.filter(named)):
        conflicting = _conflicting(fills, named, key)
        again = _not_first(fills, key) & named & ~conflicting
    if not named.all() and fills.filter(~named)[ROW_HASH].n_unique() < (~named).sum():
        again |= _not_first(fills, fills.columns) & ~named
    return Doubled(again=again, conflicting=conflicting)


def _all_differ(keys: pl.DataFrame) -> bool:
    """Equal keys have equal hashes: where all hashes differ all keys do, and that is the usual and fast answer."""
    return keys.hash_rows().n_unique() == keys.height


def _not_first(fills: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    return ~fills.select(pl.struct(columns).is_first_distinct()).to_series()


def count_doubled_quotes(quotes: pl.DataFrame, at: str = "ts_ns") -> int:
    """How many quotes equal an earlier one in every column; only those of one time are compared.

    Args:
        quotes: one file's rows as they came, in their order.
        at: the column that holds their time.
    """
    same = (quotes[at] == quotes[at].shift(1)).fill_null(value=False)
    candidates = quotes.filter(same | same.shift(-1, fill_value=False))
    return candidates.height - candidates.n_unique()


def _conflicting(fills: pl.DataFrame, named: pl.Series, key: Sequence[str]) -> pl.Series:
    repeated = fills.select(pl.struct(key).is_duplicated()).to_series() & named
    different = (
        fills.filter(repeated)
        .group_by(key)
        .agg(kinds=pl.struct(_CONTENT).n_unique())
        .filter(pl.col("kinds") > 1)
        .with_columns(conflicts=True)
        .drop("kinds")
    )
    marked = fills.select(key).join(different, on=key, how="left", nulls_equal=True, maintain_order="left")
    return marked["conflicts"].fill_null(value=False) & named
