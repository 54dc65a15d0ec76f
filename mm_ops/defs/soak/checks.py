"""One asset check for each gate of the soak policy."""

from datetime import date
from functools import partial

import dagster as dg

from mm_ops.adapters.evidence import GATES_SUMMARY
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.verdicts import Gate, gate_check, report_of_day
from mm_ops.domain.bots import Bot
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.summary import find_finding
from mm_ops.domain.verdict import Severity


def soak_checks(bot: Bot, first_day: date, policy: SoakPolicy) -> list[dg.AssetChecksDefinition]:
    """Build them: hard gates block, soft ones warn."""
    return [
        gate_check(
            bot,
            Gate(
                asset=BotKeys(bot.name).soak_findings,
                name=rule.name,
                severity=rule.severity,
                blocking=rule.severity is Severity.HARD,
                first_day=first_day,
                locate=report_of_day(GATES_SUMMARY),
                judge=partial(find_finding, gate=rule.name),
                description=rule.description,
            ),
        )
        for rule in policy.rules
    ]
