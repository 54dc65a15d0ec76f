"""The gate on the pack."""

from datetime import date

import dagster as dg

from mm_ops.adapters.evidence import PRE_LIVE_PACK
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.verdicts import Gate, gate_check, report_of_day
from mm_ops.domain.bots import Bot
from mm_ops.domain.prelive.finding import ALL_STEPS_PASSED, pack_finding
from mm_ops.domain.verdict import Severity


def prelive_checks(bot: Bot, first_day: date) -> list[dg.AssetChecksDefinition]:
    """Build ``all_steps_passed``."""
    gate = Gate(
        asset=BotKeys(bot.name).pre_live_pack,
        name=ALL_STEPS_PASSED,
        severity=Severity.HARD,
        blocking=True,
        first_day=first_day,
        locate=report_of_day(PRE_LIVE_PACK),
        judge=pack_finding,
        description="Every step of the pack is there and passed, and the readiness that it was tried on still stands.",
    )
    return [gate_check(bot, gate)]
