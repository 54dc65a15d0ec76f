"""A rotation on real folders: what moves, what stays, what comes back, and what a kill at any point leaves."""

import fcntl
import json
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.rotation import Rotation
from mm_ops.adapters.rotation_run import rotate
from mm_ops.adapters.rotation_scan import local_root, scan
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, PolicyError, SchemaError, SourceUnavailableError
from mm_ops_tests.retention_world import policy, rule
from mm_ops_tests.rotation_files import LAST, NOW, POLICY, evidence, quarantined, run, tree, visible, write

# Of 8 days the reports of the last three stay, and the samples of 96 h: those of the 21st began 99 h ago
STAY = {"2026-11-22", "2026-11-23", "2026-11-24"}
GO_DAY = "2026-11-18"


def days_of(files: dict[str, str], part: str) -> set[str]:
    return {name.split(part)[1][:10] for name in files if name.startswith(part)}


def test_what_no_rule_keeps_is_moved_whole_and_everything_else_is_left(tmp_path: Path):
    before = tree(evidence(tmp_path))
    write(tmp_path, "paper/golden/drift.json", "{}", date(2020, 1, 1))
    done = run(tmp_path)
    assert days_of(visible(tmp_path), "paper/2026-11-2") == {"2/reports/", "3/reports/", "4/reports/"}
    assert days_of(visible(tmp_path), "paper/samples/date=") == days_of(visible(tmp_path), "paper/days/date=")
    assert days_of(visible(tmp_path), "paper/samples/date=") == STAY
    assert {**visible(tmp_path), **quarantined(tmp_path)} == {**before, "paper/golden/drift.json": "{}"}
    assert not done.left
    assert done.moved is not None
    assert {entry.reason for entry in done.moved.moved} == {"kept by no keep_… of its rule", "older than 96h"}
    assert run(tmp_path).moved is None, "planning twice gives up nothing more"


def test_a_dry_run_touches_nothing(tmp_path: Path):
    before = tree(evidence(tmp_path))
    assert len(run(tmp_path, dry=True).plan.rotated) == 10
    assert tree(tmp_path) == before
    assert not (tmp_path / ".rotation").exists()


def test_what_the_last_go_rests_on_stays_to_the_last_sample(tmp_path: Path):
    evidence(tmp_path)
    soak = f"paper/{GO_DAY}/reports/soak_metrics.json"
    go = {"verdict": "GO", "inputs": {soak: "sha256:1"}}
    write(tmp_path, "paper/2026-11-19/reports/readiness.json", json.dumps(go), date(2026, 11, 19))
    entry = {"inputs": {"paper/days/date=2026-11-17/day.json": "sha256:2"}}
    write(tmp_path, soak, json.dumps(entry), date(2026, 11, 18))
    run(tmp_path)
    left = visible(tmp_path)
    assert {"paper/2026-11-19/reports/readiness.json", soak, "paper/samples/date=2026-11-17/s"} <= set(left)
    assert "paper/2026-11-20/reports/edge_report.json" not in left
    assert "paper/samples/date=2026-11-18/s" not in left


def bundle(root: Path, day: str, version: str) -> None:
    write(root, f"paper/{day}/release/paper-v{version}.zip", version, date.fromisoformat(day))


def test_the_newest_bundle_and_that_of_the_version_before_it_stay(tmp_path: Path):
    evidence(tmp_path)
    for day, version in (("17", "1.0.0"), ("18", "1.0.0"), ("19", "1.1.0"), ("20", "1.2.0"), ("21", "1.2.0")):
        bundle(tmp_path, f"2026-11-{day}", version)
    run(tmp_path)
    zips = [name for name in visible(tmp_path) if name.endswith(".zip")]
    assert zips == ["paper/2026-11-19/release/paper-v1.1.0.zip", "paper/2026-11-21/release/paper-v1.2.0.zip"]


def promoted(version: str, day: str) -> dict[str, str]:
    kept = f"paper/promoted/v{version}-abc/paper-v{version}.zip"
    since = "2026-11-20T00:00:00+00:00"
    return {"version": version, "day": day, "digest": "sha256:1", "bundle": kept, "since": since}


