"""The readiness of a day: every day of its week as it is stored, the last day's gates, and what passes over a HOLD."""

from datetime import date
from typing import Any

import dagster as dg

from mm_ops import __version__
from mm_ops.adapters.evidence import READINESS
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.readiness.stored import Reader, find_inputs, find_override, judge_stored_day, read_stored_day
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.readiness.document import readiness_document
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.readiness.soundness import POLICIES
from mm_ops.domain.windows import DAY


def judge_week(
    site: Site, bot: Bot, instance: dg.DagsterInstance, last: date, policy: ReadinessPolicy
) -> dict[str, Any]:
    """Make the readiness document of a day; nothing is stored.

    Raises:
        MmOpsError: the soak report of the day is not what was stored as one, or an override cannot be checked here.
    """
    evidence = site.evidence(bot)
    expected = [last - DAY * back for back in reversed(range(policy.days))]
    reader = Reader(evidence, site.current(bot), BotKeys(bot.name), instance)
    days = [read_stored_day(reader, bot, day, policy) for day in expected]
    gates = judge_stored_day(reader, site, bot, last)
    document = readiness_document(
        score_readiness(days, expected, policy, gates),
        days,
        gates,
        bot=bot.name,
        day=last,
        runtime={"utc": site.now(), "version": __version__},
        basis=site.basis(
            bot, evidence.report(last, READINESS), *POLICIES, inputs=find_inputs(evidence, expected, last)
        ),
    )
    return document | find_override(site, bot, last, document)
