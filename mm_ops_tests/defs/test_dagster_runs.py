"""Dagster's own runs in a real SQLite instance: what is deleted, and what can still be asked of the rest."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.utils import make_new_run_id

from mm_ops.defs.automation import daily
from mm_ops.defs.records import latest_materialisation
from mm_ops.defs.retention.dagster_runs import delete, plan
from mm_ops.domain.retention.policy import RunsRule
from mm_ops_tests.builders import WORDS
from mm_ops_tests.rotation_files import write
from mm_ops_tests.site import Deployment

RULE = RunsRule(keep=timedelta(days=90), most=500, spare=("spared",), delete=True, source=WORDS)
STORED, GONE = date(2026, 7, 1), date(2026, 7, 2)
DAILY, STEADY = dg.AssetKey(["paper", "edge_report"]), dg.AssetKey("steady")


@dg.asset(key=DAILY, partitions_def=daily(date(2026, 1, 1)))
def of_a_day() -> None: ...


@dg.asset(key=STEADY)
def steady() -> None: ...


@dg.asset_check(asset=STEADY, name="fine")
def fine() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


class World:
    """An instance with runs that are as old as is said."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.root, self.instance = root, instance

    def run(self, what: Any, *, age: int, **different: Any) -> str:
        done = dg.materialize([what], instance=self.instance, **different)
        self.age(done.run_id, age)
        return done.run_id

    def age(self, run_id: str, days: int) -> None:
        then = datetime.now(UTC) - timedelta(days=days)
        with sqlite3.connect(self.root / "history/runs.db") as database:
            database.execute(
                "update runs set create_timestamp = ? where run_id = ?", (f"{then:%Y-%m-%d %H:%M:%S.%f}", run_id)
            )

    def plan(self, days: set[date]) -> dict[str, str]:
        """What each run that may go is, and of each other why it stays."""
        checks = [dg.AssetCheckKey(STEADY, "fine")]
        entries = plan(self.instance, checks, days, RULE, datetime.now(UTC))
        self.freed = delete(self.instance, entries)
        return {entry.run.run_id: entry.reason for entry in entries if entry.keep}

    def shards(self) -> set[str]:
        return {path.stem for path in (self.root / "history/runs").glob("*.db")} - {"index"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield World(tmp_path, instance)


def test_what_is_needed_can_still_be_asked_and_the_rest_is_gone_to_its_file(world: World):
    first = world.run(of_a_day, age=100, partition_key=str(STORED))
    stored = world.run(of_a_day, age=100, partition_key=str(STORED))
    gone = world.run(of_a_day, age=100, partition_key=str(GONE))
    pinned = world.run(of_a_day, age=100, partition_key=str(GONE), tags={"mm_ops/keep": "the review of July"})
    superseded = world.run(steady, age=100)
    newest = world.run(steady, age=95)
    running = make_new_run_id()
    world.instance.add_run(dg.DagsterRun(job_name="x", run_id=running, status=dg.DagsterRunStatus.STARTED))
    world.age(running, 100)
    recent = world.run(of_a_day, age=1, partition_key="2026-11-20")
    logs = world.root / "storage" / gone / "compute_logs"
    logs.mkdir(parents=True, exist_ok=True)

    kept = world.plan({STORED})
    assert kept == {
        first: "of 2026-07-01, whose evidence is stored",
        stored: "made the newest of an asset or a check",
        pinned: "has the tag mm_ops/keep",
        newest: "made the newest of an asset or a check",
        running: "has not ended",
        recent: "not older than 2160h",
    }
    left = {run.run_id for run in world.instance.get_runs()}
    assert left == set(kept)
    assert not world.shards() & {gone, superseded}
    assert {stored, newest} <= world.shards()
    assert set(world.freed) == {gone, superseded}
    assert all(size > 10_000 for size in world.freed.values())
    assert not logs.exists()
    assert latest_materialisation(world.instance, DAILY, STORED) is not None
    assert latest_materialisation(world.instance, STEADY, None) is not None
    assert set(world.plan({STORED})) == set(kept)
    assert world.freed == {}


def test_the_run_of_the_newest_check_stays(world: World):
    world.run(steady, age=120)
    job = dg.Definitions(assets=[steady], asset_checks=[fine]).resolve_implicit_global_asset_job_def()
    only = job.get_subset(asset_check_selection={dg.AssetCheckKey(STEADY, "fine")})
    checked = only.execute_in_process(instance=world.instance).run_id
    world.age(checked, 110)
    again = (
        job.get_subset(asset_selection={STEADY}, asset_check_selection=set())
        .execute_in_process(instance=world.instance)
        .run_id
    )
    world.age(again, 100)
    assert world.plan(set())[checked] == "made the newest of an asset or a check"


def test_one_that_was_killed_midway_is_deleted_the_next_time(world: World):
    half = world.run(steady, age=100)
    world.run(steady, age=95)
    world.instance.event_log_storage.delete_events(half)
    assert half not in world.plan(set())
    assert world.instance.get_run_by_id(half) is None
    assert half not in world.shards()


@pytest.fixture
def site(tmp_path: Path) -> Deployment:
    made = Deployment(tmp_path / "site", {"paper": tmp_path / "recording"})
    write(made.root / "var/artifacts", "paper/2026-11-20/reports/edge_report.json", "{}", date(2026, 11, 20))
    return made


def say(site: Deployment, **different: object) -> None:
    policy = yaml.safe_load(site.policy("retention.yaml").read_text())
    policy["runs"] |= different
    site.policy("retention.yaml").write_text(yaml.safe_dump(policy))


def rotate(site: Deployment) -> tuple[dg.ExecuteInProcessResult, str]:
    """Run the job after an old run that nothing asks for."""
    definitions = site.location().definitions
    with site.instance() as instance:
        world = World(site.root / "dagster", instance)
        old = world.run(steady, age=401)
        world.run(steady, age=1)
        result = definitions.resolve_job_def("rotation").execute_in_process(instance=instance, raise_on_error=False)
        return result, old if instance.get_run_by_id(old) is not None else ""


def told(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node("dagster_runs")
    return {name: value.value for name, value in event.metadata.items()}


def test_it_is_a_dry_run_where_the_policy_says_so(site: Deployment):
    say(site, delete=False)
    result, old = rotate(site)
    assert result.success
    assert old
    metadata = told(result)
    assert (metadata["runs"], metadata["due_runs"], metadata["deleted_runs"]) == (3, 1, 0)
    assert metadata["mode"] == "dry run: runs.delete of retention.yaml is false"
    assert [record.data["run"] for record in metadata["would_be_deleted"].records] == [old]


def test_it_deletes_and_tells_what(site: Deployment):
    result, old = rotate(site)
    assert result.success
    assert not old
    metadata = told(result)
    assert (metadata["runs"], metadata["due_runs"], metadata["deleted_runs"], metadata["mode"]) == (2, 1, 1, "real")
    (record,) = metadata["deleted"].records
    assert record.data["bytes"] == metadata["freed_bytes"] > 10_000
    assert metadata["kept_because"] == {"has not ended": 1, "not older than 9600h": 1}


def test_where_nothing_recent_is_stored_no_run_is_deleted(site: Deployment):
    (site.root / "var/artifacts/paper/2026-11-20").rename(site.root / "var/artifacts/paper/2026-11-01")
    definitions = site.location().definitions
    with site.instance() as instance:
        job = definitions.resolve_job_def("rotation").get_subset(asset_selection={dg.AssetKey("dagster_runs")})
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    (event,) = result.get_step_failure_events()
    data: Any = event.step_failure_data
    assert "expected evidence of the last 72h, the newest is of 2026-11-01" in data.user_failure_data.description