PROMOTED = policy(
    rule(keep_last=3), rule(kind="promoted", folders=["{bot}/promoted/*"], ttl=timedelta(days=4)), window_days=1
)


def test_what_is_in_staging_live_or_known_to_be_good_stays_with_the_evidence_of_its_day(tmp_path: Path):
    evidence(tmp_path)
    days = {"1.3.0": "2026-11-20", "1.2.0": "2026-11-19", "1.1.0": "2026-11-18", "1.0.0": "2026-11-17"}
    soak = "paper/2026-11-21/reports/soak_metrics.json"
    for version, day in days.items():
        write(tmp_path, promoted(version, day)["bundle"], version, date(2026, 11, 1))
        about = {"verdict": "HOLD", "inputs": {soak: "sha256:1"} if version == "1.1.0" else {}}
        write(tmp_path, f"paper/{day}/reports/readiness.json", json.dumps(about), date.fromisoformat(day))
    where = {"staging": "1.3.0", "live": "1.2.0", "known_good": "1.1.0"}
    standing = {name: promoted(version, days[version]) for name, version in where.items()}
    place = write(tmp_path, "paper/promoted/promotions.json", json.dumps(standing))
    write(tmp_path, soak, "{}", date(2026, 11, 21))
    run(tmp_path, asked=PROMOTED)
    left = visible(tmp_path)
    assert [name for name in left if name.endswith(".zip")] == [
        promoted(version, "")["bundle"] for version in ("1.1.0", "1.2.0", "1.3.0")
    ]
    assert days_of(left, "paper/2026-11-1") == {"8/reports/", "9/reports/"}
    assert soak in left, "what the evidence of the known-good one rests on"
    place.write_text("{")
    with pytest.raises(SchemaError, match=r"promotions\.json"):
        run(tmp_path, asked=PROMOTED)


ROLLBACKS = {
    "not resumed, and old": ("20200101T000000Z", [], True),
    "only as far as reducing, and old": ("20200101T000000Z", [{"to": "REDUCING", "confirmed": True}], True),
    "resumed without a confirmation, and old": ("20200101T000000Z", [{"to": "ACTIVE", "confirmed": False}], True),
    "resumed, and recent": ("20261001T000000Z", [{"to": "ACTIVE", "confirmed": True}], True),
    "resumed, and old": ("20260801T000000Z", [{"to": "ACTIVE", "confirmed": True}], False),
}


@pytest.mark.parametrize("name", ROLLBACKS)
def test_an_episode_stays_while_it_is_recent_or_not_resumed(tmp_path: Path, name: str):
    start, resumed, stays = ROLLBACKS[name]
    evidence(tmp_path, 1)
    report = write(tmp_path, f"paper/rollbacks/{start}-x/rollback_report.json", json.dumps({"resumed": resumed}))
    asked = policy(rule(kind="rollback", folders=["{bot}/rollbacks/{start}-*"], ttl="1d"), rule(keep_last=9))
    run(tmp_path, NOW + timedelta(days=1), asked)
    assert report.exists() is stays


def stopped(root: Path, start: str, at: str) -> Path:
    """A report of a stop that nobody had resumed from when it was written."""
    text = json.dumps({"resumed": [], "stopped_at": at})
    return write(root, f"paper/rollbacks/{start}-x/rollback_report.json", text)


def test_only_the_last_stop_of_a_bot_is_not_resumed_and_the_samples_of_its_day_stay(tmp_path: Path):
    evidence(tmp_path, 1)
    again = stopped(tmp_path, "20260801T000000Z", "2026-08-03T00:00:09.5+00:00")  # the same alert, once more
    between = stopped(tmp_path, "20260802T000000Z", "2026-08-02T00:00:09+00:00")
    samples = [write(tmp_path, f"paper/samples/date=2026-08-0{day}/s", "x", date(2026, 8, day)) for day in (1, 2, 3)]
    rules = (rule(kind="rollback", folders=["{bot}/rollbacks/{start}-*"], ttl="1d"), POLICY.rules[1], rule(keep_last=9))
    run(tmp_path, NOW + timedelta(days=1), policy(*rules))
    assert [path.exists() for path in (again, between)] == [True, False]
    assert [path.exists() for path in samples] == [True, False, True]


