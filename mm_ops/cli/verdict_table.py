"""The verdict table that ``nightly`` and ``ci`` print."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mm_ops.cli.context import finding_row, show_table

if TYPE_CHECKING:
    from mm_ops.defs.runs import Judged

HEADER = ("asset", "check", "severity", "verdict", "value", "limit", "margin", "reason")


def show_judged(title: str, judged: Sequence["Judged"], others: Iterable[tuple[str, str, str]] = ()) -> None:
    """Print one row a check, then one row for each asset that no check judges (asset, verdict, reason)."""
    rows = [(item.asset.to_user_string(), *finding_row(item.finding)) for item in judged]
    rows += [(asset, "", "", verdict, "", "", "", reason) for asset, verdict, reason in others]
    show_table(title, HEADER, rows)
