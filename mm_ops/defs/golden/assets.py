"""Pinned inputs through the code that measures the live edge, against signed-off baselines."""

from typing import Any

import dagster as dg

from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import night_pool
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.golden.policy import GoldenPolicy
from mm_ops.domain.golden.text import golden_markdown

POLICIES = ("golden.yaml", "edge.yaml", "instruments.yaml")


def golden_assets(bot: Bot) -> list[dg.AssetsDefinition]:
    """Build ``golden_report``; it has no days, since pinned inputs have none."""

    @dg.asset(
        key=BotKeys(bot.name).golden_report,
        group_name=bot.name,
        pool=night_pool(bot.name),
        kinds={"polars"},
        description="Each pinned case measured again, and every difference from its signed-off report.",
    )
    def golden_report(site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.golden_cases import examine, run_case

        evidence = site.evidence(bot)
        with refusals_end_the_step():
            policy = site.policy("golden.yaml", GoldenPolicy)
            edge = site.policy("edge.yaml", EdgePolicy)
            instruments = site.policy("instruments.yaml", Instruments)
            reports = {case.name: run_case(case, site.path("."), edge, instruments) for case in policy.cases}
            found = examine(policy, site.path("."), reports)
            stored = [evidence.put_json(evidence.golden(name), report) for name, report in reports.items()]
            basis = site.basis(bot, evidence.golden_drift(), *POLICIES, inputs=[item.name for item in stored])
            drift = evidence.put_json(evidence.golden_drift(), {"bot": bot.name, **found, **basis})
        drifts = sum(len(drifts) for drifts in found["cases"].values())
        return materialised(drift, *stored, markdown=golden_markdown(found), cases=len(reports), drifts=drifts)

    return [golden_report]