def test_the_known_good_soak_stays(tmp_path: Path):
    evidence(tmp_path)
    good = write(tmp_path, "paper/2026-11-18/reports/soak_metrics.json", "{}", date(2026, 11, 18))
    rotate(tmp_path.resolve(), POLICY, NOW, known_good={"paper": good}, dry=False)
    assert good.exists()


def test_a_rotation_can_be_brought_back(tmp_path: Path):
    before = tree(evidence(tmp_path))
    done = run(tmp_path)
    assert done.moved is not None
    assert not Rotation(tmp_path).undo(done.moved.name).left
    assert visible(tmp_path) == before
    assert Rotation(tmp_path).rotations() == []
    with pytest.raises(MissingEvidenceError, match=r"no rotation 20261125T030000Z in quarantine; there are: none"):
        Rotation(tmp_path).undo(done.moved.name)


def test_bringing_back_replaces_nothing_that_is_there_again(tmp_path: Path):
    evidence(tmp_path)
    done = run(tmp_path)
    assert done.moved is not None
    again = write(tmp_path, "paper/2026-11-20/reports/edge_report.json", "made again")
    back = Rotation(tmp_path).undo(done.moved.name)
    assert back.left == {"paper/2026-11-20": "paper/2026-11-20: is there again; move it away first"}
    assert again.read_text() == "made again"
    assert quarantined(tmp_path) == {"paper/2026-11-20/reports/edge_report.json": '{"inputs": {}}'}
    again.unlink()
    again.parent.rmdir()
    again.parent.parent.rmdir()
    assert not Rotation(tmp_path).undo(done.moved.name).left


def test_after_its_time_in_quarantine_it_goes_and_a_tar_is_there_before(tmp_path: Path):
    root, archive = tmp_path / "root", tmp_path / "archive"
    evidence(root)
    run(root)
    gone = quarantined(root)
    week = NOW + timedelta(days=7)
    write(root, f"paper/{LAST + timedelta(days=6)}/reports/edge_report.json", "{}", LAST + timedelta(days=6))
    early = rotate(root.resolve(), POLICY, week - timedelta(seconds=1), known_good={}, archive=archive, dry=False)
    assert (dict(early.purged), archive.exists()) == ({}, False)
    late = rotate(root.resolve(), POLICY, week, known_good={}, archive=archive, dry=False)
    assert list(late.purged) == ["20261125T030000Z"]
    assert not set(gone) & set(quarantined(root))
    with tarfile.open(archive / "20261125T030000Z.tar") as tar:
        names = {name.partition("/files/")[2] for name in tar.getnames()}
    assert set(gone) <= names


def test_a_tar_that_cannot_be_written_leaves_everything_in_quarantine(tmp_path: Path):
    evidence(tmp_path / "root")
    run(tmp_path / "root")
    there = quarantined(tmp_path / "root")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Rotation(tmp_path / "root").purge(NOW + timedelta(days=7), POLICY.quarantine, tmp_path / "file/archive")
    assert quarantined(tmp_path / "root") == there


def test_links_are_neither_followed_nor_taken_for_units(tmp_path: Path):
    outside = write(tmp_path, "outside/2026-11-01/precious").parent.parent
    root = evidence(tmp_path / "root")
    (root / "paper/2026-11-02").symlink_to(outside / "2026-11-01")
    (root / "other").symlink_to(outside)
    inner = root / "paper/2026-11-18/link"
    inner.symlink_to(outside)
    os.utime(inner, (0, 0), follow_symlinks=False)
    os.utime(inner.parent, (0, 0))
    run(root)
    Rotation(root.resolve()).purge(NOW + timedelta(days=8), POLICY.quarantine)
    assert not (root / "paper/2026-11-18").exists()
    assert (outside / "2026-11-01/precious").exists()
    assert (root / "paper/2026-11-02").is_symlink()


