"""The pack of dry runs before a bot goes live, as an asset: what `mm-ops prelive` runs, kept for its day."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

from mm_ops.adapters.evidence import PRE_LIVE_PACK, READINESS
from mm_ops.defs.automation import daily, partition_day, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot


def prelive_assets(bot: Bot, first_day: date, *, ships: bool) -> list[dg.AssetsDefinition]:
    """Build ``pre_live_pack``; where a release asks for it (``ships``), a new one withdraws the day's bundle."""

    @dg.asset(
        key=BotKeys(bot.name).pre_live_pack,
        deps=[BotKeys(bot.name).readiness_score],
        partitions_def=daily(first_day),
        group_name=bot.name,
        description="Every step of prelive.yaml in dry mode, each the real command; only passed is green.",
    )
    def pre_live_pack(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.prelive_steps import run_steps
        from mm_ops.domain.prelive.ended import prelive_document, prelive_markdown
        from mm_ops.domain.prelive.policy import PrelivePolicy, expand

        day, evidence = partition_day(context), site.evidence(bot)
        if ships:
            evidence.withdraw_releases(day)
        with refusals_end_the_step():
            steps = expand(site.policy("prelive.yaml", PrelivePolicy).steps, day, [bot.name])
            ends = run_steps(
                steps,
                clock=site.live_clock().monotonic,
                root=site.path("."),
                say=context.log.info,
                variables=_variables(site, context.instance),
            )
        name = evidence.report(day, PRE_LIVE_PACK)
        document = prelive_document(ends)
        basis = site.basis(bot, name, "prelive.yaml", inputs=[evidence.report(day, READINESS)])
        stored = evidence.put_json(name, {**document, **basis})
        return materialised(stored, markdown=prelive_markdown(ends), blockers=len(document["blockers"]))

    return [pre_live_pack]


def _variables(site: Site, instance: dg.DagsterInstance) -> Mapping[str, str]:
    """What the commands must be told to look at the same deployment as this run."""
    return {**site.environment().variables(), "DAGSTER_HOME": instance.root_directory}
