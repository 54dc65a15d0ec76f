"""Is the bot halted? Asked of the bot itself, once more, after its stop."""

import time

import dagster as dg

from mm_ops.defs.keys import BotKeys
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import check_result
from mm_ops.domain.bots import Bot
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rollback.report.halt import HALT_VERIFIED
from mm_ops.domain.verdict import Finding, Severity


def rollback_checks(bot: Bot) -> list[dg.AssetChecksDefinition]:
    """Build the check; it has no partitions, since a bot is halted or not, whatever episode is looked at.

    It blocks, though nothing is built upon a report: so that a run fails, and is seen, when the bot is not halted.
    """

    @dg.asset_check(
        asset=BotKeys(bot.name).rollback_report,
        name=HALT_VERIFIED,
        blocking=True,
        description="The latest stop, read back once more from the bot; its orders stand still and none is open.",
        metadata={"severity": Severity.HARD.value},
    )
    def check(site: Site) -> dg.AssetCheckResult:
        return check_result(verify_halt(site, bot))

    return [check]


def verify_halt(site: Site, bot: Bot) -> Finding:
    """Look at the bot twice and judge its latest stop; a journal that cannot be read is inconclusive."""
    from mm_ops.adapters.journal_follow import following
    from mm_ops.domain.rollback.policy import RollbackPolicy
    from mm_ops.domain.rollback.report.halt import judge_halt, nothing_known
    from mm_ops.domain.rollback.report.policy import ReportPolicy

    policy = site.policy("rollback.yaml", RollbackPolicy)
    first = site.look_at(bot, policy)
    time.sleep(site.policy("rollback_report.yaml", ReportPolicy).still.total_seconds())
    last = site.look_at(bot, policy)
    try:
        with following(site.journal()) as journal:
            standing = journal.standing(bot.name)
    except MmOpsError as error:
        return nothing_known(str(error))
    return judge_halt(standing, (first, last), dead_after=2 * policy.attempts.longest, now=last.at)
