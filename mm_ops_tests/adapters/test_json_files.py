from pathlib import Path

import pytest

from mm_ops.adapters.json_files import MAX_BYTES, read_json
from mm_ops.domain.errors import MissingEvidenceError, SchemaError

REFUSED = {
    "half-written": (b'{"a": [1, 2', r"a\.json:1:12: not JSON"),
    "empty": (b"", r"a\.json:1:1: not JSON"),
    "html": (b"<html>", r"a\.json:1:1: not JSON"),
    "not UTF-8": (b'{"a": "\xff"}', r"a\.json: not UTF-8: byte 7"),
    "a doubled key": (b'{"a": 1, "b": {"c": 1, "c": 2}}', r"a\.json: the key 'c' stands twice in one object"),
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
    with pytest.raises(SchemaError, match="not readable"):
        read_json(tmp_path)


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path):
    with (tmp_path / "a.json").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(SchemaError, match="expected at most 268,435,456 bytes, was 268,435,457"):
        read_json(tmp_path / "a.json")
