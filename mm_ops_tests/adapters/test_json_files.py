import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.json_files import MAX_BYTES, read_json, read_regular
from mm_ops.domain.errors import MissingEvidenceError, SchemaError

REFUSED = {
    "half-written": (b'{"a": [1, 2', r"a\.json:1:12: not JSON"),
    "empty": (b"", r"a\.json:1:1: not JSON"),
    "html": (b"<html>", r"a\.json:1:1: not JSON"),
    "not UTF-8": (b'{"a": "\xff"}', r"a\.json: not UTF-8: byte 7"),
    "a doubled key": (b'{"a": 1, "b": {"c": 1, "c": 2}}', r"a\.json: the key 'c' stands twice in one object"),
    "a doubled key among 200,000": (
        b"{" + b",".join(b'"k%d": 1' % n for n in range(200_000)) + b', "k7": 2}',
        r"a\.json: the key 'k7' stands twice in one object",
    ),
    "nan": (b'{"a": NaN}', r"a\.json: NaN is not JSON; a missing number is null"),
    "infinity": (b"[-Infinity]", r"a\.json: -Infinity is not JSON"),
    "infinity in figures": (b"[1, 1e999]", r"a\.json: 1e999 is larger than any number here can be"),
    "5,000 digits": (b"[" + b"9" * 5000 + b"]", r"a\.json: a number of more digits than can be read"),
    "200 levels": (b"[" * 200 + b"]" * 200, "nested deeper than 100 levels"),
    "200,000 levels": (b"[" * 200_000 + b"]" * 200_000, "nested deeper than 100 levels"),
    "deep objects": (b'{"a":' * 150 + b"1" + b"}" * 150, "nested deeper than 100 levels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_readers_could_understand_differently_is_refused_in_one_line(tmp_path: Path, name: str):
    data, message = REFUSED[name]
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(SchemaError, match=message) as refusal:
        read_json(tmp_path / "a.json")
    assert "\n" not in str(refusal.value)


def test_json_is_read(tmp_path: Path):
    (tmp_path / "a.json").write_text('{"a": [1, 2.5, null, {"b": "ü"}], "c": 1}')
    assert read_json(tmp_path / "a.json") == {"a": [1, 2.5, None, {"b": "ü"}], "c": 1}


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path):
    with pytest.raises(MissingEvidenceError, match="no such file"):
        read_json(tmp_path / "a.json")
    with pytest.raises(SchemaError, match="not readable: expected a regular file, was a folder"):
        read_json(tmp_path)


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path):
    with (tmp_path / "a.json").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(SchemaError, match="expected at most 268,435,456 bytes, was 268,435,457"):
        read_json(tmp_path / "a.json")


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


ENDLESS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a device that never ends": (lambda path: path.symlink_to("/dev/zero"), "a device"),
    "a pipe that nobody writes": (os.mkfifo, "a pipe"),
    "a socket": (listen, "something else"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_may_never_end_is_refused_before_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    make, kind = ENDLESS[name]
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    make(Path("a.json"))
    with pytest.raises(SchemaError, match=f"a.json: not readable: expected a regular file, was {kind}"):
        read_json(Path("a.json"))


def test_a_file_that_says_nothing_of_its_size_is_read_up_to_the_limit_and_no_further():
    status = Path("/proc/self/status")
    assert status.stat().st_size == 0
    with pytest.raises(SchemaError, match="expected at most 10 bytes, was more"):
        read_regular(status, 10)


def test_exactly_the_limit_is_read(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"0123456789")
    assert read_regular(tmp_path / "a", 10) == b"0123456789"
    with pytest.raises(SchemaError, match="expected at most 9 bytes, was 10"):
        read_regular(tmp_path / "a", 9)
