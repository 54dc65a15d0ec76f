import bz2
import gzip
import io
import lzma
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.secret_files import OVERLAP, WINDOW, Root, SecretFiles, roots_of
from mm_ops.domain.errors import MissingEvidenceError, PolicyError
from mm_ops.domain.secrets.report import Scanned
from mm_ops_tests.planted_secrets import drawn, policy
from mm_ops_tests.requirements import PROJECT

LINE = f"binance_key = {drawn(64)}\n".encode()


def scan(root: Path, *, clock: Any = lambda: 0.0, **bounds: Any) -> Scanned:
    rules = policy()
    return SecretFiles(replace(rules, bounds=replace(rules.bounds, **bounds)), clock).scan([Root(root)])


def places(scanned: Scanned) -> list[str]:
    return [f"{path}:{hit.line}" for path, hit in scanned.hits]


def why(scanned: Scanned) -> list[str]:
    return [f"{item.path}: {item.why}" for item in scanned.unread]


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def test_every_file_below_a_folder_is_read_and_what_the_policy_leaves_is_counted(tmp_path: Path):
    for name in ("a.py", "deep/er/b.json", ".env", ".git/config", "deep/.venv/x.py", "day.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\n" + LINE)
    found = scan(tmp_path)
    assert places(found) == [".env:2", "a.py:2", "deep/er/b.json:2"]
    assert (found.files, found.size_bytes, found.left) == (3, 3 * len(b"\n" + LINE), {".parquet": 1})


def test_links_are_not_followed_and_pipes_are_not_opened(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "key").write_bytes(LINE)
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/key").symlink_to(tmp_path / "key")
    os.mkfifo(tmp_path / "in/pipe")
    found = scan(tmp_path / "in")
    assert (found.files, found.links, found.devices, found.hits) == (0, 2, 1, [])


def test_a_file_by_itself_and_a_link_that_is_asked_for_are_read(tmp_path: Path):
    (tmp_path / "key").write_bytes(LINE)
    (tmp_path / "link").symlink_to(tmp_path / "key")
    assert places(scan(tmp_path / "key")) == ["key:1"]
    assert places(scan(tmp_path / "link")) == ["key:1"]


