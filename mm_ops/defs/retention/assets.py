"""The daily rotation of stored evidence: of no day and of no single bot."""

from typing import Any

import dagster as dg

from mm_ops.adapters.rotation_run import Rotated
from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.keys import ARTIFACT_ROTATION
from mm_ops.defs.limits import ROTATION
from mm_ops.defs.resources import Site
from mm_ops.defs.retention.runs import forget_runs
from mm_ops.domain.retention.policy import RetentionPolicy
from mm_ops.domain.retention.sizes import format_size

GROUP = "upkeep"
_COLUMNS = [
    dg.TableColumn("unit"),
    dg.TableColumn("of", description="the day that it is about"),
    dg.TableColumn("bytes", "int"),
    dg.TableColumn("files", "int"),
    dg.TableColumn("reason"),
]


def retention_assets() -> list[dg.AssetsDefinition]:
    """Build ``artifact_rotation``."""

    @dg.asset(
        key=ARTIFACT_ROTATION,
        group_name=GROUP,
        pool=ROTATION,
        kinds={"file"},
        description="What of the stored evidence is no longer needed, moved into quarantine, and deleted a while "
        "later; the plan, with the reason of each, is that of `mm-ops rotate --dry-run`. What is old in the rollback "
        "journal is archived, as by `mm-ops audit archive`.",
    )
    def artifact_rotation(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.rotation_run import rotate
        from mm_ops.adapters.rotation_scan import local_root

        with refusals_end_the_step():
            policy = site.policy("retention.yaml", RetentionPolicy)
            named = {bot.name: site.path(bot.known_good) for bot in site.fleet().bots if bot.known_good is not None}
            done = rotate(local_root(site.artifacts), policy, site.now(), known_good=named, dry=False)
            archived = _archive(site)
        _end_unless_done(done)  # a clock that is doubted has ended it before this
        forgotten = 0 if policy.runs is None else forget_runs(context.instance, policy.runs, site.now())
        further = {"forgotten_runs": forgotten, "journal_records_archived": archived}
        return dg.MaterializeResult(metadata={**_metadata(done), **further})

    return [artifact_rotation]


def _archive(site: Site) -> int:
    """Archive what is old in the rollback journal, where there is one; gives how many records."""
    from mm_ops.adapters.journal_upkeep import archive_old
    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.rollback.keeping import JournalPolicy

    place = site.journal()
    if not (place.is_there or place.named):
        return 0
    desk = Desk.read(site.environment(), journal=place.url)
    return archive_old(desk, site.policy("journal.yaml", JournalPolicy)).records


def _end_unless_done(done: Rotated) -> None:
    """Fail the step, after the deed, where something stayed that should have gone."""
    reasons = [f"{unit}: {why}" for unit, why in done.left.items()]
    reasons += [done.plan.short] if done.plan.short is not None else []
    if reasons:
        raise dg.Failure(description="; ".join(reasons), metadata=_metadata(done), allow_retries=False)


def _metadata(done: Rotated) -> dict[str, Any]:
    moved = done.moved.moved if done.moved is not None else ()
    records = [
        dg.TableRecord(
            {
                "unit": entry.unit.name,
                "of": f"{entry.unit.of:%Y-%m-%d}",
                "bytes": entry.unit.size,
                "files": entry.unit.files,
                "reason": entry.reason,
            }
        )
        for entry in moved
    ]
    freed = sum(entry.unit.size for entry in moved)
    return {
        "size_bytes": done.plan.size - freed,
        "units": len(done.plan.entries),
        "rotated_units": len(moved),
        "rotated_bytes": freed,
        "deleted_bytes": sum(done.purged.values()),
        "rotated": dg.MetadataValue.table(records, dg.TableSchema(_COLUMNS)),
        "size": format_size(done.plan.size - freed),
        "quarantine": done.moved.name if done.moved is not None else "nothing to rotate",
    }
