"""Who took, where the data does not say: Lee and Ready's rule.

    quote rule   above the mid strictly before the print: the buyer took; below it: the seller
    tick test    at the mid: the buyer took if the last other price was lower, the seller if it was higher
    unknown      no quote, or at the mid and no other price yet

The mid is that of quotes known ``quote_lag`` later than stamped, at most ``stale_after`` old. Without a mid nothing is
inferred: such a print could not be measured either. Source: Lee and Ready (1991), J. Finance 46(2). They recommend a
lag of 5 s for the reporting of their time; how long it is now is policy.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from mm_ops.domain.edge.join import nanoseconds
from mm_ops.domain.edge.venue_clock import VenueClock, on_venue_clock

RULE = "aggressor_rule"
RULES = ("given", "quote", "tick", "unknown")
_SAME_PRICE = 1e-9
"""Relative. A mid is a rounded sum: 18.01 and 18.03 do not give 18.02 exactly. No tick is a billionth of its price."""


def infer_aggressor(
    prints: pl.DataFrame,
    quotes: pl.DataFrame,
    *,
    clocks: Mapping[str, VenueClock],
    quote_lag: timedelta,
    stale_after: timedelta,
) -> pl.DataFrame:
    """Fill in ``side`` where it is null, and say by which rule in ``aggressor_rule``; sorted by symbol and clock.

    Args:
        prints: fills of which ``side`` is null where it is not given, else the aggressor's.
        quotes: of the same symbols, any order.
        clocks: by symbol.
        quote_lag: beyond the venue's own lag.
        stale_after: an older quote says nothing.

    Raises:
        SchemaError: a print or a quote lacks the clock.
    """
    found = [
        _of_symbol(symbol, prints, quotes, clocks[symbol], quote_lag, stale_after)
        for symbol in sorted(prints["symbol"].unique())
    ]
    empty = prints.clear().with_columns(pl.lit("", dtype=pl.String).alias(RULE))
    return pl.concat([empty, *found])


def count_rules(prints: pl.DataFrame) -> dict[str, Any]:
    """How many prints each rule gave a side, and the share (0 to 1; null without prints)."""
    counts = dict(prints[RULE].value_counts().iter_rows())
    every = prints.height
    return {
        "rows": every,
        **{rule: counts.get(rule, 0) for rule in RULES},
        **{f"{rule}_share": counts.get(rule, 0) / every if every else None for rule in RULES},
    }


def _of_symbol(
    symbol: str,
    prints: pl.DataFrame,
    quotes: pl.DataFrame,
    clock: VenueClock,
    quote_lag: timedelta,
    stale_after: timedelta,
) -> pl.DataFrame:
    ordered = on_venue_clock(prints.filter(symbol=symbol), clock, f"{symbol}: fills")
    lag_ns = nanoseconds(clock.quote_lag + quote_lag)
    book = on_venue_clock(quotes.filter(symbol=symbol), clock, f"{symbol}: quotes").select(
        quoted_ns=pl.col("at_ns") + lag_ns, mid=(pl.col("bid_px") + pl.col("ask_px")) / 2
    )
    met = ordered.join_asof(
        book.unique("quoted_ns", keep="last", maintain_order=True).sort("quoted_ns"),
        left_on="at_ns",
        right_on="quoted_ns",
        strategy="backward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    fresh = pl.col("at_ns") - pl.col("quoted_ns") <= nanoseconds(stale_after)
    away = pl.when(fresh).then(pl.col("price") - pl.col("mid"))
    at_mid = away.abs() <= _SAME_PRICE * pl.col("mid")
    moved = pl.col("price").diff().sign()
    tick = pl.when(moved != 0).then(moved).forward_fill()
    rule = (
        pl.when(pl.col("side").is_not_null())
        .then(pl.lit("given"))
        .when(away.is_not_null() & ~at_mid)
        .then(pl.lit("quote"))
        .when(at_mid & tick.is_not_null())
        .then(pl.lit("tick"))
        .otherwise(pl.lit("unknown"))
    )
    ruled = met.with_columns(rule.alias(RULE), away=away, tick=tick)
    sign = pl.when(pl.col(RULE) == "quote").then(pl.col("away").sign()).when(pl.col(RULE) == "tick").then("tick")
    side = pl.coalesce("side", pl.when(sign > 0).then(pl.lit("buy")).when(sign < 0).then(pl.lit("sell")))
    return ruled.with_columns(side=side).select(*prints.columns, RULE)
