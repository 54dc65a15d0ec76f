import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mm_ops.adapters.artifacts import Artifacts, write_atomically
from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import MissingEvidenceError, PolicyError

WRITE_FOREVER = """
import sys
from pathlib import Path
from mm_ops.adapters.artifacts import write_atomically
for n in range(10**9):
    write_atomically(Path(sys.argv[1]), (b'{"n": %d, "pad": "' % n) + b"x" * 2_000_000 + b'"}')
"""


def test_what_was_put_is_read_back_with_its_digest(tmp_path: Path):
    artifacts = Artifacts(str(tmp_path))
    stored = artifacts.put("a/b.json", b"{}\n")
    assert artifacts.read("a/b.json") == b"{}\n"
    assert (stored.digest, stored.size) == (digest(b"{}\n"), 3)
    assert stored.address == str(tmp_path / "a/b.json")


def test_the_same_holds_at_an_fsspec_url():
    artifacts = Artifacts("memory://mm-ops-test")
    artifacts.put("a/b.json", b"{}\n")
    assert artifacts.has("a/b.json")
    assert artifacts.read("a/b.json") == b"{}\n"


@pytest.mark.parametrize("root", ["s3://bucket/x", "nosuch://x"])
def test_a_place_that_nothing_here_can_open_is_refused_in_one_line(root: str):
    with pytest.raises(PolicyError, match=f"MM_OPS_ARTIFACTS: {root}: "):
        Artifacts(root)


def test_what_is_not_there_is_said_and_not_guessed(tmp_path: Path):
    artifacts = Artifacts(str(tmp_path))
    assert not artifacts.has("a.json")
    with pytest.raises(MissingEvidenceError, match=r"a\.json: not stored yet"):
        artifacts.read("a.json")


def test_a_failed_write_leaves_the_old_file_and_no_remains(tmp_path: Path):
    target = tmp_path / "a.json"
    write_atomically(target, b"old")
    with pytest.raises(TypeError):
        write_atomically(target, "text is not bytes")  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path):
    target = tmp_path / "a.json"
    writer = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, str(target)])
    try:
        while not target.exists():
            time.sleep(0.01)
        lengths = {len(json.loads(target.read_bytes())["pad"]) for _ in range(200)}
    finally:
        writer.kill()
        writer.wait()
    assert lengths == {2_000_000}


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path):
    target = tmp_path / "a.json"
    for pause in (0.05, 0.11, 0.17):
        writer = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, str(target)])
        while not target.exists():
            time.sleep(0.01)
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        assert len(json.loads(target.read_bytes())["pad"]) == 2_000_000


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("folder", "folder: cannot be written: is a folder"),
        ("file/x/a.json", "file/x/a.json: cannot be written: {}/file is no folder"),
        ("x" * 300, "cannot be written: file name too long"),
        ("loop/a.json", "loop/a.json: cannot be written: {}/loop is no folder"),
    ],
)
def test_what_cannot_be_written_is_named_as_it_was_asked_for_with_the_reason(tmp_path: Path, target: str, reason: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "loop").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="cannot be written") as refusal:
        write_atomically(tmp_path / target, b"new")
    assert refusal.value.filename == str(tmp_path / target)
    assert reason.format(tmp_path) in f"{refusal.value.filename}: {refusal.value.strerror}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "loop"]


def test_a_name_as_long_as_names_can_be_is_written(tmp_path: Path):
    write_atomically(tmp_path / ("x" * 255), b"new")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"new"


def test_what_is_no_file_is_never_replaced_by_one(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is no file"):
        write_atomically(tmp_path / "pipe", b"new")
    assert (tmp_path / "pipe").is_fifo()


def test_what_is_shown_by_a_web_server_is_linked(tmp_path: Path):
    assert Artifacts(str(tmp_path)).put("paper/a b.html", b"x").link is None
    stored = Artifacts(str(tmp_path), "http://127.0.0.1:3001/").put("paper/a b.html", b"x")
    assert stored.link == "http://127.0.0.1:3001/paper/a%20b.html"
