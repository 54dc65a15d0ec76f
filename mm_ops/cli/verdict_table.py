"""The verdict table that ``nightly`` and ``ci`` print."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from mm_ops.cli.context import finding_row, show_table

if TYPE_CHECKING:
    from mm_ops.defs.runs import Judged

HEADER = ("asset", "check", "severity", "verdict", "value", "limit", "margin")


def show_judged(title: str, judged: Sequence["Judged"], others: Iterable[tuple[str, str]] = ()) -> None:
    """Print one row a check, one for each asset that no check judges, and why what did not pass did not."""
    rows = [(item.asset.to_user_string(), *finding_row(item.finding)) for item in judged]
    rows += [(name, "", "", verdict, "", "", "") for name, verdict in others]
    show_table(title, HEADER, rows)
    said: dict[tuple[str, str], list[str]] = {}
    for item in judged:
        if item.finding.verdict.value != "pass":
            said.setdefault((item.finding.severity.value, item.finding.reason), []).append(item.finding.gate)
    for (severity, reason), gates in said.items():
        click.echo(f"  {severity} {', '.join(gates)}: {reason}")
