"""Dagster's own records: runs that have ended long ago go with their events, a few each night."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from mm_ops.domain.retention.policy import RunsRule

_AT_ONCE = 200
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def forget_runs(instance: dg.DagsterInstance, rule: RunsRule, now: datetime) -> int:
    """Delete runs that were made before ``keep``, oldest first and at most so many; gives back how many.

    What a run materialised goes from Dagster's record with it, and stays in the artifacts for as long as they are kept.
    """
    gone = 0
    for run in list(_old(instance, now - rule.keep, rule)):
        instance.delete_run(run.run_id)
        gone += 1
    return gone


def _old(instance: dg.DagsterInstance, before: datetime, rule: RunsRule) -> Iterator[dg.DagsterRun]:
    wanted, cursor, found = dg.RunsFilter(statuses=_ENDED, created_before=before), None, 0
    while records := instance.get_run_records(wanted, limit=_AT_ONCE, cursor=cursor, ascending=True):
        for record in records:
            if found < rule.most and not _words(record.dagster_run).intersection(rule.spare):
                found += 1
                yield record.dagster_run
        if found >= rule.most:
            return
        cursor = records[-1].dagster_run.run_id


def _words(run: dg.DagsterRun) -> set[str]:
    """The job, and the assets that were asked for, without their bot."""
    return {run.job_name, *(key.path[-1] for key in run.asset_selection or ())}
