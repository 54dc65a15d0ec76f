"""Fills that came twice, by a reconnect or a file that was copied: a doubled fill doubles what it earned.

Two fills of one symbol (and venue) with one ``fill_id`` are the same fill, unless side, price, quantity or exchange
time differ: then nobody knows which of them happened, or ids began anew, and none is taken. The time of receipt may
differ, since a reconnect sends fills again. Fills without an id are alike if their whole rows are, with whatever else
the files hold of them; but partial fills of one order are alike too, so what becomes of them is a policy of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import polars as pl

from mm_ops.domain.edge.arrays import with_neighbour

ROW_HASH = "row_hash"
"""A hash of a fill's whole row as it came, so that columns that we do not take tell fills apart too."""

_NO_END_NS = 2**63 - 1
_KEY = ("venue", "symbol", "fill_id")
_CONTENT = ("side", "price", "qty")
_EXCHANGE = "exch_ts_ns"


@dataclass(frozen=True, slots=True)
class Doubled:
    """Masks of fills.

    ``again`` all but the first of the same fill, ``conflicting`` all of an id that is ambiguous, ``alike`` all but the
    first of equal rows without an id.
    """

    again: pl.Series
    conflicting: pl.Series
    alike: pl.Series


def find_doubled(fills: pl.DataFrame) -> Doubled:
    """Find fills that came twice.

    Args:
        fills: our columns and ``row_hash``, which may be left out where every fill has an id, of all files together.
    """
    none = pl.Series("none", [False]).new_from_index(0, fills.height)
    key = [name for name in _KEY if name in fills.columns]
    named = _named(fills)
    again, conflicting, alike = none, none, none
    keys = fills.select(key)
    if named.any() and not _all_differ(keys if named.all() else keys.filter(named)):
        conflicting = _conflicting(fills, named, key)
        again = _not_first(fills, key) & named & ~conflicting
    if not named.all() and fills.filter(~named)[ROW_HASH].n_unique() < (~named).sum():
        alike = _not_first(fills, fills.columns) & ~named
    return Doubled(again=again, conflicting=conflicting, alike=alike)


def _named(fills: pl.DataFrame) -> pl.Series:
    """Which fills have an id."""
    if "fill_id" in fills.columns:
        return fills["fill_id"].is_not_null()
    return pl.Series("named", [False]).new_from_index(0, fills.height)


def _all_differ(keys: pl.DataFrame) -> bool:
    """Equal keys have equal hashes: where all hashes differ all keys do, and that is the usual and fast answer."""
    return keys.hash_rows().n_unique() == keys.height


def _not_first(fills: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    return ~fills.select(pl.struct(columns).is_first_distinct()).to_series()


def count_doubled_quotes(quotes: pl.DataFrame, at: str = "ts_ns", before: pl.DataFrame | None = None) -> int:
    """How many quotes equal an earlier one in every column; only those of one time are compared.

    Args:
        quotes: one file's rows as they came, in their order.
        at: the column that holds their time.
        before: what :func:`last_moment` said of the rows before them.
    """
    every = quotes if before is None else pl.concat([before, quotes])
    candidates = every.filter(_several_of_a_time(every[at]))
    doubled = candidates.height - candidates.n_unique()
    return doubled if before is None else doubled - (before.height - before.n_unique())


def _several_of_a_time(times: pl.Series) -> pl.Series:
    """Which times are that of the row before or after; one that is not known is none."""
    if times.dtype.is_integer() and not times.null_count():
        return pl.Series(with_neighbour(times.to_numpy()))
    same = (times == times.shift(1)).fill_null(value=False)
    return same | same.shift(-1, fill_value=False)


def last_moment(quotes: pl.DataFrame, at: str = "ts_ns") -> pl.DataFrame:
    """The rows of the last row's time."""
    return quotes.filter((quotes[at] == quotes[at][-1]).fill_null(value=False)) if quotes.height else quotes


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of a day's fills, 8 bytes each: an id may come again on another day, the whole fill may not.

    A fill with an id is that, its content and its time; one without is its whole row. ``last_ns`` is the time of the
    last one, endless where none has a time: only what is not later can be one of them.
    """

    hashes: pl.Series
    last_ns: int

    @classmethod
    def of(cls, fills: pl.DataFrame) -> Self:
        """Remember some fills."""
        last = fills[_clock(fills)].max()
        return cls(_hashes(fills), last if isinstance(last, int) else _NO_END_NS)

    def find(self, later: pl.DataFrame) -> Doubled:
        """Which later fills are among these; no id is ambiguous here."""
        found = (later[_clock(later)] <= self.last_ns).fill_null(value=True).to_numpy().copy()
        some = _hashes(later.filter(found))
        met = self.hashes.filter(self.hashes.is_in(some.implode()))
        found[found] = some.is_in(met.implode()).to_numpy()
        among, named = pl.Series(found), _named(later)
        return Doubled(again=among & named, conflicting=among & ~among, alike=among & ~named)


def _clock(fills: pl.DataFrame) -> str:
    return _EXCHANGE if _EXCHANGE in fills.columns else "ts_ns"


def _hashes(fills: pl.DataFrame) -> pl.Series:
    given = [name for name in _KEY if name in fills.columns]
    of_fill = pl.struct(*given, *_CONTENT, _clock(fills)).hash()
    if ROW_HASH in fills.columns:
        named = pl.col("fill_id").is_not_null() if "fill_id" in fills.columns else pl.lit(value=False)
        of_fill = pl.when(named).then(of_fill).otherwise(ROW_HASH)
    return fills.select(hash=of_fill).to_series()


def _conflicting(fills: pl.DataFrame, named: pl.Series, key: Sequence[str]) -> pl.Series:
    repeated = fills.select(pl.struct(key).is_duplicated()).to_series() & named
    content = [name for name in (*_CONTENT, _EXCHANGE) if name in fills.columns]
    different = (
        fills.filter(repeated)
        .group_by(key)
        .agg(kinds=pl.struct(content).n_unique())
        .filter(pl.col("kinds") > 1)
        .with_columns(conflicts=True)
        .drop("kinds")
    )
    marked = fills.select(key).join(different, on=key, how="left", nulls_equal=True, maintain_order="left")
    return marked["conflicts"].fill_null(value=False) & named
