from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from dagster._utils.tags import TagConcurrencyLimitsCounter

from mm_ops.adapters.environment import Environment
from mm_ops.defs import limits
from mm_ops.defs.fleet import Location, build_location
from mm_ops.defs.jobs import FIRE_DRILL, NIGHTLY, PRE_LIVE, ROTATION
from mm_ops.defs.keys import ARTIFACT_ROTATION, BotKeys
from mm_ops.defs.resources import Site
from mm_ops.defs.rollback.backstop import JOB
from mm_ops_tests.requirements import PROJECT

KEYS = BotKeys("paper")
FILES = PROJECT / "deploy/dagster"


@pytest.fixture(scope="module")
def location() -> Location:
    return build_location(Site.of(Environment.read({"CI_FAKE_UTC": "2026-11-21T00:30:00Z"})))


def read(name: str) -> Any:
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


def pools_of(location: Location) -> dict[str, set[str]]:
    graph = location.definitions.resolve_asset_graph()
    return {key.to_user_string(): set(graph.get(key).pools or ()) for key in graph.executable_asset_keys}


def test_a_bots_days_its_reports_and_its_profile_each_have_one_place(location: Location) -> None:
    pools = pools_of(location)
    nights = {key.to_user_string(): {"paper_nights"} for key in KEYS.all}
    assert nights.items() <= pools.items()
    assert pools[KEYS.rollback_report.to_user_string()] == {"paper_rollbacks"}
    assert pools[KEYS.edge_profile.to_user_string()] == {"paper_profile"}
    assert pools[KEYS.fire_drill.to_user_string()] == {"drills"}
    assert pools[ARTIFACT_ROTATION.to_user_string()] == {"rotation"}
    graph = location.graphs["paper"]
    assert {definition.op.pool for definition in graph.checks} == {"paper_nights"}  # beside a night they confuse it


@pytest.mark.parametrize("name", ["dagster.yaml", "production/dagster.yaml"])
def test_every_pool_has_one_place_for_a_whole_run(name: str) -> None:
    assert read(name)["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}


@dataclass
class Run:
    """What Dagster's queue reads of a run."""

    tags: Mapping[str, str]


def tags_of_a_day(location: Location, job: str) -> Mapping[str, str]:
    """As Dagster sets them, for a run that anybody begins."""
    days = location.definitions.resolve_job_def(job).partitions_def
    assert days is not None
    return days.get_tags_for_partition_key("2026-11-20")


def test_runs_of_days_leave_places_free_for_stops_whoever_began_them(location: Location) -> None:
    runs = read("production/dagster.yaml")["concurrency"]["runs"]
    at_work = [Run(tags_of_a_day(location, NIGHTLY)) for _ in range(runs["max_concurrent_runs"] - 1)]
    queue = TagConcurrencyLimitsCounter(runs["tag_concurrency_limits"], at_work)  # type: ignore[arg-type]
    assert queue.is_blocked(Run(tags_of_a_day(location, PRE_LIVE)))  # type: ignore[arg-type]
    assert not queue.is_blocked(Run({limits.STOP_TAG: "paper"}))  # type: ignore[arg-type]
    assert location.definitions.resolve_job_def(JOB).partitions_def is None


def test_every_tag_that_production_limits_is_one_that_runs_have(location: Location) -> None:
    named = {limit["key"] for limit in read("production/dagster.yaml")["concurrency"]["runs"]["tag_concurrency_limits"]}
    assert named == {limits.PARTITION_TAG, limits.STOP_TAG}  # the second: see the test of the backstop's sensor
    assert limits.PARTITION_TAG in tags_of_a_day(location, NIGHTLY)


def test_a_stop_goes_first_and_a_drill_is_not_begun_again(location: Location) -> None:
    tags = {name: location.definitions.resolve_job_def(name).run_tags for name in (JOB, FIRE_DRILL, ROTATION)}
    assert int(tags[JOB]["dagster/priority"]) > 0
    assert tags[FIRE_DRILL]["dagster/max_retries"] == "0"
    assert "dagster/priority" not in tags[ROTATION]


def test_what_celery_changes_is_the_launcher_and_how_it_is_watched() -> None:
    changed, kept = read("celery/run_launcher.yaml"), read("production/dagster.yaml")
    assert set(changed) == {"run_launcher", "run_monitoring"}
    assert set(changed["run_monitoring"]) == set(kept["run_monitoring"])
    worker = read("celery/worker.yaml")["execution"]["config"]  # one level up it is not read, and nothing says so
    assert {worker["broker"]["env"], changed["run_launcher"]["config"]["broker"]["env"]} == {"MM_OPS_BROKER"}
    assert "task_acks_late" not in worker["config_source"]
