"""Samples of a day, SLIs of a soak, verdicts of its gates."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.defs.automation import RETRY_SOURCE, daily, last_days, partition_day, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import night_pool
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot, Scraped
from mm_ops.domain.errors import IntegrityError
from mm_ops.domain.provenance import Current, find_departures
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.summary import gates_summary
from mm_ops.domain.windows import DAY, TimeWindow

if TYPE_CHECKING:
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.verdict import Finding

SHOWN_CHARTS = 3
"""In the asset's metadata: the worst; all are in the page."""

POLICIES = ("slis.yaml", "soak.yaml")


def soak_assets(bot: Bot, first_day: date, policy: SoakPolicy) -> list[dg.AssetsDefinition]:
    """Build ``sli_samples``, ``soak_metrics`` and ``soak_findings``."""
    days = daily(first_day)
    touched = len(TimeWindow.ending(TimeWindow.of_day(first_day).end, policy.window).days())
    return [_sli_samples(bot, days), _soak_metrics(bot, days, touched), _soak_findings(bot, days, touched)]


def _sli_samples(bot: Bot, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=BotKeys(bot.name).sli_samples,
        partitions_def=days,
        group_name=bot.name,
        pool=night_pool(bot.name),
        kinds={"parquet"},
        retry_policy=RETRY_SOURCE,
        description=(
            "Raw samples of every series that an SLI reads, of one UTC day, from Prometheus or a recording. Read once, "
            "a minute or more after the day has ended: what the server takes in later (a backfill, a delayed remote "
            "write) is not in it until the day is materialised again."
        ),
    )
    def sli_samples(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.segments import collect_day
        from mm_ops.domain.soak.registration import register
        from mm_ops.domain.soak.resolve import selectors_of

        day = partition_day(context)
        evidence = site.evidence(bot)
        with refusals_end_the_step():
            site.require_sample_entry(bot, day)
            slis, soak = policies(site)
            selectors = selectors_of(slis, soak)
            record = register(slis, soak, registered=site.now(), version=bot.version)
            for begins in (day, day + DAY):  # of the day itself only where the night before did not
                if not evidence.has(evidence.registration(begins)):  # the first one stands: a soak begins with it
                    evidence.put_json(evidence.registration(begins), record)
            evidence.forget_segments(day)
            collected = collect_day(
                site.samples(bot),
                selectors,
                day,
                evidence,
                origin=site.sample_origin(bot, day),
                segment=segment_of(bot),
                tell=context.log.info,
            )
        return materialised(
            collected.entry, samples=collected.samples, segments=collected.segments, read=collected.read
        )

    return sli_samples


def _soak_metrics(bot: Bot, days: dg.DailyPartitionsDefinition, touched: int) -> dg.AssetsDefinition:
    @dg.asset(
        key=BotKeys(bot.name).soak_metrics,
        deps=[dg.AssetDep(BotKeys(bot.name).sli_samples, partition_mapping=last_days(touched))],
        partitions_def=days,
        group_name=bot.name,
        pool=night_pool(bot.name),
        kinds={"polars"},
        description="Every SLI over the soak window that ends with the day, and over the day itself.",
    )
    def soak_metrics(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.recording import RecordingSamples
        from mm_ops.domain.soak.metrics import measure_slis, measure_soak, version_in
        from mm_ops.domain.soak.resolve import selectors_of

        day = partition_day(context)
        evidence = site.evidence(bot)
        with refusals_end_the_step():
            slis, soak = policies(site)
            window = TimeWindow.ending(TimeWindow.of_day(day).end, soak.window)
            table = RecordingSamples(evidence.sample_root()).read_series(selectors_of(slis, soak), window)
            begun = evidence.registration(window.days()[0])
            words = bot.samples.words
            inputs = [*(evidence.day_entry(touched) for touched in window.days()), begun]
            today = measure_slis(slis, table, _day_of_steps(day, soak), soak.scrape_interval, source=words)
            metrics = {
                "bot": bot.name,
                "day_of": day,
                "ran": version_in(today, soak),
                **site.basis(bot, evidence.report(day, names.SOAK_METRICS), *POLICIES, inputs=inputs),
                "registration": evidence.find_json(begun),
                "window": measure_soak(slis, soak, table, window, source=words),
                "day": today,
            }
        stored = evidence.put_json(evidence.report(day, names.SOAK_METRICS), metrics)
        return materialised(stored, samples=sum(series.ts_ns.size for series in table))

    return soak_metrics


def _soak_findings(bot: Bot, days: dg.DailyPartitionsDefinition, touched: int) -> dg.AssetsDefinition:
    @dg.asset(
        key=BotKeys(bot.name).soak_findings,
        deps=[
            BotKeys(bot.name).soak_metrics,
            dg.AssetDep(BotKeys(bot.name).sli_samples, partition_mapping=last_days(touched)),
        ],
        partitions_def=days,
        group_name=bot.name,
        pool=night_pool(bot.name),
        description="Every gate's verdict with value, limit, margin, coverage, longest gap, query and reason.",
    )
    def soak_findings(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.recording import RecordingSamples
        from mm_ops.adapters.soak_html import render_soak_page
        from mm_ops.domain.charts.svg import chart_markdown
        from mm_ops.domain.soak.page import charts_worst_first
        from mm_ops.domain.soak.picture import draw_soak, soak_page, window_of
        from mm_ops.domain.soak.registration import find_change
        from mm_ops.domain.soak.report_text import soak_markdown
        from mm_ops.domain.soak.resolve import selectors_of
        from mm_ops.domain.soak.verdicts import Reference, fold, judge

        day = partition_day(context)
        evidence = site.evidence(bot)
        with refusals_end_the_step():
            evidence.withdraw_releases(day)
            name = evidence.report(day, names.SOAK_METRICS)
            metrics = evidence.read_json(name)
            refuse_departed(metrics, site.current(bot), name)
            slis, soak = policies(site)
            reference = Reference(
                version=bot.version,
                change=find_change(metrics["registration"], slis, soak, bot.version),
                known_good=site.known_good(bot),
            )
            findings = judge(metrics["window"], soak, reference)
            summary = {
                "bot": bot.name,
                "day_of": day,
                **site.basis(bot, evidence.report(day, names.GATES_SUMMARY), *POLICIES, inputs=[name]),
                "known_good": site.known_good_digest(bot),
                **gates_summary(findings, fold(findings, soak), metrics["window"]["window"]),
            }
            measured = metrics["window"]
            samples = RecordingSamples(evidence.sample_root())
            table = samples.read_series(selectors_of(slis, soak), window_of(measured))
            charts = draw_soak(slis, soak, table, measured)
            page = soak_page(summary, charts, measured, bot=bot.name, soak=soak, remarks=registered_words(metrics))
        text = soak_markdown(measured, findings)
        stored = evidence.put_json(evidence.report(day, names.GATES_SUMMARY), summary)
        drawn = evidence.put(evidence.report(day, names.SOAK_PAGE), render_soak_page(page))
        shown = evidence.put(evidence.report(day, names.SOAK_RESULTS), text.encode())
        pictures = "\n\n".join(chart_markdown(chart) for chart in charts_worst_first(page)[:SHOWN_CHARTS])
        facts = {"verdict": summary["verdict"], "charts": dg.MetadataValue.md(pictures), **margins(findings)}
        return materialised(stored, shown, drawn, markdown=text, **facts)

    return soak_findings


def refuse_departed(document: Any, current: Current, name: str) -> None:
    """Refuse to judge what is not this day's, or rests on what is no longer there.

    Raises:
        IntegrityError: says in which ways.
    """
    departures = find_departures(document, current, where=name)
    if departures:
        raise IntegrityError("; ".join(departures))


def segment_of(bot: Bot) -> timedelta:
    """A server is asked for an hour at a time, so that a killed night goes on where it was; a file is read whole."""
    return timedelta(hours=1) if isinstance(bot.samples, Scraped) else DAY


def margins(findings: "list[Finding]") -> dict[str, float]:
    """The margin of each hard gate, which the UI plots over time."""
    return {f"margin_{one.gate}": one.margin for one in findings if one.hard and one.margin is not None}


def registered_words(metrics: dict[str, Any]) -> list[str]:
    """When what judges the soak was put on record, and by how much that was late."""
    from mm_ops.domain.soak.picture import window_of
    from mm_ops.domain.soak.registration import find_lateness

    record = metrics["registration"]
    if record is None:
        return []
    late = find_lateness(record, window_of(metrics["window"]))
    return [f"What judges this soak was put on record at {record['registered']}.", *([late] if late else [])]


def policies(site: Site) -> "tuple[SliCatalogue, SoakPolicy]":
    """Read both files, which must agree.

    Raises:
        PolicyError: one of them is impossible, or they do not fit each other.
    """
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.soak.resolve import resolve

    slis, soak = site.policy("slis.yaml", SliCatalogue), site.policy("soak.yaml", SoakPolicy)
    resolve(slis, soak)
    return slis, soak


def _day_of_steps(day: date, policy: SoakPolicy) -> TimeWindow:
    """The day from the last sample before it, so that what was counted around midnight belongs to one day."""
    whole = TimeWindow.of_day(day)
    return TimeWindow(whole.start - policy.scrape_interval, whole.end)
