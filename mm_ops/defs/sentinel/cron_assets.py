"""The freshness of every task as an asset: its table, and a check of each task that can be run alone."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.keys import CRON_FRESHNESS
from mm_ops.defs.resources import Site
from mm_ops.defs.sentinel.cron_look import look_at_tasks, shown, store, version_of
from mm_ops.defs.verdicts import check_result
from mm_ops.domain.sentinel.freshness import finding_of_task
from mm_ops.domain.sentinel.tasks import Task
from mm_ops.domain.verdict import Severity

GROUP = "sentinels"


def cron_assets() -> list[dg.AssetsDefinition]:
    """Build the asset. The sensor tells it on each change; a run of it looks at once."""

    @dg.asset(
        key=CRON_FRESHNESS,
        group_name=GROUP,
        description="Every task of deploy/cron/sentinel.yaml: when it is due, when it was seen last, how it stands.",
    )
    def cron_freshness(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        with refusals_end_the_step():
            look = look_at_tasks(site, context.instance)
            stored = store(site, look.freshness)
        metadata = {**shown(look.tasks, look.freshness, "not asked by a run"), "digest": stored.digest}
        return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(version_of(look.freshness)))

    return [cron_freshness]


def cron_checks(tasks: Sequence[Task]) -> list[dg.AssetChecksDefinition]:
    """Build a check of each task; nothing is built upon them, so none blocks."""
    return [_check(task) for task in tasks]


def _check(task: Task) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=CRON_FRESHNESS,
        name=task.name,
        description=f"{task.source} (due {task.due.words})",
        metadata={"severity": Severity.HARD.value},
    )
    def check(context: dg.AssetCheckExecutionContext, site: Site) -> dg.AssetCheckResult:
        with refusals_end_the_step():
            look = look_at_tasks(site, context.instance, [task.name])
        (standing,) = (one for one in look.freshness.standings if one.task == task.name)
        return check_result(finding_of_task(standing))

    return check
