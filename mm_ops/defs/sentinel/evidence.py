"""What Dagster's own records prove: materialisations, runs of jobs, ticks of sensors and schedules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus, RunRecord, RunsFilter
from dagster._core.scheduler.instigation import InstigatorState, TickStatus

from mm_ops.domain.sentinel.content import fault_of_document
from mm_ops.domain.sentinel.runs import Evidence, Run, in_order, of_its_day
from mm_ops.domain.sentinel.tasks import AssetProof, Content, Ended, JobProof, Task, TickProof

_DAYS_BACK, _MOST = 31, 200
"""A daily result that counts is of a recent day, and is found behind the backfill of as many others."""

_ENDED_BADLY = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
_GOOD = (TickStatus.SUCCESS, TickStatus.SKIPPED)
_ENDED = [DagsterRunStatus.SUCCESS, *_ENDED_BADLY]
_BEGUN = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING, *_ENDED]
"""What waits in the queue has not begun, and hides nothing of what has."""


@dataclass(frozen=True, slots=True)
class DagsterRecords:
    """One instance; every method may be called from any thread."""

    instance: dg.DagsterInstance
    now: datetime

    def read(self, task: Task, most: int) -> Evidence:
        """Read so many of a task's latest runs."""
        match task.proof:
            case AssetProof() as proof:
                return self._materialisations(task, proof, most)
            case JobProof() as proof:
                return self._runs(proof, most)
            case TickProof() as proof:
                return self._ticks(proof, most)
            case _:
                return Evidence(fault=f"{task.proof.kind}: no record of Dagster's")

    def _materialisations(self, task: Task, proof: AssetProof, most: int) -> Evidence:
        key = dg.AssetKey.from_user_string(proof.key)
        runs = self._made(task, key, most)
        within = proof.day_within
        if within is not None and len(of_its_day(runs, within)) < min(len(runs), task.depth):
            # what was made last is of old days: a backfill. The last days' own results lie behind it
            last = [(self.now.date() - timedelta(days=n)).isoformat() for n in range(_DAYS_BACK)]
            recent = self._made(task, dg.AssetRecordsFilter(key, asset_partitions=last), _MOST)
            runs = in_order([*runs, *of_its_day(recent, within)])
        remark = "" if runs else f"no materialisation of {proof.key} is on record"
        return Evidence(runs=runs, remark=remark)

    def _made(self, task: Task, wanted: dg.AssetKey | dg.AssetRecordsFilter, most: int) -> tuple[Run, ...]:
        records = self.instance.fetch_materializations(wanted, limit=most).records
        return in_order(
            Run(
                ended_at=_moment(record.timestamp),
                day=_day(record.partition_key),
                fault=_content_fault(task.content, record.asset_materialization) if n < task.recovery else "",
            )
            for n, record in enumerate(records)
        )

    def _runs(self, proof: JobProof, most: int) -> Evidence:
        begun = self._records(proof, most, _BEGUN)
        if begun and all(record.end_time is None for record in begun):  # however many have begun since the last end
            begun += self._records(proof, 1, _ENDED) or self._records(proof, 1, _BEGUN, ascending=True)
        runs = in_order(_run(record, proof.ended) for record in begun if record.start_time or record.end_time)
        return Evidence(runs=runs, remark="" if runs else f"no run of {proof.name} is on record that has begun")

    def _records(
        self, proof: JobProof, most: int, statuses: list[DagsterRunStatus], *, ascending: bool = False
    ) -> list[RunRecord]:
        wanted = RunsFilter(job_name=proof.name, tags=dict(proof.tags), statuses=statuses)
        return list(self.instance.get_run_records(filters=wanted, limit=most, ascending=ascending))

    def _ticks(self, proof: TickProof, most: int) -> Evidence:
        by_name = [one for one in self.instance.all_instigator_state() if one.instigator_name == proof.name]
        good = [at for one in by_name for at in self._ticks_of(one, most, *_GOOD)]
        failed = [at for one in by_name for at in self._ticks_of(one, 1, TickStatus.FAILURE)]
        runs = in_order(Run(ended_at=at) for at in good)
        if not failed or (good and max(good) >= max(failed)):
            return Evidence(runs=runs, remark="" if runs else f"no tick of {proof.name} is on record")
        return Evidence(runs=runs, remark=f"its tick of {max(failed):%Y-%m-%dT%H:%M:%SZ} failed")

    def _ticks_of(self, state: InstigatorState, most: int, *statuses: TickStatus) -> list[datetime]:
        found = self.instance.get_ticks(
            state.instigator_origin_id, state.selector_id, limit=most, statuses=list(statuses)
        )
        return [_moment(tick.timestamp) for tick in found]


def _run(record: RunRecord, ended: Ended) -> Run:
    """Make a run of a record; one that ended and never began (cancelled, not launched) is no good one."""
    status = record.dagster_run.status
    badly = status in _ENDED_BADLY and (ended is Ended.SUCCESS or record.start_time is None)
    how = status.value.lower() + (" before it began" if record.start_time is None else "")
    return Run(
        began_at=None if record.start_time is None else _moment(record.start_time),
        ended_at=None if record.end_time is None else _moment(record.end_time),
        fault=f"run {record.dagster_run.run_id[:8]} ended as {how}" if badly else "",
    )


def _content_fault(content: Content | None, made: dg.AssetMaterialization | None) -> str:
    if content is None or made is None:
        return ""
    shown: Mapping[str, Any] = {name: value.value for name, value in made.metadata.items()}
    return fault_of_document(content, shown)


def _day(partition: str | None) -> date | None:
    try:
        return None if partition is None else date.fromisoformat(partition)
    except ValueError:
        return None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
