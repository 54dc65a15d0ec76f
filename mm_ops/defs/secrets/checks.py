"""The gate on secrets."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.adapters.evidence import SECRETS_SCAN
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.verdicts import Gate, gate_check, report_of_day
from mm_ops.domain.bots import Bot
from mm_ops.domain.verdict import Severity

if TYPE_CHECKING:
    from mm_ops.domain.verdict import Finding


def secrets_checks(bot: Bot, first_day: date) -> list[dg.AssetChecksDefinition]:
    """Build ``no_secrets``."""
    gate = Gate(
        asset=BotKeys(bot.name).secrets_scan,
        name="no_secrets",
        severity=Severity.HARD,
        blocking=True,
        first_day=first_day,
        locate=report_of_day(SECRETS_SCAN),
        judge=_judge,
        description="No secret that the audited baseline does not excuse, and everything was read to its end.",
    )
    return [gate_check(bot, gate)]


def _judge(document: Mapping[str, Any]) -> "Finding":
    from mm_ops.domain.secrets.report import secrets_finding  # it knows the scan, and the scan knows numpy

    return secrets_finding(document)
