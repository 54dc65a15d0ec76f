from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_ops.adapters.promotions import go_back_of
from mm_ops.domain.canonical import encode

GOOD = {
    "version": "1.0.0",
    "day": "2026-11-10",
    "digest": "sha256:1",
    "bundle": "paper/promoted/v1.0.0-1/paper-v1.0.0.zip",
    "since": datetime(2026, 11, 11, tzinfo=UTC),
}
LIVE = {**GOOD, "version": "1.1.0", "digest": "sha256:2"}


def write(root: Path, data: bytes) -> None:
    path = root / "paper/promoted/promotions.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)


def test_it_is_read_where_it_is_written_down(tmp_path: Path):
    write(tmp_path, encode({"staging": None, "live": LIVE, "known_good": GOOD, "steps": []}))
    words = "live is 1.1.0; go back to 1.0.0 (paper/promoted/v1.0.0-1/paper-v1.0.0.zip, sha256:1)"
    assert go_back_of(str(tmp_path), "paper") == words
    assert go_back_of(f"file://{tmp_path}", "paper") == words


@pytest.mark.parametrize("artifacts", ["", "s3://bucket"])
def test_where_nothing_was_promoted_or_it_lies_elsewhere_nothing_is_said(tmp_path: Path, artifacts: str):
    assert go_back_of(artifacts or str(tmp_path), "paper") == ""
    assert go_back_of(str(tmp_path), "") == ""


def test_a_machine_without_the_evidence_says_that_it_does_not_know(tmp_path: Path):
    nowhere = tmp_path / "var/artifacts"
    assert go_back_of(str(nowhere), "paper") == f"which version to go back to is not known here: there is no {nowhere}"
    assert go_back_of(str(nowhere), "") == ""


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}"])
def test_what_cannot_be_read_is_said_and_keeps_no_page_back(tmp_path: Path, data: bytes):
    write(tmp_path, data)
    assert go_back_of(str(tmp_path), "paper").startswith("which version to go back to is not known: ")
