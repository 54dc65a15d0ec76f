"""``artifact_rotation`` as Dagster runs it: by its job, at three in the morning, and not in a night."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mm_ops.adapters.journal import Journal
from mm_ops.adapters.rotation import Rotation
from mm_ops.defs.keys import ARTIFACT_ROTATION
from mm_ops_tests.rotation_files import write
from mm_ops_tests.site import Deployment

OLD = date(2024, 5, 14)
SAMPLES = f"paper/samples/date={OLD}"


@pytest.fixture
def site(tmp_path: Path) -> Deployment:
    """A deployment with yesterday's report and samples, and samples of a day that no rule keeps."""
    made = Deployment(tmp_path / "site", {"paper": tmp_path / "recording"})
    root = made.root / "var/artifacts"
    write(root, "paper/2026-11-20/reports/edge_report.json", "{}", date(2026, 11, 20))
    write(root, "paper/samples/date=2026-11-20/part-00.parquet", "{}", date(2026, 11, 20))
    write(root, f"{SAMPLES}/part-00.parquet", "{}", OLD)
    return made


def rotate(site: Deployment) -> dg.ExecuteInProcessResult:
    definitions = site.location().definitions
    with site.instance() as instance:
        return definitions.resolve_job_def("rotation").execute_in_process(instance=instance, raise_on_error=False)


def test_the_job_rotates_and_tells_what_and_how_much(site: Deployment):
    result = rotate(site)
    assert result.success
    (event,) = result.asset_materializations_for_node("artifact_rotation")
    told: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
    assert (told["units"], told["rotated_units"], told["rotated_bytes"], told["size_bytes"]) == (3, 1, 2, 4)
    (record,) = told["rotated"].records
    assert record.data == {
        "unit": SAMPLES,
        "of": str(OLD),
        "bytes": 2,
        "files": 1,
        "reason": "older than 2400h",
    }
    assert not (site.root / "var/artifacts" / SAMPLES).exists()
    assert Rotation(site.root / "var/artifacts").rotations() == [told["quarantine"]]
    back = site.run("rotate", "--undo", told["quarantine"])
    assert (back.returncode, "it goes again at the next rotation" in back.stdout) == (0, True)
    assert (site.root / "var/artifacts" / SAMPLES / "part-00.parquet").exists()


def test_what_is_old_in_the_journal_is_archived_with_it(site: Deployment):
    file, old = site.root / "var/watcher/journal.sqlite", datetime.now(UTC) - timedelta(days=200)
    with Journal(str(file), Path(f"{file}.anchor"), owner="watcher", lease=timedelta(seconds=30)) as journal:
        for _ in range(3):
            journal.note_event("heartbeat", "backup", {"signal": "success"}, old)
    result = rotate(site)
    assert result.success
    (event,) = result.asset_materializations_for_node("artifact_rotation")
    assert event.metadata["journal_records_archived"].value == 3
    assert site.run("audit", "verify").returncode == 0


def test_what_was_moved_is_told_where_the_journal_cannot_be_archived(site: Deployment):
    file = site.root / "var/watcher/journal.sqlite"
    file.parent.mkdir(parents=True)
    file.write_text("no journal")
    (failure,) = rotate(site).get_step_failure_events()
    data: Any = failure.step_failure_data
    assert data.user_failure_data.metadata["rotated_units"].value == 1
    assert data.user_failure_data.description.startswith("journal: damaged")


def test_a_clock_that_is_wrong_fails_the_step_with_the_reason(site: Deployment):
    write(site.root / "var/artifacts", "paper/2027-05-14/reports/edge_report.json", "{}", OLD)
    result = rotate(site)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "paper/2027-05-14: of 2027-05-14T00:00:00Z, and it is 2026-11-21T00:30:00Z" in str(failure.step_failure_data)
    assert (site.root / "var/artifacts" / SAMPLES).exists()


def test_it_runs_daily_at_three_and_no_night_runs_it(site: Deployment):
    definitions = site.location().definitions
    schedule = definitions.resolve_schedule_def("rotation_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 3 * * *", "UTC")
    keys = definitions.resolve_job_def("nightly").asset_layer.executable_asset_keys
    assert ARTIFACT_ROTATION not in keys
    assert keys


COMMANDS = {
    "the plan": (["--dry-run"], 0, "| rotate_artifacts | OK | ROTATION=DRYRUN |"),
    "the deed": ([], 0, "| rotate_artifacts | OK | ROTATION=REAL |"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_ends_with_the_marker(site: Deployment, name: str):
    options, code, last = COMMANDS[name]
    done = site.run("rotate", *options)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, last), done.stderr
    assert "1 of 3 units go, 2 B of 6 B; 2 are needed or were just written" in done.stdout
    assert (site.root / "var/artifacts" / SAMPLES).exists() is bool(options)


def test_any_folder_can_be_rotated_by_options(site: Deployment):
    folder = site.root / "logs"
    for number in range(3):
        write(folder, f"run{number}/log", "x" * 1024, date(2026, 11, 10 + number))
    run = ["rotate", "--base-dir", "logs", "--keep", "2"]
    assert "kept" not in site.run(*run, "--dry-run").stdout
    assert site.run(*run).returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == [".rotation", "run1", "run2"]
    assert site.run("rotate", "--base-dir", "logs", "--days", "10").returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == [".rotation", "run2"]
    small = site.run("rotate", "--base-dir", "logs", "--max-size", "1K")
    assert "0 of 1 units go, 0 B of 1 KiB" in small.stdout


WRONG = {
    "options without a folder": (["--days", "3"], "--days, --keep, --max-size: expected --base-dir"),
    "a folder without an option": (["--base-dir", "deploy"], "--base-dir: expected --days, --keep or --max-size"),
    "a size of no unit": (["--base-dir", "deploy", "--max-size", "5"], "expected a size such as 500M or 2G, was '5'"),
    "the stored evidence": (["--base-dir", "var/artifacts", "--days", "7"], "var/artifacts: holds stored evidence"),
    "a bot's": (["--base-dir", "var/artifacts/paper", "--days", "7"], "var/artifacts/paper: holds stored evidence"),
    "what it lies in": (
        ["--base-dir", "var", "--days", "7"],
        "retention.yaml alone rotates: run it without --base-dir",
    ),
    "a rotation that there is not": (["--undo", "x"], "no rotation x in quarantine; there are: none"),
    "a folder that there is not": (["--base-dir", "no", "--days", "3"], "no: expected a folder, there is none"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_one_line(site: Deployment, name: str):
    options, words = WRONG[name]
    done = site.run("rotate", *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (site.root / "var/artifacts" / SAMPLES).exists()
