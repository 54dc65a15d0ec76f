"""Sums of money over sums of notional: from measured fills to the numbers of a report.

Each bps is 10⁴ × Σ money / Σ notional over the fills for which the measure exists; ``per_fill`` is the plain mean of
the fills' own bps beside it. A measure that no fill has is null: absence is never a zero.

A few fills do not stand for the rest: one whose liquidity is not known is no maker's, one whose order's age is not
known is the oldest, and what is known of how many stands beside it (``…_known_share``, by number or by notional,
whichever is less). So a lost value never makes a share or an age better, and at most makes it null.
"""

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

_TO_BPS = 1e4


def aggregate(fills: pl.DataFrame, horizons: Sequence[str]) -> dict[str, Any]:
    """Aggregate measured fills that have a mid; null where there is nothing to measure.

    Returns:
        Counts, notional (settlement currency), bps by measure, shares (0 to 1), order ages (ms), nulls by horizon.
    """
    measures = _measures(horizons)
    weighted = {name: weighted_bps(money) for name, money in measures.items()}
    single = {name: (money / pl.col("notional")).mean() * _TO_BPS for name, money in measures.items()}
    maker, age = (pl.col("role") == 1).fill_null(value=False), pl.col("order_age_ms")
    any_role = pl.col("role").is_not_null().any()
    counted = {
        "fills": pl.len(),
        "notional": _sum(pl.col("notional")),
        "net_money": _sum(pl.col("net")),
        "fee_money": _sum(pl.col("fee_money")),
        "maker_share": pl.when(any_role).then(_share(maker)),
        "taker_share": pl.when(any_role).then(_share(~maker)),
        "maker_share_by_count": pl.when(any_role).then(maker.mean()),
        "liquidity_known_share": _known_share(pl.col("role")),
        "order_age_p50_ms": _worst_quantile(age, 0.5),
        "order_age_p95_ms": _worst_quantile(age, 0.95),
        "order_age_known_share": _known_share(age),
    }
    nulls = {name: pl.col(f"markout_{name}").null_count() for name in horizons}
    return {
        **_row(fills, counted),
        **_row(fills, weighted),
        "per_fill": _row(fills, single),
        "nulls": _row(fills, nulls),
    }


def weighted_bps(money: pl.Expr) -> pl.Expr:
    """10⁴ × Σ money / Σ notional over the rows where the money is known; null where it never is."""
    known = money.is_not_null()
    return _TO_BPS * _sum(money) / pl.col("notional").filter(known).sum()


def _measures(horizons: Sequence[str]) -> dict[str, pl.Expr]:
    role, capture = pl.col("role"), pl.col("capture")
    found = {
        "spread_capture_bps": capture,
        "effective_spread_bps": 2 * role * capture,
        "fee_bps": pl.col("fee_money"),
        "net_edge_bps": pl.col("net"),
    }
    for name in horizons:
        found[f"markout_bps_{name}"] = pl.col(f"markout_{name}")
        found[f"adverse_selection_bps_{name}"] = pl.col(f"adverse_{name}")
        found[f"realised_spread_bps_{name}"] = 2 * role * pl.col(f"markout_{name}")
        found[f"inventory_bps_{name}"] = pl.col(f"inventory_{name}")
    return found


def _sum(money: pl.Expr) -> pl.Expr:
    return pl.when(money.is_not_null().any()).then(money.sum())


def _share(chosen: pl.Expr) -> pl.Expr:
    """By notional; not a number without fills."""
    return pl.col("notional").filter(chosen).sum() / pl.col("notional").sum()


def _known_share(value: pl.Expr) -> pl.Expr:
    known = value.is_not_null()
    return pl.when(pl.len() > 0).then(pl.min_horizontal(known.mean(), _share(known)))


def _worst_quantile(value: pl.Expr, q: float) -> pl.Expr:
    """The quantile if whatever is not known were larger than all; null where it is among those."""
    found = value.fill_null(math.inf).quantile(q, "linear")
    return pl.when(found.is_finite()).then(found)


def _row(fills: pl.DataFrame, expressions: dict[str, pl.Expr]) -> dict[str, Any]:
    return fills.select(**expressions).row(0, named=True)
