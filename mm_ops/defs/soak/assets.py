"""Samples of a day, SLIs of a soak, verdicts of its gates."""

from datetime import date
from typing import Any

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.defs.automation import RETRY_SOURCE, daily, last_days, partition_day, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.summary import gates_summary
from mm_ops.domain.windows import TimeWindow

POLICIES = ("slis.yaml", "soak.yaml")


def soak_assets(bot: Bot, first_day: date, policy: SoakPolicy) -> list[dg.AssetsDefinition]:
    """Build ``sli_samples``, ``soak_metrics`` and ``soak_findings``."""
    days = daily(first_day)
    touched = len(TimeWindow.ending(TimeWindow.of_day(first_day).end, policy.window).days())
    return [_sli_samples(bot, days), _soak_metrics(bot, days, touched), _soak_findings(bot, days)]


def _sli_samples(bot: Bot, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=BotKeys(bot.name).sli_samples,
        partitions_def=days,
        group_name=bot.name,
        kinds={"parquet"},
        retry_policy=RETRY_SOURCE,
        description="Raw samples of every series that an SLI reads, of one UTC day, from Prometheus or a recording.",
    )
    def sli_samples(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.recording import encode_samples
        from mm_ops.domain.sli.catalogue import SliCatalogue

        day = partition_day(context)
        evidence = site.evidence(bot)
        with refusals_end_the_step():
            slis = site.policy("slis.yaml", SliCatalogue)
            frame = site.samples(bot).read(slis.selectors(), TimeWindow.of_day(day))
        asked = [selector.promql({}) for selector in slis.selectors()]
        stored = evidence.put_samples(day, encode_samples(frame), asked)
        return materialised(stored, samples=frame.height, source=bot.samples.words)

    return sli_samples


def _soak_metrics(bot: Bot, days: dg.DailyPartitionsDefinition, touched: int) -> dg.AssetsDefinition:
    @dg.asset(
        key=BotKeys(bot.name).soak_metrics,
        deps=[dg.AssetDep(BotKeys(bot.name).sli_samples, partition_mapping=last_days(touched))],
        partitions_def=days,
        group_name=bot.name,
        kinds={"polars"},
        description="Every SLI over the soak window that ends with the day, and over the day itself.",
    )
    def soak_metrics(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.recording import RecordingSamples
        from mm_ops.domain.sli.catalogue import SliCatalogue
        from mm_ops.domain.soak.metrics import measure_soak
        from mm_ops.domain.soak.resolve import resolve

        day = partition_day(context)
        evidence = site.evidence(bot)
        with refusals_end_the_step():
            slis = site.policy("slis.yaml", SliCatalogue)
            soak = site.policy("soak.yaml", SoakPolicy)
            resolve(slis, soak)
            window = TimeWindow.ending(TimeWindow.of_day(day).end, soak.window)
            frame = RecordingSamples(evidence.sample_root()).read(slis.selectors(), window)
            metrics = {
                "bot": bot.name,
                "day_of": day,
                **site.basis(bot, *POLICIES, inputs=[evidence.day_entry(touched) for touched in window.days()]),
                "window": measure_soak(slis, frame, window, soak.scrape_interval, source=bot.samples.words),
                "day": measure_soak(
                    slis, frame, _day_of_steps(day, soak), soak.scrape_interval, source=bot.samples.words
                ),
            }
        stored = evidence.put_json(evidence.report(day, names.SOAK_METRICS), metrics)
        return materialised(stored, samples=frame.height)

    return soak_metrics


def _soak_findings(bot: Bot, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=BotKeys(bot.name).soak_findings,
        deps=[BotKeys(bot.name).soak_metrics],
        partitions_def=days,
        group_name=bot.name,
        description="Every gate's verdict with value, limit, margin, coverage, longest gap, query and reason.",
    )
    def soak_findings(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.domain.soak.report_text import soak_markdown
        from mm_ops.domain.soak.verdicts import fold, judge

        day = partition_day(context)
        evidence = site.evidence(bot)
        with refusals_end_the_step():
            name = evidence.report(day, names.SOAK_METRICS)
            metrics = evidence.read_json(name)
            soak = site.policy("soak.yaml", SoakPolicy)
            findings = judge(metrics["window"], soak, version=bot.version)
            summary = {
                "bot": bot.name,
                "day_of": day,
                **site.basis(bot, *POLICIES, inputs=[name]),
                **gates_summary(findings, fold(findings, soak), metrics["window"]["window"]),
            }
        text = soak_markdown(metrics["window"], findings)
        evidence.withdraw_releases(day)
        stored = evidence.put_json(evidence.report(day, names.GATES_SUMMARY), summary)
        shown = evidence.put(evidence.report(day, names.SOAK_RESULTS), text.encode())
        return materialised(stored, shown, markdown=text, verdict=summary["verdict"])

    return soak_findings


def _day_of_steps(day: date, policy: SoakPolicy) -> TimeWindow:
    """The day from the last sample before it, so that what was counted around midnight belongs to one day."""
    whole = TimeWindow.of_day(day)
    return TimeWindow(whole.start - policy.scrape_interval, whole.end)
