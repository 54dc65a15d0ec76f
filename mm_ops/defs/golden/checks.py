"""The gate on drift."""

import dagster as dg

from mm_ops.defs.keys import BotKeys
from mm_ops.defs.verdicts import Gate, gate_check
from mm_ops.domain.bots import Bot
from mm_ops.domain.golden.finding import drift_finding
from mm_ops.domain.verdict import Severity


def golden_checks(bot: Bot) -> list[dg.AssetChecksDefinition]:
    """Build ``no_drift``."""
    gate = Gate(
        asset=BotKeys(bot.name).golden_report,
        name="no_drift",
        severity=Severity.HARD,
        blocking=True,
        first_day=None,
        locate=lambda evidence, _: evidence.golden_drift(),
        judge=drift_finding,
        description="Every pinned case gives the signed-off report, within the golden policy's tolerance.",
    )
    return [gate_check(bot, gate)]
