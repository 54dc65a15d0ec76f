"""The one word: GO."""

from datetime import date

import dagster as dg

from mm_ops.adapters.evidence import READINESS
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.overrides import judge_readiness
from mm_ops.defs.verdicts import Gate, gate_check, report_of_day
from mm_ops.domain.bots import Bot
from mm_ops.domain.readiness.finding import readiness_finding
from mm_ops.domain.verdict import Severity


def readiness_checks(bot: Bot, first_day: date) -> list[dg.AssetChecksDefinition]:
    """Build ``is_go``."""
    gate = Gate(
        asset=BotKeys(bot.name).readiness_score,
        name="is_go",
        severity=Severity.HARD,
        blocking=True,
        first_day=first_day,
        locate=report_of_day(READINESS),
        judge=readiness_finding,
        judge_at=judge_readiness,
        description="GO only at a full score with no evidence missing, or a HOLD that a signed override passes over.",
    )
    return [gate_check(bot, gate)]
