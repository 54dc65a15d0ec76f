"""The fire drill of each bot that may be drilled while it trades, and whether the last one still says something.

The drill is the same as `mm-ops drill`; here `drill.yaml` says who answers for it. A drill that is refused fails its
run and leaves no materialisation, since nothing was tried. The check reads the journal, so that a drill by hand counts.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import DRILLS
from mm_ops.defs.resources import Site
from mm_ops.defs.rollback.backstop import notifier_of
from mm_ops.defs.verdicts import check_result, materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rollback.drill.age import LAST_DRILL
from mm_ops.domain.verdict import Finding, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.rollback.drill.run import Drilled

OWNER = "dagster_drill"


def fire_drill(bot: Bot) -> list[dg.AssetsDefinition]:
    """Build the drill; there is none where bots.yaml does not allow it."""
    if bot.drill != "live":
        return []

    @dg.asset(
        key=BotKeys(bot.name).fire_drill,
        group_name=bot.name,
        pool=DRILLS,
        description="The bot stopped on purpose by Prometheus, Alertmanager and the watcher: timeline, detect to halt.",
    )
    def drill_bot(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.drill_world import run_drill
        from mm_ops.adapters.rollback_desk import Desk
        from mm_ops.domain.rollback.drill.policy import DrillPolicy
        from mm_ops.domain.rollback.drill.report import build_drill_report, drill_headline, drill_markdown

        policy = site.policy("drill.yaml", DrillPolicy)
        with refusals_end_the_step():
            desk = Desk.read(site.environment())
            why = f"the weekly drill, Dagster's run {context.run.run_id[:8]}"
            drilled = run_drill(desk, policy, bot.name, by=policy.weekly.by, why=why, say=context.log.info, once=True)
            report = build_drill_report(drilled, policy)
            if drilled.verdict is not Verdict.PASS:
                _page(site, desk, drilled, drill_headline(report), context.log.warning)
        if not drilled.begun:
            refused = dg.MetadataValue.json(list(drilled.reasons))
            raise dg.Failure(drill_headline(report), metadata={"refusals": refused}, allow_retries=False)
        evidence = site.evidence(bot)
        return materialised(
            evidence.put_json(evidence.drill(drilled.request.name), report),
            markdown=drill_markdown(report),
            summary=drill_headline(report),
            verdict=drilled.verdict.value,
            detect_to_halt_ms=report["detect_to_halt_ms"],
        )

    return [drill_bot]


def drill_checks(bot: Bot) -> list[dg.AssetChecksDefinition]:
    """Build the check on age and budget of the last drill, run with each drill and daily by itself."""
    if bot.drill != "live":
        return []

    @dg.asset_check(
        asset=BotKeys(bot.name).fire_drill,
        name=LAST_DRILL,
        description="The last drill is not older than drill.yaml says, passed, and kept the budget that it says now.",
        metadata={"severity": Severity.HARD.value},
    )
    def check(site: Site) -> dg.AssetCheckResult:
        return check_result(judge_drills(site, bot))

    return [check]


def judge_drills(site: Site, bot: Bot) -> Finding:
    """Judge the last drill in the journal; a journal that cannot be read is inconclusive."""
    from mm_ops.adapters.journal_follow import following
    from mm_ops.domain.rollback.drill.age import judge_last_drill, unread_drills
    from mm_ops.domain.rollback.drill.notes import LATEST, SUBJECT, find_last
    from mm_ops.domain.rollback.drill.policy import DrillPolicy

    try:
        with following(site.journal()) as journal:
            last = find_last(journal.notes(SUBJECT, bot.name, LATEST))
    except MmOpsError as error:
        return unread_drills(str(error))
    return judge_last_drill(last, site.policy("drill.yaml", DrillPolicy), site.live_clock().now())


def _page(site: Site, desk: "Desk", drilled: "Drilled", headline: str, say: "Callable[[str], Any]") -> None:
    """Tell whoever is on call, as the watcher would, that a drill was refused or has not passed."""
    from mm_ops.domain.notify.notice import About
    from mm_ops.domain.rollback.stop import DrillPager

    bot = drilled.request.bot
    todo = f"`mm-ops halt status --bot {bot}`: see how it was left; mend what the reason names, then drill again"
    with desk.written(OWNER) as journal:
        notifier = notifier_of(site, journal, say)
        notifier.start()
        try:
            about = About(bot=bot, todo=todo, runbook="deploy/runbooks/RollbackDrill.md", grave=drilled.begun)
            DrillPager(notifier).page(headline, about)
        finally:
            notifier.close()
