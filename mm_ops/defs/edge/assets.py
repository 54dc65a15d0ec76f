"""A day's fills against the day's quotes."""

from datetime import date
from typing import Any

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.defs.automation import daily, partition_day, refusals_end_the_step
from mm_ops.defs.edge.day import measure_day
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import night_pool
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.edge.plotted import plotted


def edge_assets(bot: Bot, first_day: date) -> list[dg.AssetsDefinition]:
    """Build ``edge_report``."""

    @dg.asset(
        key=BotKeys(bot.name).edge_report,
        partitions_def=daily(first_day),
        group_name=bot.name,
        pool=night_pool(bot.name),
        kinds={"polars"},
        description="Spread capture, markouts, adverse selection, fees, inventory and net edge of a UTC day.",
    )
    def edge_report(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.edge_html import render_edge_page
        from mm_ops.domain.charts.picture import picture_markdown
        from mm_ops.domain.edge.report_text import edge_markdown

        day = partition_day(context)
        evidence = site.evidence(bot)
        evidence.withdraw_releases(day)
        with refusals_end_the_step():
            site.require_entries(bot, day)
            measured = measure_day(site, bot, day)
        text = edge_markdown(measured.report)
        stored = evidence.put_json(evidence.report(day, names.EDGE_REPORT), measured.report)
        shown = evidence.put(evidence.report(day, names.EDGE_TEXT), text.encode())
        drawn = evidence.put(evidence.report(day, names.EDGE_PAGE), render_edge_page(measured.page))
        rejected = evidence.put(evidence.report(day, names.EDGE_REJECTS), measured.rejects)
        pictures = dg.MetadataValue.md("\n\n".join(picture_markdown(picture) for picture in measured.pictures))
        facts = {**plotted(measured.report), "pictures": pictures}
        return materialised(stored, shown, drawn, rejected, markdown=text, **facts)

    return [edge_report]
