"""Sums of money over sums of notional: from measured fills to the numbers of a report.

Each bps is 10⁴ × Σ money / Σ notional over the fills for which the measure exists; ``per_fill`` is the plain mean of
the fills' own bps beside it. A measure that no fill has is null: absence is never a zero.
"""

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
    maker = pl.col("role") == 1
    counted = {
        "fills": pl.len(),
        "notional": _sum(pl.col("notional")),
        "net_money": _sum(pl.col("net")),
        "fee_money": _sum(pl.col("fee_money")),
        "maker_share": _share(maker, pl.col("notional")),
        "taker_share": _share(pl.col("role") == -1, pl.col("notional")),
        "maker_share_by_count": pl.when(pl.len() > 0).then(maker.mean()),
        "order_age_p50_ms": pl.col("order_age_ms").quantile(0.5, "linear"),
        "order_age_p95_ms": pl.col("order_age_ms").quantile(0.95, "linear"),
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


def _share(chosen: pl.Expr, weight: pl.Expr) -> pl.Expr:
    known = chosen.is_not_null()
    return pl.when(known.any()).then(weight.filter(chosen).sum() / weight.filter(known).sum())


def _row(fills: pl.DataFrame, expressions: dict[str, pl.Expr]) -> dict[str, Any]:
    return fills.select(**expressions).row(0, named=True)