def test_a_file_larger_than_a_window_is_read_with_its_lines(tmp_path: Path):
    before = (b"." * 79 + b"\n") * (WINDOW // 80)
    for cut in (-30, 0, -OVERLAP):
        data = before[: WINDOW + cut - 1] + b"\n" + LINE + before + LINE
        (tmp_path / "log").write_bytes(data)
        assert places(scan(tmp_path / "log")) == [f"log:{data[: data.index(LINE)].count(10) + 1}"]


def test_what_is_in_an_archive_is_told_by_its_place_in_it(tmp_path: Path):
    inner = zipped(("deep.txt", b"\n\n" + LINE))
    (tmp_path / "b.zip").write_bytes(zipped(("a/one.txt", b"\n" + LINE), ("two.zip", inner), ("ok.txt", b"fine")))
    (tmp_path / "c.gz").write_bytes(gzip.compress(LINE))
    (tmp_path / "d.bz2").write_bytes(bz2.compress(LINE))
    (tmp_path / "e.bin").write_bytes(b"#!/bin/sh\n" + zipped(("one.txt", LINE)))
    found = scan(tmp_path)
    assert places(found) == ["b.zip!a/one.txt:2", "b.zip!two.zip!deep.txt:3", "c.gz!:1", "d.bz2!:1", "e.bin!one.txt:1"]
    assert (found.files, found.inside, found.unread) == (4, 7, [])


def test_xz_and_lzma_are_opened_and_what_nothing_here_opens_is_told(tmp_path: Path):
    (tmp_path / "a.xz").write_bytes(lzma.compress(b"fine") + lzma.compress(b"\n" + LINE) + bytes(4))
    (tmp_path / "b.lzma").write_bytes(lzma.compress(LINE, lzma.FORMAT_ALONE))
    (tmp_path / "c.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(90))
    (tmp_path / "d.rar").write_bytes(b"Rar!\x1a\x07\x01\x00")
    (tmp_path / "e.zst").write_bytes(b"(\xb5/\xfd" + bytes(9))
    (tmp_path / "f.xz").write_bytes(lzma.compress(LINE * 99)[:-20])
    found = scan(tmp_path)
    assert places(found) == ["a.xz!:2", "b.lzma!:1"]
    assert why(found) == [
        "c.7z: an archive of a kind that is not opened here: 7z",
        "d.rar: an archive of a kind that is not opened here: RAR",
        "e.zst: an archive of a kind that is not opened here: zstd",
        "f.xz: not readable as an archive: it ends before its end",
    ]


def test_a_secret_in_the_name_of_a_file_or_a_member_is_found_and_not_told(tmp_path: Path):
    token = f"ghp_{drawn(36)}"
    (tmp_path / token).write_bytes(LINE)
    (tmp_path / "z.zip").write_bytes(zipped((f"{token}.txt", LINE)))
    found = scan(tmp_path)
    assert places(found) == [
        "<github_token>:1",
        "<github_token>:1",
        "z.zip!<github_token>.txt:1",
        "z.zip!<github_token>.txt:1",
    ]
    assert token not in repr(found)


def test_a_stored_member_is_told_once_and_a_comment_of_the_archive_as_well(tmp_path: Path):
    data = zipped(("one.txt", LINE), method=zipfile.ZIP_STORED)
    (tmp_path / "b.zip").write_bytes(data)
    assert places(scan(tmp_path)) == ["b.zip!one.txt:1"]
    with zipfile.ZipFile(tmp_path / "b.zip", "a") as archive:
        archive.comment = f"binance {drawn(64, seed=2)}".encode()
    assert [path for path, _ in scan(tmp_path).hits] == ["b.zip", "b.zip!one.txt"]


def test_a_bomb_ends_at_the_bounds_and_is_told(tmp_path: Path):
    bomb = zipped(("zeros", bytes(4_000_000)), ("key", LINE))
    (tmp_path / "b.zip").write_bytes(bomb)
    (tmp_path / "c.gz").write_bytes(gzip.compress(bytes(4_000_000)))
    (tmp_path / "d.zip").write_bytes(zipped(*((str(n), b"") for n in range(50))))
    (tmp_path / "e.zip").write_bytes(zipped(("1.zip", zipped(("2.zip", zipped(("3.zip", zipped())))))))
    assert why(scan(tmp_path, max_inside_bytes=1_000_000, max_members=40, max_depth=2)) == [
        "b.zip: zeros: more than 1,000,000 bytes come out of it",
        "c.gz: it: more than 1,000,000 bytes come out of it",
        "d.zip: more than 40 files inside",
        "e.zip!1.zip!2.zip: archives in archives, more than 2 deep",
    ]


def test_an_archive_that_cannot_be_read_is_told(tmp_path: Path):
    whole = zipped(("one.txt", LINE * 50))
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.gz").write_bytes(gzip.compress(LINE)[:-9])
    (tmp_path / "locked.zip").write_bytes(_locked(whole))
    said = why(scan(tmp_path))
    assert [line.partition(": ")[0] for line in said] == ["cut.gz", "cut.zip", "locked.zip"]
    assert all("not readable as an archive: " in line for line in said)
    assert "encrypted" in said[2]


def _locked(data: bytes) -> bytes:
    """Set the flag of encryption in both headers."""
    changed = bytearray(data)
    for head, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[data.index(head) + flags] |= 1
    return bytes(changed)


def test_a_file_that_is_too_large_or_takes_too_long_is_told(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert why(scan(tmp_path, max_bytes=99)) == ["a: 100 bytes, and 99 are read at most"]
    ticking = iter(range(0, 10**6, 7))
    assert why(scan(tmp_path, clock=lambda: next(ticking), max_seconds=5)) == ["a: the time for it was over"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path):
    (tmp_path / "a").write_bytes(LINE)
    (tmp_path / "a").chmod(0)
    assert why(scan(tmp_path)) == ["a: permission denied"]


def test_a_name_that_is_no_text_is_written_as_one_line(tmp_path: Path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff\n\x1b[31m")).write_bytes(LINE)
    assert places(scan(tmp_path)) == ["a\\udcff??[31m:1"]


def test_a_root_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(MissingEvidenceError, match="no such file or folder"):
        scan(tmp_path / "none")


def test_bytes_that_are_no_file_yet_are_looked_into():
    found = SecretFiles(policy(), lambda: 0.0).scan_bytes([("a.zip", zipped(("one", LINE))), ("b", b"fine")])
    assert places(found) == ["a.zip!one:1"]
    assert (found.files, found.inside) == (2, 1)


def test_the_repository_and_the_artifacts_are_looked_at_where_no_path_is_given(tmp_path: Path):
    here = Environment(tmp_path, tmp_path, str(tmp_path / "var/artifacts"), None)
    repository = Root(tmp_path, told="the repository")
    assert roots_of(here) == [repository]
    (tmp_path / "var/artifacts").mkdir(parents=True)
    assert roots_of(here) == [repository, Root(tmp_path / "var/artifacts", "artifacts", "the artifacts")]
    with pytest.raises(PolicyError, match="expected a folder"):
        roots_of(replace(here, artifacts="s3://bucket"))


def test_a_path_in_the_repository_is_told_as_it_is_there(tmp_path: Path):
    here = Environment(tmp_path, tmp_path, "artifacts", None)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.py").write_bytes(LINE)
    for given in (tmp_path / "a", tmp_path / "a/b.py"):
        assert places(SecretFiles(policy(), lambda: 0.0).scan(roots_of(here, [given]))) == ["a/b.py:1"]


def test_nothing_in_this_repository_looks_like_a_secret():
    found = SecretFiles(policy(), lambda: 0.0).scan([Root(PROJECT)])
    assert (places(found), why(found)) == ([], [])
    assert found.files > 500
