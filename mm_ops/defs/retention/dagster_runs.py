"""Dagster's own runs, with the events, logs and files that they left: planned, and deleted where the policy says so.

Dagster 1.13.27 purges ticks by itself (``retention`` of dagster.yaml) and nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES, BulkActionsFilter, BulkActionStatus

from mm_ops.domain.retention.policy import RunsRule
from mm_ops.domain.retention.runs import PIN_TAG, Needed, Run, RunEntry, plan_runs

BOT_TAG, PARTITION_TAG, BACKFILL_TAG = "mm_ops/bot", "dagster/partition", "dagster/backfill"
_ENDED = frozenset({dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED})
_OPEN = [status for status in BulkActionStatus if status not in BULK_ACTION_TERMINAL_STATUSES]
_PAGE = 1000


def plan(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], days: set[date], rule: RunsRule, now: datetime
) -> list[RunEntry]:
    """Decide about every run on record.

    Args:
        instance: where they are on record.
        checks: every check of the location.
        days: of which evidence is stored; what was made of them is asked for.
        rule: how long the others are kept.
        now: in UTC, of the clock that Dagster uses too.

    Raises:
        IntegrityError: a run began an hour after ``now`` or later.
    """
    open_backfills = instance.get_backfills(BulkActionsFilter(statuses=_OPEN))
    backfills = {backfill.backfill_id for backfill in open_backfills}
    return plan_runs(_runs(instance), Needed(days, _newest(instance, checks, days), backfills), rule, now)


def delete(instance: dg.DagsterInstance, entries: Iterable[RunEntry]) -> dict[str, int]:
    """Delete the runs that may go, each whole; gives the bytes that each left free on this machine.

    Killed midway, what is left of a run is either all of its record, planned again next time, or its empty file.
    """
    freed = {}
    for entry in entries:
        if not entry.keep:
            run_id = entry.run.run_id
            files = _files(instance, run_id)
            freed[run_id] = sum(file.stat().st_size for file in files)
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            instance.event_log_storage.delete_events(run_id)  # before the run: what has no run is found by nobody
            instance.delete_run(run_id)
            for file in files:
                file.unlink(missing_ok=True)
    return freed


def _runs(instance: dg.DagsterInstance) -> Iterator[Run]:
    """Every run, page by page."""
    cursor: str | None = None
    while records := instance.get_run_records(limit=_PAGE, cursor=cursor):
        yield from (_run(record) for record in records)
        cursor = records[-1].dagster_run.run_id


def _run(record: dg.RunRecord) -> Run:
    run = record.dagster_run
    return Run(
        run_id=run.run_id,
        group=f"{run.job_name} {run.tags.get(BOT_TAG, '')}".strip(),
        created=record.create_timestamp.astimezone(UTC),
        ended=run.status in _ENDED,
        day=_day(run.tags.get(PARTITION_TAG)),
        pinned=PIN_TAG in run.tags,
        about=frozenset({run.job_name, *(key.path[-1] for key in run.asset_selection or ())}),
        backfill=run.tags.get(BACKFILL_TAG),
    )


def _day(text: str | None) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text) if text else None
    return None


def _newest(instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], days: set[date]) -> set[str]:
    """The runs that made the newest of each asset, of each partition that is asked for, and of each check."""
    found = set()
    for key in instance.all_asset_keys():
        for fetch in (instance.fetch_materializations, instance.fetch_observations):
            found |= {record.run_id for record in fetch(key, limit=1).records}
        found |= _newest_of_partitions(instance, key, days)
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    return found | {record.run_id for record in latest.values()}


def _newest_of_partitions(instance: dg.DagsterInstance, key: dg.AssetKey, days: set[date]) -> set[str]:
    """An episode is asked for whenever it was; a day while its evidence is stored."""
    made = dg.DagsterEventType.ASSET_MATERIALIZATION
    latest = instance.event_log_storage.get_latest_storage_id_by_partition(key, made)
    asked = [number for name, number in latest.items() if (day := _day(name)) is None or day in days]
    runs: set[str] = set()
    for start in range(0, len(asked), _PAGE):
        wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=asked[start : start + _PAGE])
        runs |= {record.run_id for record in instance.fetch_materializations(wanted, limit=_PAGE).records}
    return runs


def _files(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    """The file that SQLite keeps of each run and Dagster leaves behind; of a database of all runs there is none."""
    path_of: Any = getattr(instance.event_log_storage, "path_for_shard", None)
    if path_of is None:
        return []
    path = Path(path_of(run_id))
    return [file for file in (path, *(Path(f"{path}{end}") for end in ("-wal", "-shm"))) if file.is_file()]
