"""The money counted twice: fill by fill, and as a book of cash and position. If they differ, believe no number."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from mm_ops.domain.edge.finding import TOLERANCE


def check_identity(fills: pl.DataFrame, horizons: Sequence[str]) -> dict[str, Any]:
    """Compare capture with markout + adverse selection, fill by fill, and net money with cash + position − fees.

    Returns:
        ``capture_error``: the largest difference, relative to the fill's notional. ``money_error``: the difference
        relative to the net money, or to a hundredth of a bp of turnover where the net is smaller. ``holds``: both
        are at most 1e-9. All null without fills: nothing was shown to hold.
    """
    if not fills.height:
        return {"capture_error": None, "money_error": None, "tolerance": TOLERANCE, "holds": None}
    capture = max(_capture_error(fills, name) for name in horizons)
    money = _money_error(fills)
    holds = capture <= TOLERANCE and money <= TOLERANCE
    return {"capture_error": capture, "money_error": money, "tolerance": TOLERANCE, "holds": holds}


def _capture_error(fills: pl.DataFrame, horizon: str) -> float:
    parts = pl.col(f"markout_{horizon}") + pl.col(f"adverse_{horizon}")
    worst = fills.select(((pl.col("capture") - parts) / pl.col("notional")).abs().max()).item()
    return 0.0 if worst is None else float(worst)  # no fill of this horizon has a mid: nothing to compare


def _money_error(fills: pl.DataFrame) -> float:
    net, turnover = fills.select(pl.col("net").sum(), pl.col("notional").sum()).row(0)
    marked = _marked_to_market(fills)
    return float(abs(net - marked) / max(abs(net), abs(marked), 1e-6 * turnover))


def _marked_to_market(fills: pl.DataFrame) -> float:
    """Cash + position at the last mid − fees, symbol by symbol, from the fills as they came."""
    bought = pl.when(pl.col("side") == "buy").then(pl.col("qty")).otherwise(-pl.col("qty")) * pl.col("contract_size")
    books = fills.group_by("symbol", "inverse", "mid_end", maintain_order=True).agg(
        position=bought.sum(),
        spent=(bought * pl.col("price")).sum(),
        received=(bought / pl.col("price")).sum(),
        fees=pl.col("fee_money").sum(),
    )
    linear = pl.col("position") * pl.col("mid_end") - pl.col("spent")
    inverse = pl.col("received") - pl.col("position") / pl.col("mid_end")
    return float(books.select((pl.when("inverse").then(inverse).otherwise(linear) - pl.col("fees")).sum()).item())
