"""Prints that no resting quote of the moment made: counted each, kept or excluded by policy.

Off-exchange reports come late and in no order with the quotes; auctions cross at one price; extended hours, late,
averaged and derived prices have no book of their moment. A sweep is one taker order filled at several prices of a side
within a millisecond: later prices are outside the touch that the first one met, although nothing is wrong with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mm_ops.domain.edge.arrays import Bools, Ints, with_neighbour
from mm_ops.domain.edge.columns import WORDS
from mm_ops.domain.edge.inputs import Prints
from mm_ops.domain.edge.join import clock_times
from mm_ops.domain.edge.venue_clock import VenueClock
from mm_ops.domain.errors import SchemaError

_MS = 1_000_000


def choose_prints(fills: pl.DataFrame, policy: Prints) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Leave out what the policy excludes by ``exch`` and ``sale_cond``.

    Returns:
        The prints that are kept, and for each class how many there are (also of several classes), their share (0 to
        1) and what was done; null where the data does not say. ``excluded`` counts each print once.

    Raises:
        SchemaError: ``sale_cond`` is no hexadecimal bit mask.
    """
    classes = {"off_exchange": (_off_exchange(fills, policy), policy.off_exchange.treat)}
    bits = _bits(fills)
    for item in policy.conditions:
        met = None if bits is None else (bits & int(item.bits, 16)) != 0
        classes[item.name] = (met, item.treat)
    out = pl.Series("out", [False]).new_from_index(0, fills.height)
    for rows, treat in classes.values():
        if rows is not None and treat == "exclude":
            out |= rows
    counts: dict[str, Any] = {name: _counted(rows, treat) for name, (rows, treat) in classes.items()}
    return fills.filter(~out) if out.any() else fills, {"rows": fills.height, **counts, "excluded": int(out.sum())}


def choose_moments(
    fills: pl.DataFrame, policy: Prints, clocks: Mapping[str, VenueClock]
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Count fills that share their symbol's millisecond, and those of sweeps; leave out what the policy excludes.

    Raises:
        SchemaError: a fill lacks its clock.
    """
    seen = _moments(fills, clocks)
    out = pl.Series("out", [False]).new_from_index(0, fills.height)
    for rows, treat in ((seen.shared, policy.several_in_one_millisecond), (seen.swept, policy.sweeps)):
        if treat == "exclude":
            out |= rows
    return fills.filter(~out) if out.any() else fills, {
        "rows": fills.height,
        "several_in_one_millisecond": _counted(seen.shared, policy.several_in_one_millisecond),
        "sweeps": _counted(seen.swept, policy.sweeps),
        "excluded": int(out.sum()),
    }


@dataclass(frozen=True, slots=True)
class _Moments:
    """In the order of the fills, ``shared`` (another of the symbol is of its millisecond) and ``swept``."""

    shared: pl.Series
    swept: pl.Series


def _moments(fills: pl.DataFrame, clocks: Mapping[str, VenueClock]) -> _Moments:
    symbols = sorted(fills["symbol"].unique())
    shared, swept = (np.zeros(fills.height, dtype=np.bool_) for _ in range(2))
    for symbol in symbols:
        mine = None if len(symbols) == 1 else (fills["symbol"] == symbol).arg_true()
        times = clock_times(fills if mine is None else fills[mine], clocks[symbol].clock, f"{symbol}: fills")
        some, moments = _sharing(times)
        rows = some if mine is None else mine.to_numpy()[some]
        shared[rows] = True
        swept[rows[_sweeping(fills.select("side", "price")[rows], moments)]] = True
    return _Moments(pl.Series(shared), pl.Series(swept))


def _sharing(times: pl.Series) -> tuple[Ints, Ints]:
    """Which of some times are not the only one in their millisecond, and that millisecond: both (n,)."""
    order = None if times.is_sorted() else times.arg_sort().to_numpy()
    moments = (times if order is None else times[order]).to_numpy() // _MS
    some = np.flatnonzero(with_neighbour(moments))
    return (some if order is None else order[some]), moments[some]


def _sweeping(sharing: pl.DataFrame, moments: Ints) -> Bools:
    """Which of these fills, in the order of their moments, are of a side filled at several prices in theirs."""
    prices, swept = sharing["price"].to_numpy(), np.zeros(moments.size, dtype=np.bool_)
    for side in WORDS["side"]:
        mine = (sharing["side"] == side).arg_true().to_numpy()
        first = np.flatnonzero(np.diff(moments[mine], prepend=-1))
        if first.size:
            several = np.minimum.reduceat(prices[mine], first) < np.maximum.reduceat(prices[mine], first)
            swept[mine] = np.repeat(several, np.diff(first, append=mine.size))
    return swept


def _off_exchange(fills: pl.DataFrame, policy: Prints) -> pl.Series | None:
    if "exch" not in fills.columns or fills["exch"].null_count() == fills.height:
        return None
    return fills["exch"].is_in(policy.off_exchange.exchanges).fill_null(value=False)


def _bits(fills: pl.DataFrame) -> pl.Series | None:
    if "sale_cond" not in fills.columns or fills["sale_cond"].null_count() == fills.height:
        return None
    given = fills["sale_cond"]
    bits = given.str.to_integer(base=16, dtype=pl.Int64, strict=False)
    wrong = bits.is_null() & given.is_not_null()
    if wrong.any():
        was = given.filter(wrong)[0]
        raise SchemaError(f"sale_cond: expected a bit mask in hexadecimal, was {was!r} ({int(wrong.sum())} such rows)")
    return bits.fill_null(0)


def _counted(rows: pl.Series | None, treat: str) -> dict[str, Any]:
    if rows is None:
        return {"count": None, "share": None, "treat": treat}
    return {"count": int(rows.sum()), "share": rows.mean(), "treat": treat}
