"""Dagster's own runs: what ended long ago goes with its events, and what must stay stays."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from mm_ops.defs.retention.runs import forget_runs
from mm_ops.domain.retention.policy import RunsRule

YEAR = timedelta(days=400)
RULE = RunsRule(keep=YEAR, most=3, spare=("promotion",), source="made up for a test")


@dg.asset(key=["paper", "day"])
def day() -> None: ...


@dg.asset(key=["paper", "promotion"])
def promotion() -> None: ...


DEFS = dg.Definitions(assets=[day, promotion], jobs=[dg.define_asset_job("every", dg.AssetSelection.all())])
JOB = DEFS.resolve_job_def("every")


def run(instance: dg.DagsterInstance, asset: str) -> str:
    return JOB.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(["paper", asset])]).run_id


def kept(instance: dg.DagsterInstance) -> set[str]:
    return {record.dagster_run.run_id for record in instance.get_run_records()}


def test_runs_go_oldest_first_and_a_few_at_once_and_what_is_spared_stays():
    with dg.DagsterInstance.ephemeral() as instance:
        first = [run(instance, "day") for _ in range(2)]
        spared = run(instance, "promotion")
        later = [run(instance, "day") for _ in range(2)]
        now = datetime.now(UTC) + YEAR + timedelta(minutes=1)
        assert forget_runs(instance, RULE, now - timedelta(hours=1)) == 0, "not old enough"
        assert forget_runs(instance, RULE, now) == 3
        assert kept(instance) == {spared, later[1]}
        assert not instance.all_logs(first[0])
        assert forget_runs(instance, RULE, now) == 1
        assert forget_runs(instance, RULE, now) == 0
        assert kept(instance) == {spared}


def test_a_run_that_has_not_ended_stays():
    with dg.DagsterInstance.ephemeral() as instance:
        begun = instance.create_run_for_job(JOB, status=dg.DagsterRunStatus.STARTED).run_id
        assert forget_runs(instance, RULE, datetime.now(UTC) + 2 * YEAR) == 0
        assert kept(instance) == {begun}
