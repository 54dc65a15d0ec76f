"""The money counted twice, by ways that share no step: if they differ, no number of the report is to be believed."""

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
    signed = pl.col("sign") * pl.col("qty")
    value = signed * pl.col("value_end")
    cash = -signed * pl.col("value_paid")
    money, marked, turnover = fills.select(
        money=pl.col("net").sum(),
        marked=value.sum() + cash.sum() - pl.col("fee_money").sum(),
        turnover=pl.col("notional").sum(),
    ).row(0)
    return float(abs(money - marked) / max(abs(money), abs(marked), 1e-6 * turnover))
