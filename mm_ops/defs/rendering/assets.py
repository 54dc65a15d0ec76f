"""The rules that watch the gates live, rendered from the policies: of no day and of no single bot."""

from pathlib import Path
from typing import Any

import dagster as dg

from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.keys import PROMETHEUS_RULES
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised

GROUP = "catalogue"


def rendering_assets() -> list[dg.AssetsDefinition]:
    """Build ``prometheus_rules``."""

    @dg.asset(
        key=PROMETHEUS_RULES,
        group_name=GROUP,
        kinds={"prometheus"},
        description="Recording rules and alerts of every gate, rendered from the same limits that the checks judge by.",
    )
    def prometheus_rules(site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.renderings import RULES, as_markdown, render_all

        with refusals_end_the_step():
            rendered = render_all(Path(site.root), Path(site.policies))
        stored = site.store().put(f"rendered/{Path(RULES).name}", rendered[RULES])
        return materialised(stored, markdown=as_markdown(rendered, RULES), renderings=len(rendered))

    return [prometheus_rules]
