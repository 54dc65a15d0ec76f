"""The daily rotation of stored evidence: of no day and of no single bot."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from mm_ops.adapters.rotation_run import Rotated
from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.keys import ARTIFACT_ROTATION, DAGSTER_RUNS
from mm_ops.defs.limits import ROTATION
from mm_ops.defs.resources import Site
from mm_ops.defs.retention.dagster_runs import delete, plan
from mm_ops.domain.errors import MmOpsError, PolicyError
from mm_ops.domain.retention.policy import RetentionPolicy, RunsRule
from mm_ops.domain.retention.runs import RunEntry, refuse_unless_fresh
from mm_ops.domain.retention.sizes import format_size

GROUP = "upkeep"
_COLUMNS = [
    dg.TableColumn("unit"),
    dg.TableColumn("of", description="the day that it is about"),
    dg.TableColumn("bytes", "int"),
    dg.TableColumn("files", "int"),
    dg.TableColumn("reason"),
]


_RUN_COLUMNS = [
    dg.TableColumn("run"),
    dg.TableColumn("job"),
    dg.TableColumn("began"),
    dg.TableColumn("bytes", "int", description="that SQLite kept of it on this machine"),
    dg.TableColumn("reason"),
]
_GONE_COLUMNS = [dg.TableColumn("rotation"), dg.TableColumn("bytes", "int")]


def retention_assets(checks: Sequence[dg.AssetCheckKey]) -> list[dg.AssetsDefinition]:
    """Build ``artifact_rotation``, and ``dagster_runs``, which spares what made the newest of ``checks``."""

    @dg.asset(
        key=ARTIFACT_ROTATION,
        group_name=GROUP,
        pool=ROTATION,
        kinds={"file"},
        description="What of the stored evidence is no longer needed, moved into quarantine, and deleted a while "
        "later; the plan, with the reason of each, is that of `mm-ops rotate --dry-run`. What is old in the rollback "
        "journal is archived, as by `mm-ops audit archive`.",
    )
    def artifact_rotation(site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.rotation_run import rotate
        from mm_ops.adapters.rotation_scan import local_root

        with refusals_end_the_step():
            policy = site.policy("retention.yaml", RetentionPolicy)
            named = {bot.name: site.path(bot.known_good) for bot in site.fleet().bots if bot.known_good is not None}
            done = rotate(local_root(site.artifacts), policy, site.now(), known_good=named, dry=False)
            try:
                archived = _archive(site)
            except MmOpsError as error:  # what was moved, and deleted for good, is told
                raise dg.Failure(description=str(error), metadata=_metadata(done), allow_retries=False) from error
        _end_unless_done(done)  # a clock that is doubted has ended it before this
        return dg.MaterializeResult(metadata={**_metadata(done), "journal_records_archived": archived})

    @dg.asset(
        key=DAGSTER_RUNS,
        deps=[ARTIFACT_ROTATION],
        group_name=GROUP,
        pool=ROTATION,
        kinds={"dagster"},
        description="Dagster's own runs and events that nothing asks for any more, deleted where `runs.delete` of "
        "`retention.yaml` is true and only planned otherwise. What is deleted does not come back.",
    )
    def dagster_runs(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        with refusals_end_the_step():
            policy = site.policy("retention.yaml", RetentionPolicy)
            entries, rule = _plan_runs(context.instance, checks, site, policy)
            freed = delete(context.instance, entries) if rule.delete else None
        return dg.MaterializeResult(metadata=_run_metadata(entries, freed))

    return [artifact_rotation, dagster_runs]


def _plan_runs(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], site: Site, policy: RetentionPolicy
) -> tuple[list[RunEntry], RunsRule]:
    from mm_ops.adapters.rotation_run import kept_days
    from mm_ops.adapters.rotation_scan import local_root

    if policy.runs is None:
        raise PolicyError("retention.yaml: runs: expected how long they are kept; without it none is planned")
    root = local_root(site.artifacts)
    days = kept_days(root, policy)
    refuse_unless_fresh(days, policy, site.now(), str(root))
    return plan(instance, checks, days, policy.runs, site.live_clock().now()), policy.runs


def _run_metadata(entries: Sequence[RunEntry], freed: Mapping[str, int] | None) -> dict[str, Any]:
    going = [entry for entry in entries if not entry.keep]
    records = [
        dg.TableRecord(
            {
                "run": entry.run.run_id,
                "job": entry.run.group,
                "began": f"{entry.run.created:%Y-%m-%dT%H:%M:%SZ}",
                "bytes": (freed or {}).get(entry.run.run_id, 0),
                "reason": entry.reason,
            }
        )
        for entry in going
    ]
    kept = Counter(entry.reason.split(",")[0] if entry.run.day else entry.reason for entry in entries if entry.keep)
    return {
        "runs": len(entries) - (len(going) if freed is not None else 0),
        "due_runs": len(going),
        "deleted_runs": len(freed or {}),
        "freed_bytes": sum((freed or {}).values()),
        "deleted" if freed is not None else "would_be_deleted": dg.MetadataValue.table(
            records, dg.TableSchema(_RUN_COLUMNS)
        ),
        "kept_because": dg.MetadataValue.json(dict(sorted(kept.items()))),
        "mode": "real" if freed is not None else "dry run: runs.delete of retention.yaml is false",
    }


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
        "deleted": dg.MetadataValue.table(
            [dg.TableRecord({"rotation": name, "bytes": size}) for name, size in done.purged.items()],
            dg.TableSchema(_GONE_COLUMNS),
        ),
        "rotated": dg.MetadataValue.table(records, dg.TableSchema(_COLUMNS)),
        "size": format_size(done.plan.size - freed),
        "quarantine": done.moved.name if done.moved is not None else "nothing to rotate",
    }
