"""Re-reads every hard gate of a release from Dagster's event log, for one day and the evidence of that day.

Blocking checks hold a release back only within the run that made its inputs. A materialisation by hand, a
later run, an executor that ignores checks, or a result posted to the webserver would get round them; this
does not. It reads two private classes of the pinned Dagster, so a test holds each state.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.loader import LoadingContext
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionResolvedStatus,
)

from mm_ops.defs.keys import name_of
from mm_ops.defs.records import latest_materialisation
from mm_ops.domain.release.guard import CheckState, find_refusals
from mm_ops.domain.verdict import Finding, Verdict

_RESOLVED = {
    AssetCheckExecutionResolvedStatus.FAILED: CheckState.FAILED,
    AssetCheckExecutionResolvedStatus.IN_PROGRESS: CheckState.RUNNING,
    AssetCheckExecutionResolvedStatus.EXECUTION_FAILED: CheckState.CRASHED,
    AssetCheckExecutionResolvedStatus.SKIPPED: CheckState.NEVER_RAN,
}


class _Loading(LoadingContext):
    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._loaders: dict[Any, Any] = {}

    @property
    def instance(self) -> dg.DagsterInstance:
        return self._instance

    @property
    def loaders(self) -> dict[Any, Any]:
        return self._loaders


def refuse_unless_green(
    instance: dg.DagsterInstance,
    hard_checks: Mapping[dg.AssetCheckKey, bool],
    day: date,
    findings: Sequence[Finding],
    against: Sequence[str] = (),
) -> None:
    """End the step, naming each hard check and each further finding that is not a pass for this day.

    Args:
        instance: where the results are on record.
        hard_checks: every check that must have passed; true where it is judged day by day.
        day: the day of the release.
        findings: what the release judged by itself, since no blocking check does.
        against: what else speaks against it: evidence that rests on something else than what is there now, a hold.

    Raises:
        dagster.Failure: at least one is not; its metadata lists all.
    """
    refusals = find_gate_refusals(instance, hard_checks, day)
    refusals += [f"{item.gate}: {item.reason}" for item in findings if item.verdict is not Verdict.PASS]
    refusals += against
    if refusals:
        raise dg.Failure(
            description=f"release of {day} refused: {'; '.join(refusals)}",
            metadata={"refusals": dg.MetadataValue.json(refusals)},
            allow_retries=False,
        )


def find_gate_refusals(
    instance: dg.DagsterInstance, hard_checks: Mapping[dg.AssetCheckKey, bool], day: date
) -> list[str]:
    """List each hard check that is not on record as passed for the day's evidence as it is stored."""
    states = read_states(instance, {key: day if by_day else None for key, by_day in hard_checks.items()})
    return find_refusals(states, frozenset(name_of(key) for key in hard_checks))


def read_states(instance: dg.DagsterInstance, checks: Mapping[dg.AssetCheckKey, date | None]) -> dict[str, CheckState]:
    """State of each check, named ``<asset>:<check>``, for the day given (``None``: the asset has no days).

    The day is part of the question: yesterday's pass must not release today.
    """
    found: dict[str, CheckState] = {}
    for day in sorted(set(checks.values()), key=str):
        keys = [key for key, its_day in checks.items() if its_day == day]
        found |= asyncio.run(_read(instance, keys, day))
    return found


async def _read(instance: dg.DagsterInstance, keys: list[dg.AssetCheckKey], day: date | None) -> dict[str, CheckState]:
    only = PartitionKeyFilter(key=day.isoformat() if day else None)
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys, partition_filter=only)
    loading = _Loading(instance)
    return {name_of(key): await _state(loading, key, records.get(key), day) for key in keys}


async def _state(
    loading: _Loading, key: dg.AssetCheckKey, record: AssetCheckExecutionRecord | None, day: date | None
) -> CheckState:
    if record is None:
        return CheckState.NEVER_RAN
    if not record.run_id:
        return CheckState.POSTED
    status = await record.resolve_status(loading)
    if status is not AssetCheckExecutionResolvedStatus.SUCCEEDED:
        return _RESOLVED[status]
    if latest_materialisation(loading.instance, key.asset_key, day) is None:
        return CheckState.NO_EVIDENCE
    return CheckState.PASSED if await record.targets_latest_materialization(loading) else CheckState.STALE
