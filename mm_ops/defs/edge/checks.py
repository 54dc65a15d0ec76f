"""Whether the edge can be believed: money counted two ways, and what was left out of its inputs."""

from datetime import date

import dagster as dg

from mm_ops.adapters.evidence import EDGE_REPORT
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.verdicts import Gate, gate_check, report_of_day
from mm_ops.domain.bots import Bot
from mm_ops.domain.edge.finding import identity_finding
from mm_ops.domain.edge.inputs_finding import inputs_finding
from mm_ops.domain.verdict import Severity


def edge_checks(bot: Bot, first_day: date) -> list[dg.AssetChecksDefinition]:
    """Build ``identity`` and ``inputs``: ERRORs that do not block, so that readiness still judges a bad day.

    Such a day counts as missing in readiness, which holds the release, and the release judges both by itself.
    """
    told = {
        "identity": "Capture = markout + adverse selection, and net edge x notional = mark-to-market money.",
        "inputs": "Few rows of fills and quotes were faulty, and of few prints nobody knows who took.",
    }
    judges = {"identity": identity_finding, "inputs": inputs_finding}
    return [
        gate_check(
            bot,
            Gate(
                asset=BotKeys(bot.name).edge_report,
                name=name,
                severity=Severity.HARD,
                blocking=False,
                first_day=first_day,
                locate=report_of_day(EDGE_REPORT),
                judge=judges[name],
                description=description,
            ),
        )
        for name, description in told.items()
    ]
