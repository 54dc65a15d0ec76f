"""What speaks for and against the inputs: a wrong join is seen here, and nothing is dropped without a count."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from mm_ops.domain.edge.join import Joined

_MS = 1_000_000


def quality(
    measured: pl.DataFrame, inside: Sequence[pl.DataFrame], joined: Sequence[Joined], *, outside: int
) -> dict[str, Any]:
    """Count what was met.

    ``wrong_side_share``: fills whose passive side lies on the wrong side of the mid. ``outside_touch_share``: prices
    below the bid or above the ask. ``…_alone``: of the fills that are the only one of their symbol in their
    millisecond; the others are mostly one taker order that swept several levels at once. ``last_quote_age_s``: how old
    the oldest symbol's last mid is at the window's end; net edge rests on it, however old.

    ``measured_share``: fills that have a mid, of all fills of the window, by number or by notional at their price,
    whichever is less. ``quote_coverage``: the share of the window in which a quote is at most ``stale_after`` old, of
    the symbol that has the least. ``quote_age_p95_ms``: of the quote before each fill, stale or not, of the symbol
    whose quotes are oldest; a fill before its first quote has none and lowers ``measured_share``. The three are 0 to
    1, 0 to 1 and milliseconds; null without fills.

    Args:
        measured: fills with a mid.
        inside: all fills of the window, by symbol.
        joined: what each symbol's join met.
        outside: fills outside the window.
    """
    alone = measured.filter(pl.len().over("symbol", pl.col("at_ns") // _MS) == 1)
    fills = sum(frame.height for frame in inside)
    ages = [frame["quote_age_ms"].quantile(0.95, "linear") for frame in inside]
    return {
        "measured_share": _measured_share(inside, fills),
        "quote_coverage": min((part.covered for part in joined), default=None),
        "quote_age_p95_ms": max((age for age in ages if age is not None), default=None),
        "fills_outside_window": outside,
        "fills_without_quote": fills - measured.height,
        "fees_from_schedule": sum(_without_fee(frame) for frame in inside),
        "wrong_side_share": _share(measured, pl.col("role") * pl.col("capture") < 0),
        "outside_touch_share": _share(measured, _outside_touch()),
        "fills_alone_in_their_millisecond": alone.height,
        "outside_touch_share_alone": _share(alone, _outside_touch()),
        "quotes": sum(part.quotes for part in joined),
        "quotes_deduplicated": sum(part.quotes_deduplicated for part in joined),
        "locked_quotes": sum(part.locked for part in joined),
        "crossed_quotes": sum(part.crossed for part in joined),
        "fills_on_a_stale_quote": sum(part.stale for part in joined),
        "last_quote_age_s": max(
            (part.last_quote_age_s for part in joined if part.last_quote_age_s is not None), default=None
        ),
    }


def _measured_share(inside: Sequence[pl.DataFrame], fills: int) -> float | None:
    if not fills:
        return None
    known = pl.col("mid").is_not_null()
    each = pl.concat([frame.select(known=known, weight="notional_at_price") for frame in inside])
    by_notional = pl.col("weight").filter("known").sum() / pl.col("weight").sum()
    share: float = each.select(pl.min_horizontal(pl.col("known").mean(), by_notional)).item()
    return share


def _outside_touch() -> pl.Expr:
    return (pl.col("price") < pl.col("bid_px")) | (pl.col("price") > pl.col("ask_px"))


def _share(fills: pl.DataFrame, condition: pl.Expr) -> float | None:
    share: float | None = fills.select(condition.mean()).item() if fills.height else None
    return share


def _without_fee(fills: pl.DataFrame) -> int:
    return fills["fee"].null_count() if "fee" in fills.columns else fills.height
