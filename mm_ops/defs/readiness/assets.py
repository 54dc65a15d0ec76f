"""What the bot's own pipeline found each day, and the score over the last days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.defs.automation import daily, last_days, partition_day, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import night_pool
from mm_ops.defs.readiness.results import drill_of_day, tests_of_day
from mm_ops.defs.readiness.stored import find_readiness
from mm_ops.defs.readiness.week import judge_week
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.readiness.document import readiness_markdown
from mm_ops.domain.readiness.policy import ReadinessPolicy


def readiness_assets(bot: Bot, first_day: date, policy: ReadinessPolicy) -> list[dg.AssetsDefinition]:
    """Build ``chaos_drill``, ``test_results`` and ``readiness_score``."""
    keys = BotKeys(bot.name)
    drill = _Result(
        key=keys.chaos_drill,
        find=drill_of_day,
        report=names.CHAOS_DRILL,
        answer="outcome",
        description="The day's drill: what was cut, what was expected within which limits, what was observed.",
    )
    tests = _Result(
        key=keys.test_results,
        find=tests_of_day,
        report=names.TEST_RESULTS,
        answer="verdict",
        description="The day's run of the bot's own tests, counted from its JUnit XML.",
    )
    return [_result(bot, first_day, drill), _result(bot, first_day, tests), _readiness_score(bot, first_day, policy)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What the bot's pipeline finds each day: how it is found, stored, and which field is its answer."""

    key: dg.AssetKey
    find: Callable[[Site, Bot, date, str], dict[str, Any]]
    report: str
    answer: str
    description: str


def _result(bot: Bot, first_day: date, result: _Result) -> dg.AssetsDefinition:
    @dg.asset(
        key=result.key,
        partitions_def=daily(first_day),
        group_name=bot.name,
        pool=night_pool(bot.name),
        description=result.description,
    )
    def asset(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        day = partition_day(context)
        evidence = site.evidence(bot)
        evidence.withdraw_releases(day)
        name = evidence.report(day, result.report)
        with refusals_end_the_step():
            found = result.find(site, bot, day, name)
        stored = evidence.put_json(name, found)
        return materialised(stored, **{result.answer: found[result.answer]})

    return asset


def _readiness_score(bot: Bot, first_day: date, policy: ReadinessPolicy) -> dg.AssetsDefinition:
    @dg.asset(
        key=BotKeys(bot.name).readiness_score,
        deps=[dg.AssetDep(key, partition_mapping=last_days(policy.days)) for key in BotKeys(bot.name).day_evidence],
        partitions_def=daily(first_day),
        group_name=bot.name,
        pool=night_pool(bot.name),
        description=f"Out of 100 over the last {policy.days} days; GO only at exactly 100 with nothing missing.",
    )
    def readiness_score(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.readiness_html import render_readiness_page
        from mm_ops.domain.charts.picture import picture_markdown
        from mm_ops.domain.readiness.history import score_history

        last = partition_day(context)
        evidence = site.evidence(bot)
        evidence.withdraw_releases(last)
        with refusals_end_the_step():
            document = judge_week(site, bot, context.instance, last, policy)
        text = readiness_markdown(document)
        stored = evidence.put_json(evidence.report(last, names.READINESS), document)
        shown = evidence.put(evidence.report(last, names.READINESS_TEXT), text.encode())
        history = score_history(document, lambda day: find_readiness(evidence, day), last)
        drawn = evidence.put(evidence.report(last, names.READINESS_PAGE), render_readiness_page(document, history))
        picture = dg.MetadataValue.md(picture_markdown(history))
        facts = {"verdict": document["verdict"], "score": document["score"], "history": picture}
        return materialised(stored, shown, drawn, markdown=text, **facts)

    return readiness_score
