"""What the bot's own pipeline found each day, and the score over the last days."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg

from mm_ops import __version__
from mm_ops.adapters import evidence as names
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.adapters.result_files import read_drill, read_junit
from mm_ops.defs.automation import daily, last_days, partition_day, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import digest
from mm_ops.domain.readiness.document import readiness_document, readiness_markdown
from mm_ops.domain.readiness.evidence import DayEvidence, DayReports, read_day
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.windows import DAY


def readiness_assets(bot: Bot, first_day: date, policy: ReadinessPolicy) -> list[dg.AssetsDefinition]:
    """Build ``chaos_drill``, ``test_results`` and ``readiness_score``."""
    keys = BotKeys(bot.name)
    days = daily(first_day)

    @dg.asset(
        key=keys.chaos_drill,
        partitions_def=days,
        group_name=bot.name,
        description="The day's drill: what was cut, what was expected within which limits, what was observed.",
    )
    def chaos_drill(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        day = partition_day(context)
        evidence = site.evidence(bot)
        with refusals_end_the_step():
            drill = read_drill(site.result_file(bot, day, "chaos_drill.json"))
        stored = evidence.put_json(evidence.report(day, names.CHAOS_DRILL), drill)
        return materialised(stored, outcome=drill["outcome"])

    @dg.asset(
        key=keys.test_results,
        partitions_def=days,
        group_name=bot.name,
        description="The day's run of the bot's own tests, counted from its JUnit XML.",
    )
    def test_results(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        day = partition_day(context)
        evidence = site.evidence(bot)
        with refusals_end_the_step():
            results = read_junit(site.result_file(bot, day, "junit.xml"))
        stored = evidence.put_json(evidence.report(day, names.TEST_RESULTS), results)
        return materialised(stored, verdict=results["verdict"], tests=results["total"])

    @dg.asset(
        key=keys.readiness_score,
        deps=[dg.AssetDep(key, partition_mapping=last_days(policy.days)) for key in keys.day_evidence],
        partitions_def=days,
        group_name=bot.name,
        description=f"Out of 100 over the last {policy.days} days; GO only at exactly 100 with nothing missing.",
    )
    def readiness_score(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        last = partition_day(context)
        evidence = site.evidence(bot)
        expected = [last - DAY * back for back in reversed(range(policy.days))]
        with refusals_end_the_step():
            days = [
                read_day(day, stored_reports(evidence, day), min_coverage=policy.guards.min_coverage)
                for day in expected
            ]
            document = readiness_document(
                score_readiness(days, expected, policy),
                days,
                bot=bot.name,
                day=last,
                runtime={"utc": site.now(), "version": __version__},
                inputs=input_digests(evidence, expected),
                policies=site.policy_digests("readiness.yaml"),
            )
        text = readiness_markdown(document)
        stored = evidence.put_json(evidence.report(last, names.READINESS), document)
        shown = evidence.put(evidence.report(last, names.READINESS_TEXT), text.encode())
        return materialised(stored, shown, markdown=text, score=document["score"], verdict=document["verdict"])

    return [chaos_drill, test_results, readiness_score]


_OF_A_DAY = {
    "edge": names.EDGE_REPORT,
    "soak": names.SOAK_METRICS,
    "chaos": names.CHAOS_DRILL,
    "tests": names.TEST_RESULTS,
}


def read_days(evidence: BotEvidence, days: Sequence[date], policy: ReadinessPolicy) -> list[DayEvidence]:
    """Read what each day contributes."""
    least = policy.guards.min_coverage
    return [read_day(day, stored_reports(evidence, day), min_coverage=least) for day in days]


def stored_reports(evidence: BotEvidence, day: date) -> DayReports:
    """Read what is stored of a day."""
    return DayReports(**{kind: evidence.find_json(evidence.report(day, name)) for kind, name in _OF_A_DAY.items()})


def input_digests(evidence: BotEvidence, days: Sequence[date]) -> dict[str, str]:
    """The digest of every stored report that a score rests on, by its name."""
    stored = [evidence.report(day, name) for day in days for name in _OF_A_DAY.values()]
    return {name: digest(evidence.read(name)) for name in stored if evidence.has(name)}
