"""The report of each stop, and where a bot stands.

An episode is a dynamic partition of its bot's ``rollback_report``. Beside run config or tags, that shows best: the
UI lists the episodes, each with its latest report; one that was asked for and not written is seen as missing, and is
made again by a click, with nothing to type in.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.defs.automation import RETRY_SOURCE, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.labels import tags_of
from mm_ops.defs.limits import report_pool
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.windows import TimeWindow

if TYPE_CHECKING:
    from mm_ops.domain.rollback.report.build import Metrics, Release
    from mm_ops.domain.rollback.report.story import Story

POLICIES = ("slis.yaml", "soak.yaml", "rollback.yaml", "rollback_report.yaml")
_SHOWN_CHARTS = 3


def episodes_of(bot: str) -> dg.DynamicPartitionsDefinition:
    """The episodes that stopped a bot, by name."""
    return dg.DynamicPartitionsDefinition(name=f"{bot}_episodes")


def observe(site: Site, bot: Bot) -> dict[str, Any]:
    """Read the journal and the bot, and say where it stands.

    Raises:
        MmOpsError: the journal cannot be read; a bot that cannot be is part of the answer.
    """
    from mm_ops.adapters.journal_follow import following
    from mm_ops.domain.rollback.policy import RollbackPolicy
    from mm_ops.domain.rollback.report.state import describe_state

    policy = site.policy("rollback.yaml", RollbackPolicy)
    with following(site.journal()) as journal:
        standing = journal.standing(bot.name)
    return describe_state(standing, site.look_at(bot, policy))


def shown(described: dict[str, Any]) -> dict[str, Any]:
    """What :func:`observe` gave, as metadata."""
    from mm_ops.domain.canonical import to_plain

    return dict(to_plain(described))


def rollback_state(bot: Bot) -> dg.SourceAsset:
    """Build what is only looked at: nothing makes a bot's state but the bot."""

    @dg.observable_source_asset(
        key=BotKeys(bot.name).rollback_state,
        group_name=bot.name,
        tags=tags_of(BotKeys(bot.name).rollback_state, {bot.name: bot}),
        description="Whether the bot is stopped, since when and by which episode: by its own word and the journal's.",
    )
    def state(site: Site) -> dg.ObserveResult:
        from mm_ops.domain.rollback.report.state import state_version

        with refusals_end_the_step():
            described = observe(site, bot)
        return dg.ObserveResult(metadata=shown(described), data_version=dg.DataVersion(state_version(described)))

    return state


def rollback_report(bot: Bot) -> dg.AssetsDefinition:
    """Build the report: a materialisation for each episode."""

    @dg.asset(
        key=BotKeys(bot.name).rollback_report,
        partitions_def=episodes_of(bot.name),
        group_name=bot.name,
        pool=report_pool(bot.name),
        retry_policy=RETRY_SOURCE,
        description="One stop: timeline, what was asked and observed, the metrics around it, what a person does now.",
    )
    def report_stop(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.journal_follow import following
        from mm_ops.adapters.rollback_html import render_rollback_page
        from mm_ops.domain.charts.svg import chart_markdown
        from mm_ops.domain.rollback.policy import RollbackPolicy
        from mm_ops.domain.rollback.report.build import build_report
        from mm_ops.domain.rollback.report.text import headline, report_markdown

        episode, evidence = context.partition_key, site.evidence(bot)
        with refusals_end_the_step():
            with following(site.journal()) as journal:
                story = journal.story(episode)
            metrics = _measure(site, bot, story)
            policy = site.policy("rollback.yaml", RollbackPolicy)
            name = evidence.rollback(episode, names.ROLLBACK_REPORT)
            report = {**build_report(story, metrics, _release(site, bot), policy), **site.basis(bot, name, *POLICIES)}
            page = render_rollback_page(report, metrics.drawn)
            stored = _store(evidence, episode, report, page)
        pictures = "\n\n".join(chart_markdown(chart) for chart in metrics.drawn[:_SHOWN_CHARTS])
        return materialised(
            *stored,
            markdown=report_markdown(report),
            summary=headline(report),
            charts=dg.MetadataValue.md(pictures or "no metrics"),
            answer=report["answer"],
            rounds=len(story.rounds),
            whole=metrics.whole,
            breach_to_halt_ms=report["breach_to_halt_ms"],
            receive_to_halt_ms=report["receive_to_halt_ms"],
        )

    return report_stop


def _store(evidence: BotEvidence, episode: str, report: dict[str, Any], page: bytes) -> list[Any]:
    from mm_ops.domain.rollback.report.text import report_markdown

    return [
        evidence.put_json(evidence.rollback(episode, names.ROLLBACK_REPORT), report),
        evidence.put(evidence.rollback(episode, names.ROLLBACK_PAGE), page),
        evidence.put(evidence.rollback(episode, names.ROLLBACK_TEXT), report_markdown(report).encode()),
    ]


def _measure(site: Site, bot: Bot, story: "Story") -> "Metrics":
    """Read and draw what was measured around the stop; that there is nothing is told, and keeps no report back."""
    from mm_ops.domain.rollback.report.build import Metrics
    from mm_ops.domain.rollback.report.charts import Around, draw_around, read_window, selectors_around, versions_in
    from mm_ops.domain.rollback.report.policy import ReportPolicy
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.soak.policy import SoakPolicy

    slis, soak = site.policy("slis.yaml", SliCatalogue), site.policy("soak.yaml", SoakPolicy)
    policy = site.policy("rollback_report.yaml", ReportPolicy)
    around = policy.around
    stop = story.last
    ended = stop.finished_at or stop.claimed_at
    start, end = (at.replace(microsecond=0) for at in (story.rounds[0].claimed_at, ended))
    window = TimeWindow(start - around, min(end + around, max(site.now(), start) - policy.settled))
    whole = window.end == end + around
    shown = Around(
        window=window, alert=stop.alert, started=story.starts_at, stopped=ended, confirmed=stop.answer == "confirmed"
    )
    try:
        table = site.samples(bot).read_series(selectors_around(slis), read_window(window, soak))
        charts = draw_around(slis, soak, table, shown)
        versions = versions_in(table, window)
    except MmOpsError as error:
        return Metrics(source=bot.samples.words, window=window, whole=whole, missing=str(error))
    return Metrics(source=bot.samples.words, window=window, whole=whole, charts=charts, versions=versions)


def _release(site: Site, bot: Bot) -> "Release":
    from mm_ops.adapters.promotions import go_back_of
    from mm_ops.domain.rollback.report.build import Release

    good = site.known_good(bot) or {}
    version = good.get("version")
    return Release(
        version=bot.version,
        known_good=bot.known_good,
        known_good_version=None if version is None else str(version),
        go_back=go_back_of(site.artifacts, bot.name),
    )
