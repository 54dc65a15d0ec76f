"""Two bots and 14 days spread by run over two of Celery's workers, one of them killed: the bytes of one process."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest

from mm_ops.defs.automation import days_as_of
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.runs import run_assets
from mm_ops.domain.windows import DAY
from mm_ops.paperbot.recording import record
from mm_ops_tests.celery_stack import celery_stack, launch_backfill, start_worker
from mm_ops_tests.conftest import LAST
from mm_ops_tests.dagster_stack import DagsterStack
from mm_ops_tests.site import Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

BOTS = ("mm1", "mm2")
DAYS = [LAST - DAY * back for back in reversed(range(14))]
RESUMED = "Launching a new run worker to resume run"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fortnight")
    record(folder, profile="healthy", end=LAST, days=len(DAYS), seed=7, progress=lambda _: None)
    return folder


@pytest.fixture
def stack(recording: Path, tmp_path: Path) -> Iterator[DagsterStack]:
    pytest.importorskip("dagster_celery", reason="the extra scale is not installed")
    with celery_stack(Deployment(tmp_path / "many", dict.fromkeys(BOTS, recording)), workers=2) as started:
        yield started


def stored(deployment: Deployment) -> dict[str, bytes]:
    """What is stored of the bots; the daemon's sensors store what is of none, and a kill leaves an unfinished name."""
    root = deployment.root / "var/artifacts"
    files = [path for bot in BOTS for path in (root / bot).rglob("*") if path.is_file() and path.name[0] != "."]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def in_one_process(deployment: Deployment) -> dict[str, bytes]:
    location = deployment.location()
    with deployment.instance() as instance, days_as_of(location.site.now()):
        for bot in BOTS:
            for day in DAYS:
                outcome = run_assets(
                    location.definitions, instance, bot, day, [BotKeys(bot).sli_samples, *BotKeys(bot).day_evidence]
                )
                assert not outcome.refusals
    return stored(deployment)


def runs_of(instance: dg.DagsterInstance, bot: str) -> list[dg.DagsterRun]:
    found = [run for run in instance.get_runs() if BotKeys(bot).sli_samples in (run.asset_selection or ())]
    return sorted(found, key=lambda run: run.tags["dagster/partition"])


def busy(instance: dg.DagsterInstance) -> bool:
    """Whether runs of both have ended, and both workers have one again."""
    running = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    done = instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    return done >= len(BOTS) and len(running) == len(BOTS)


def is_resumed(instance: dg.DagsterInstance) -> bool:
    """Whether the monitor has put in again what the dead worker had."""
    return any(
        record.event_log_entry.message == RESUMED
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        for record in instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    )


def test_a_fortnight_of_two_bots_on_two_workers_is_that_of_one_process(
    stack: DagsterStack, recording: Path, tmp_path: Path
) -> None:
    for bot in BOTS:
        launch_backfill(stack, DAYS, [BotKeys(bot).sli_samples, *BotKeys(bot).day_evidence])
    stack.start("daemon")
    with stack.instance() as instance:
        stack.until(lambda: busy(instance))
        stack.kill("w1")
        stack.until(lambda: is_resumed(instance))
        start_worker(stack, 1)  # as whatever keeps processes running does
        ended = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE])
        stack.until(lambda: instance.get_runs_count(ended) >= len(BOTS) * len(DAYS), within=240)
        for bot in BOTS:
            runs = runs_of(instance, bot)
            assert [date.fromisoformat(run.tags["dagster/partition"]) for run in runs] == DAYS  # none lost, none twice
            assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
            records = [instance.get_run_record_by_id(run.run_id) for run in runs]
            for one, other in pairwise(records):
                assert one is not None
                assert other is not None
                assert (one.end_time or 0) <= (other.start_time or 0)  # in their order
    many = stored(stack.deployment)
    assert len(many) > len(BOTS) * len(DAYS)
    assert many == in_one_process(Deployment(tmp_path / "one", dict.fromkeys(BOTS, recording)))
