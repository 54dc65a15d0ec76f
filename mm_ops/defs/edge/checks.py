"""The identity of the edge: money counted two ways."""

from datetime import date

import dagster as dg

from mm_ops.adapters.evidence import EDGE_REPORT
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.verdicts import Gate, gate_check, report_of_day
from mm_ops.domain.bots import Bot
from mm_ops.domain.edge.finding import identity_finding
from mm_ops.domain.verdict import Severity


def edge_checks(bot: Bot, first_day: date) -> list[dg.AssetChecksDefinition]:
    """Build ``identity``: an ERROR that does not block, so that readiness still judges a bad day.

    Such a day counts as missing in readiness, which holds the release, and the release guard asks for it too.
    """
    gate = Gate(
        asset=BotKeys(bot.name).edge_report,
        name="identity",
        severity=Severity.HARD,
        blocking=False,
        first_day=first_day,
        locate=report_of_day(EDGE_REPORT),
        judge=identity_finding,
        description="Capture = markout + adverse selection, and net edge x notional = mark-to-market money.",
    )
    return [gate_check(bot, gate)]
