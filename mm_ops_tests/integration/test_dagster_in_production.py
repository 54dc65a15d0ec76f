"""PostgreSQL, code server, daemon and webserver by ``deploy/dagster/production``; what dies loses nothing."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from mm_ops.adapters.environment import WallClock
from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_place import DEFAULT, anchor_beside
from mm_ops.defs.jobs import NIGHTLY
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import PARTITION_TAG
from mm_ops.domain.rollback.response import Responder
from mm_ops_tests.conftest import LAST
from mm_ops_tests.dagster_stack import DagsterStack, dagster_stack
from mm_ops_tests.rollback_world import QUICK, MemoryBot, Pages, alert
from mm_ops_tests.site import Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

KEYS = BotKeys("paper")
DAY = LAST.isoformat()
DAY_BEFORE = timedelta(days=1)


@pytest.fixture(scope="module")
def stack(healthy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterStack]:
    """All of it up, and the week before on record by ``mm-ops nightly`` on the same instance."""
    pytest.importorskip("dagster_postgres", reason="the extra production is not installed")
    deployment = Deployment(tmp_path_factory.mktemp("production"), {"paper": healthy})
    with dagster_stack(deployment, run_monitoring={"poll_interval_seconds": 2}) as started:
        night = started.run("mm-ops", "nightly", "--date", DAY)
        assert night.returncode == 0, night.stdout + night.stderr
        started.start("code server")
        started.start("webserver", "daemon")
        yield started


def reports(stack: DagsterStack) -> dict[str, bytes]:
    """What is stored of the day, by name."""
    root = stack.deployment.root / "var/artifacts/paper" / DAY
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def launch(stack: DagsterStack) -> str:
    return stack.launch(NIGHTLY, KEYS.all, **{PARTITION_TAG: DAY})


def started(stack: DagsterStack, instance: dg.DagsterInstance, run_id: str) -> None:
    """Wait until a step of a run has ended well: a kill between what it made and its end would repeat it."""
    stack.until(lambda: instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_SUCCESS).records)


def ended(stack: DagsterStack, instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = stack.until(lambda: (run := instance.get_run_by_id(run_id)) and run.is_finished and run)
    status: dg.DagsterRunStatus = run.status
    return status


def succeeded(stack: DagsterStack, instance: dg.DagsterInstance, run_id: str) -> None:
    """Wait until a run has ended, and say why it did not end well."""
    status = ended(stack, instance, run_id)
    failed = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    assert status is dg.DagsterRunStatus.SUCCESS, [
        (one.event_log_entry.step_key, str(event.event_specific_data)[:600])
        for one in failed
        if (event := one.event_log_entry.dagster_event) is not None
    ]


def steps(instance: dg.DagsterInstance, *run_ids: str) -> Counter[str]:
    """How often each step ended well, over some runs."""
    return Counter(
        str(record.event_log_entry.step_key)
        for run_id in run_ids
        for record in instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_SUCCESS).records
    )


def test_a_killed_daemon_loses_no_run_and_does_none_twice(stack: DagsterStack) -> None:
    before = reports(stack)
    with stack.instance() as instance:
        first = launch(stack)
        started(stack, instance, first)
        stack.kill("daemon")
        assert not found(instance, first).dagster_run.is_finished
        second = stack.launch(NIGHTLY, [KEYS.sli_samples], **{PARTITION_TAG: (LAST - DAY_BEFORE).isoformat()})
        stack.start("daemon")
        for run, asked in ((first, KEYS.all), (second, [KEYS.sli_samples])):
            succeeded(stack, instance, run)
            assert set(steps(instance, run).values()) == {1}
            made = instance.get_records_for_run(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
            assert sorted(record.asset_key for record in made if record.asset_key) == sorted(asked)
        one, other = found(instance, first), found(instance, second)
        assert one.end_time is not None
        assert other.start_time is not None
        assert one.end_time <= other.start_time  # a pool of one place: no two runs of one bot at once
        assert instance.get_runs_count(dg.RunsFilter(job_name=NIGHTLY, statuses=[dg.DagsterRunStatus.QUEUED])) == 0
    assert reports(stack) == before


def test_a_killed_run_is_marked_failed_and_goes_on_where_it_was(stack: DagsterStack) -> None:
    before = reports(stack)
    with stack.instance() as instance:
        run = launch(stack)
        started(stack, instance, run)
        os.kill(worker_of(instance, run), signal.SIGKILL)
        assert ended(stack, instance, run) is dg.DagsterRunStatus.FAILURE
        again = stack.until(lambda: instance.get_runs(dg.RunsFilter(tags={"dagster/parent_run_id": run})))[0].run_id
        succeeded(stack, instance, again)
        done = steps(instance, run, again)
        whole = launch(stack)
        succeeded(stack, instance, whole)
        assert done == steps(instance, whole)  # every step, and each once
        assert 0 < len(steps(instance, run)) < len(done)
    assert reports(stack) == before


def test_a_tick_of_a_sensor_launches_one_run_for_a_stop(stack: DagsterStack) -> None:
    place = str(stack.deployment.root / DEFAULT)
    at = datetime.now(UTC)
    with Journal(place, anchor_beside(place), owner="w", lease=timedelta(minutes=1)) as journal:
        answers = Responder(journal, {"paper": MemoryBot()}, QUICK, WallClock(), Pages())
        answers.respond(alert(starts_at=at - timedelta(seconds=90)), at)
    with stack.instance() as instance:
        asked = dg.RunsFilter(tags={"dagster/sensor_name": "rollback_sensor"})
        run = stack.until(lambda: instance.get_runs(asked))[0]
        ended(stack, instance, run.run_id)
        assert instance.get_runs_count(asked) == 1
        assert steps(instance, run.run_id)[KEYS.rollback_report.to_python_identifier()] == 1


def found(instance: dg.DagsterInstance, run_id: str) -> dg.RunRecord:
    record = instance.get_run_record_by_id(run_id)
    assert record is not None
    return record


def worker_of(instance: dg.DagsterInstance, run_id: str) -> int:
    """The process of a run, as it says itself."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    said = [str(event.message) for record in records if (event := record.event_log_entry.dagster_event) is not None]
    return int(next(one.rsplit("pid: ", 1)[1].rstrip(")") for one in said if "Executing steps in process" in one))
