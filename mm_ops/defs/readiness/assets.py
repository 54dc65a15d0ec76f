"""What the bot's own pipeline found each day, and the score over the last days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
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
from mm_ops.domain.provenance import Current, find_departures
from mm_ops.domain.readiness.document import readiness_document, readiness_markdown
from mm_ops.domain.readiness.evidence import DayEvidence, DayReports, read_day
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.windows import DAY


def readiness_assets(bot: Bot, first_day: date, policy: ReadinessPolicy) -> list[dg.AssetsDefinition]:
    """Build ``chaos_drill``, ``test_results`` and ``readiness_score``."""
    keys = BotKeys(bot.name)
    drill = _Result(
        key=keys.chaos_drill,
        file="chaos_drill.json",
        read=read_drill,
        report=names.CHAOS_DRILL,
        answer="outcome",
        description="The day's drill: what was cut, what was expected within which limits, what was observed.",
    )
    tests = _Result(
        key=keys.test_results,
        file="junit.xml",
        read=lambda path, _: read_junit(path),
        report=names.TEST_RESULTS,
        answer="verdict",
        description="The day's run of the bot's own tests, counted from its JUnit XML.",
    )
    return [_result(bot, first_day, drill), _result(bot, first_day, tests), _readiness_score(bot, first_day, policy)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """A file that the bot's pipeline writes each day: how it is read, stored, and which field is its answer."""

    key: dg.AssetKey
    file: str
    read: Callable[[Path, date], dict[str, Any]]
    report: str
    answer: str
    description: str


def _result(bot: Bot, first_day: date, result: _Result) -> dg.AssetsDefinition:
    @dg.asset(key=result.key, partitions_def=daily(first_day), group_name=bot.name, description=result.description)
    def asset(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        day = partition_day(context)
        evidence = site.evidence(bot)
        with refusals_end_the_step():
            found = result.read(site.result_file(bot, day, result.file), day)
        stored = evidence.put_json(evidence.report(day, result.report), {**found, **site.basis(bot)})
        return materialised(stored, **{result.answer: found[result.answer]})

    return asset


def _readiness_score(bot: Bot, first_day: date, policy: ReadinessPolicy) -> dg.AssetsDefinition:
    @dg.asset(
        key=BotKeys(bot.name).readiness_score,
        deps=[dg.AssetDep(key, partition_mapping=last_days(policy.days)) for key in BotKeys(bot.name).day_evidence],
        partitions_def=daily(first_day),
        group_name=bot.name,
        description=f"Out of 100 over the last {policy.days} days; GO only at exactly 100 with nothing missing.",
    )
    def readiness_score(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        last = partition_day(context)
        evidence = site.evidence(bot)
        expected = [last - DAY * back for back in reversed(range(policy.days))]
        with refusals_end_the_step():
            days = read_days(site, bot, expected, policy)
            document = readiness_document(
                score_readiness(days, expected, policy),
                days,
                bot=bot.name,
                version=bot.version,
                day=last,
                runtime={"utc": site.now(), "version": __version__},
                inputs=input_digests(evidence, expected),
                policies=site.policy_digests("readiness.yaml"),
            )
        text = readiness_markdown(document)
        evidence.withdraw_releases(last)
        stored = evidence.put_json(evidence.report(last, names.READINESS), document)
        shown = evidence.put(evidence.report(last, names.READINESS_TEXT), text.encode())
        return materialised(stored, shown, markdown=text, score=document["score"], verdict=document["verdict"])

    return readiness_score


_OF_A_DAY = {
    "edge": names.EDGE_REPORT,
    "soak": names.SOAK_METRICS,
    "chaos": names.CHAOS_DRILL,
    "tests": names.TEST_RESULTS,
}


def read_days(site: Site, bot: Bot, days: Sequence[date], policy: ReadinessPolicy) -> list[DayEvidence]:
    """Read what each day contributes; a report that rests on what is no longer there counts as absent, with why."""
    current = site.current(bot)
    return [_read_day(site.evidence(bot), current, day, policy) for day in days]


def _read_day(evidence: BotEvidence, current: Current, day: date, policy: ReadinessPolicy) -> DayEvidence:
    stored = {kind: evidence.find_json(evidence.report(day, name)) for kind, name in _OF_A_DAY.items()}
    departures = {
        kind: find_departures(document, current, where=f"{day}: {kind} report")
        for kind, document in stored.items()
        if document is not None
    }
    reports = DayReports(**{kind: None if departures.get(kind) else document for kind, document in stored.items()})
    known = read_day(day, reports, policy, version=current.version)
    return replace(known, absent=(*known.absent, *(text for found in departures.values() for text in found)))


def input_digests(evidence: BotEvidence, days: Sequence[date]) -> dict[str, str]:
    """The digest of every stored report that a score rests on, by its name."""
    stored = [evidence.report(day, name) for day in days for name in _OF_A_DAY.values()]
    return {name: digest(evidence.read(name)) for name in stored if evidence.has(name)}
