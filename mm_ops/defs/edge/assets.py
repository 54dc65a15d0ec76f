"""A day's fills against the day's quotes."""

from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from mm_ops.adapters.evidence import EDGE_REPORT, EDGE_TEXT
from mm_ops.defs.automation import daily, partition_day, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.edge.plotted import plotted
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.windows import TimeWindow


def edge_assets(bot: Bot, first_day: date) -> list[dg.AssetsDefinition]:
    """Build ``edge_report``."""

    @dg.asset(
        key=BotKeys(bot.name).edge_report,
        partitions_def=daily(first_day),
        group_name=bot.name,
        kinds={"polars"},
        description="Spread capture, markouts, adverse selection, fees, inventory and net edge of a UTC day.",
    )
    def edge_report(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.symbol_days import find_symbol_days
        from mm_ops.domain.edge.report import clock_by_symbol, measure_days
        from mm_ops.domain.edge.report_text import edge_markdown

        day = partition_day(context)
        window = TimeWindow.of_day(day)
        evidence = site.evidence(bot)
        evidence.withdraw_releases(day)
        with refusals_end_the_step():
            site.require_entries(bot, day)
            policy, instruments = site.policy("edge.yaml", EdgePolicy), site.policy("instruments.yaml", Instruments)
            days = find_symbol_days(
                site.path(bot.fills), site.path(bot.quotes), partial(clock_by_symbol, policy, instruments), window
            )
            report = measure_days(days, policy=policy, instruments=instruments, window=window)
            report |= {
                "bot": bot.name,
                "day": day,
                **site.basis(bot, evidence.report(day, EDGE_REPORT), "edge.yaml", "instruments.yaml", day=day),
            }
        text = edge_markdown(report)
        stored = evidence.put_json(evidence.report(day, EDGE_REPORT), report)
        shown = evidence.put(evidence.report(day, EDGE_TEXT), text.encode())
        return materialised(stored, shown, markdown=text, **plotted(report))

    return [edge_report]
