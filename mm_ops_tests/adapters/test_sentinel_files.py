import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest
from pytest_httpserver import HTTPServer

from mm_ops.adapters.sentinel_files import MOST_BYTES, read_files
from mm_ops.domain.sentinel.runs import Evidence
from mm_ops.domain.sentinel.tasks import Content, FileProof, Task
from mm_ops_tests.domain.sentinel.cron_tasks import at, max_age, task


def proof(glob: str, most: int = 1000) -> FileProof:
    return FileProof(kind="file", glob=glob, most=most)


def watching(glob: str, content: Content | None = None, recovery: int = 1) -> Task:
    return task(proof=proof(glob), due=max_age(24), content=content, recovery=recovery)


def written(path: Path, hour: str = "08:00", data: bytes = b"{}") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    moment = at(hour).timestamp()
    os.utime(path, (moment, moment))
    return path


def read(root: Path, glob: str, content: Content | None = None, recovery: int = 1, most: int = 1000) -> Evidence:
    one = watching(glob, content, recovery)
    return read_files(one, proof(glob, most), root, one.depth)


def ends(evidence: Evidence) -> list[str]:
    assert not evidence.fault, evidence.fault
    return [f"{run.last_at:%H:%M}" for run in evidence.runs]


def test_the_newest_files_of_a_pattern_are_the_last_runs(tmp_path: Path):
    for n in range(9):
        written(tmp_path / f"out/{n}.json", f"0{n}:30")
    assert ends(read(tmp_path, "out/*.json")) == ["06:30", "07:30", "08:30"]


def test_what_is_no_file_is_no_result(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/latest.json").symlink_to(tmp_path / "gone.json")
    os.mkfifo(tmp_path / "out/pipe.json")
    assert read(tmp_path, "out/*.json").fault == "no file matches out/*.json"
    written(tmp_path / "gone.json", "08:30")
    assert ends(read(tmp_path, "out/*.json")) == ["08:30"]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("a/x.json", ["01:00"]),
        ("a/*.json", ["01:00"]),
        ("*/x.json", ["01:00", "02:00"]),
        ("a/*/x.json", ["03:00"]),
        ("a/**/x.json", ["01:00", "03:00", "04:00"]),
        ("a/**", ["01:00", "03:00", "04:00"]),
        ("[ab]/?.json", ["01:00", "02:00"]),
        ("*", ["00:30"]),
    ],
)
def test_patterns_are_those_of_a_shell(tmp_path: Path, glob: str, expected: list[str]):
    for name, hour in (
        ("a/x.json", "01:00"),
        ("b/x.json", "02:00"),
        ("a/c/x.json", "03:00"),
        ("a/c/d/x.json", "04:00"),
    ):
        written(tmp_path / name, hour)
    written(tmp_path / "top", "00:30")
    assert ends(read(tmp_path, glob)) == expected


def test_a_file_half_written_is_none(tmp_path: Path):
    written(tmp_path / "out/.new.abc", "09:00")
    written(tmp_path / "out/x.json", "08:00")
    assert ends(read(tmp_path, "out/*")) == ["08:00"]
    assert ends(read(tmp_path, "out/.new.*")) == ["09:00"]


def test_a_folder_whose_name_matches_is_no_result(tmp_path: Path):
    (tmp_path / "out/x.json").mkdir(parents=True)
    assert read(tmp_path, "out/*.json").fault == "no file matches out/*.json"


@pytest.mark.parametrize(
    ("glob", "fault"),
    [
        ("out/*.csv", "no file matches out/*.csv"),
        ("out/y.json", "no file matches out/y.json"),
        ("nowhere/*.json", "nowhere/*.json: no such file or directory"),
        ("out/x.json/*", "no file matches out/x.json/*"),
        ("nope://bucket/*.json", "nope://bucket/*.json: Protocol not known: nope"),
        ("s3://me:secret@bucket/*.json", "s3://bucket/*.json: Install s3fs to access S3"),
    ],
)
def test_what_proves_nothing_says_why(tmp_path: Path, glob: str, fault: str):
    written(tmp_path / "out/x.json")
    assert read(tmp_path, glob).fault == fault


def test_a_pattern_that_takes_in_thousands_is_refused(tmp_path: Path):
    for n in range(1001):
        (tmp_path / f"{n}.json").touch()
    assert read(tmp_path, "*.json").fault == "*.json: more than 1000 files match: narrow the pattern, or raise most"
    assert not read(tmp_path, "*.json", most=1001).fault


@pytest.mark.parametrize("locked", ["locked", "locked/in"])
def test_a_folder_that_may_not_be_read_says_so(tmp_path: Path, locked: str):
    """As another user, since root may read everything."""
    written(tmp_path / "locked/in/x.json")
    tmp_path.chmod(0o755)
    code = (
        "import os, sys; from pathlib import Path; import mm_ops_tests.adapters.test_sentinel_files as t; "
        "os.setuid(65534) if os.getuid() == 0 else None; print(t.read(Path(sys.argv[1]), 'l*/*/x.json').fault)"
    )
    for folder in [*tmp_path.parents][:-2]:
        folder.chmod(folder.stat().st_mode | 0o011)
    (tmp_path / locked).chmod(0)
    try:
        shown = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    finally:
        (tmp_path / locked).chmod(0o755)
    assert shown.stdout == "l*/*/x.json: permission denied\n"


def test_a_url_with_no_permission_says_so(httpserver: HTTPServer, tmp_path: Path):
    refusal = {"RemoteException": {"exception": "AccessControlException", "message": "Permission denied: user=me"}}
    httpserver.expect_request("/webhdfs/v1/data").respond_with_json(refusal, status=403)
    fault = read(tmp_path, f"webhdfs://127.0.0.1:{httpserver.port}/data/*.json").fault
    assert fault.startswith(f"webhdfs://127.0.0.1:{httpserver.port}/data/*.json: permission denied")
    assert "\n" not in fault


def test_files_of_other_systems_are_read_by_url(tmp_path: Path):
    with fsspec.open("memory://bucket/out/x.json", "wb") as stream:
        stream.write(b'{"verdict": "HOLD"}')
    expected = Content(field="verdict", expected=("GO",))
    (run,) = read(tmp_path, "memory://bucket/out/*.json", expected).runs
    assert abs((datetime.now(UTC) - run.last_at).total_seconds()) < 3600
    assert run.fault == 'x.json: verdict is "HOLD": expected "GO"'


def test_the_newest_file_must_hold_what_it_must(tmp_path: Path):
    written(tmp_path / "1.json", "07:00", b"")
    written(tmp_path / "2.json", "08:00", b"")
    assert [run.fault for run in read(tmp_path, "*.json", Content()).runs] == ["", "2.json: the result is empty"]
    faults = [run.fault for run in read(tmp_path, "*.json", Content(), recovery=2).runs]
    assert faults == ["1.json: the result is empty", "2.json: the result is empty"]


def test_a_result_too_large_to_look_into_is_a_fault(tmp_path: Path):
    with (tmp_path / "x.json").open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)
    (run,) = read(tmp_path, "*.json", Content()).runs
    assert "expected at most 16777216 bytes to look into" in run.fault
