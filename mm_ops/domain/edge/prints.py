"""Prints that no resting quote of the moment made: counted each, kept or excluded by policy.

Off-exchange reports come late and in no order with the quotes; auctions cross at one price; extended hours, late,
averaged and derived prices have no book of their moment. A sweep is one taker order filled at several prices of a side
within a millisecond: later prices are outside the touch that the first one met, although nothing is wrong with them.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from mm_ops.domain.edge.inputs import Prints
from mm_ops.domain.edge.venue_clock import VenueClock, on_venue_clock
from mm_ops.domain.errors import SchemaError

_MS = 1_000_000
_NEEDED = ("ts_ns", "exch_ts_ns", "symbol", "side", "price")


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
    for name, treat in (("shared", policy.several_in_one_millisecond), ("swept", policy.sweeps)):
        if treat == "exclude":
            out |= seen[name]
    return fills.filter(~out) if out.any() else fills, {
        "rows": fills.height,
        "several_in_one_millisecond": _counted(seen["shared"], policy.several_in_one_millisecond),
        "sweeps": _counted(seen["swept"], policy.sweeps),
        "excluded": int(out.sum()),
    }


def _moments(fills: pl.DataFrame, clocks: Mapping[str, VenueClock]) -> pl.DataFrame:
    """In the order of the fills, ``shared`` (another of the symbol is of its millisecond) and ``swept``."""
    rows = fills.select(column for column in _NEEDED if column in fills.columns).with_row_index("row")
    symbols = sorted(fills["symbol"].unique())
    if len(symbols) == 1:  # as where files are by symbol
        return _of_symbol(rows, symbols[0], clocks[symbols[0]]).sort("row")
    empty = pl.DataFrame(schema={"row": pl.UInt32, "shared": pl.Boolean, "swept": pl.Boolean})
    parts = [_of_symbol(rows.filter(symbol=symbol), symbol, clocks[symbol]) for symbol in symbols]
    return pl.concat([empty, *parts]).sort("row")


def _of_symbol(fills: pl.DataFrame, symbol: str, clock: VenueClock) -> pl.DataFrame:
    ordered = on_venue_clock(fills, clock, f"{symbol}: fills").with_columns(moment=pl.col("at_ns") // _MS)
    moment = pl.col("moment")
    shared = ((moment == moment.shift(1)) | (moment == moment.shift(-1))).fill_null(value=False)
    ordered = ordered.select("row", "moment", "side", "price", shared=shared)
    several = ordered.filter("shared").group_by("moment", "side").agg(pl.col("row"), kinds=pl.col("price").n_unique())
    swept = several.filter(pl.col("kinds") > 1).explode("row").select("row", swept=True)
    marked = ordered.select("row", "shared").join(swept, on="row", how="left", maintain_order="left")
    return marked.with_columns(pl.col("swept").fill_null(value=False))


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