def test_a_unit_that_changed_or_became_a_link_since_the_plan_is_left_and_told(tmp_path: Path):
    evidence(tmp_path)
    plan = run(tmp_path, dry=True).plan
    write(tmp_path, "paper/2026-11-18/reports/new.json")
    moved = tmp_path / "paper/2026-11-19"
    moved.rename(tmp_path / "elsewhere")
    moved.symlink_to(tmp_path / "elsewhere")
    done = Rotation(tmp_path.resolve()).quarantine(plan)
    assert done is not None
    assert "changed since the plan was made" in done.left["paper/2026-11-18"]
    assert "is a symbolic link by now" in done.left["paper/2026-11-19"]
    assert (tmp_path / "elsewhere/reports/edge_report.json").exists()
    assert len(done.moved) == 8


def test_two_rotations_at_once_are_one(tmp_path: Path):
    evidence(tmp_path)
    busy = pytest.raises(SourceUnavailableError, match="another rotation is at work")
    with Rotation(tmp_path.resolve()).alone(), busy:
        run(tmp_path)
    with (tmp_path / ".rotation/lock").open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_clock_that_jumped_neither_moves_nor_deletes(tmp_path: Path):
    evidence(tmp_path)
    run(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(IntegrityError, match="check the clock"):
        run(tmp_path, NOW + timedelta(days=365))
    assert tree(tmp_path) == before


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a URL": (lambda _: local_root("s3://bucket/x"), "s3://bucket/x: expected a local folder"),
    "no folder": (lambda root: local_root(str(root / "no")), "no: expected a folder, there is none"),
    "the whole disk": (lambda _: local_root("/"), "was the root of the file system"),
    "a folder of two rules": (
        lambda root: scan(root, policy(rule(keep_last=1), rule(kind="any", folders=["*/*"], keep_last=1))),
        "named by day and by any; each folder needs one",
    ),
    "a folder in another": (
        lambda root: scan(root, policy(rule(keep_last=1), rule(kind="any", folders=["*"], keep_last=1))),
        r"paper/2026-11-\d\d \(day\) lies in paper \(any\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_rotated_is_refused(tmp_path: Path, name: str):
    call, words = REFUSED[name]
    with pytest.raises(PolicyError, match=words):
        call(evidence(tmp_path))


def kill_at(job: list[tuple[str, str, int]]) -> list[int]:
    """What each of some rotations made: see :mod:`mm_ops_tests.rotation_files`."""
    command = [sys.executable, "-m", "mm_ops_tests.rotation_files"]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=True)
    made: list[int] = json.loads(done.stdout)
    return made


def test_killed_at_any_point_nothing_is_half_gone_and_again_gives_the_same_end(tmp_path: Path):
    first, second = NOW, NOW + timedelta(days=7)
    week = LAST + timedelta(days=7)

    def root(name: str) -> Path:
        made = evidence(tmp_path / name)
        run(made, first)
        for back in range(7):
            write(made, f"paper/{week - timedelta(days=back)}/reports/edge_report.json", "{}", week)
        return made

    reference = root("reference")
    whole = kill_at([(str(reference), second.isoformat(), 0)])[0]
    expected, kept = visible(reference), quarantined(reference)
    assert whole > 50, "changes of the file system, of which 50 are chosen"
    points = random.Random(20261125).sample(range(1, whole + 1), 50)
    roots = {after: root(f"killed-{after}") for after in points}
    needed = visible(root("untouched"))
    assert set(needed) == {*expected, *kept}
    assert kill_at([(str(roots[after]), second.isoformat(), after) for after in points]) == [-1] * len(points)
    for after, killed in roots.items():
        assert {**visible(killed), **quarantined(killed)}.items() >= needed.items(), after
        assert set(expected) <= set(visible(killed)), after
    assert -1 not in kill_at([(str(killed), second.isoformat(), 0) for killed in roots.values()])
    for after, killed in roots.items():
        assert visible(killed) == expected, after
        assert quarantined(killed) == kept, after


def test_times_of_rotations_are_utc(tmp_path: Path):
    evidence(tmp_path)
    berlin = datetime.fromisoformat("2026-11-25T04:00:00+01:00")
    assert run(tmp_path, berlin).moved is not None
    assert Rotation(tmp_path).rotations() == [f"{berlin.astimezone(UTC):%Y%m%dT%H%M%SZ}"]
