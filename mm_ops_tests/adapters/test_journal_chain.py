import hashlib
import os
from pathlib import Path

import pytest

from mm_ops.adapters.journal_chain import GENESIS, START, Anchor, Link, chain, link_hash, read_anchor
from mm_ops.domain.errors import IntegrityError

FIRST, SECOND = Link(1, "a" * 64), Link(2, "b" * 64)


def test_a_hash_is_of_the_record_and_of_the_one_before():
    record = chain(START, "t", "stops", "k", '{"ä": 1}')
    text = f'["{GENESIS}",1,"t","stops","k","{{\\"ä\\": 1}}"]'
    assert record.hash == hashlib.sha256(text.encode()).hexdigest()
    assert chain(Link(1, record.hash), "t", "stops", "k", "{}").hash == link_hash(
        record.hash, 2, "t", "stops", "k", "{}"
    )


def test_moving_a_letter_from_one_field_to_the_next_is_another_record():
    assert link_hash(GENESIS, 1, "t", "ab", "c", "{}") != link_hash(GENESIS, 1, "t", "a", "bc", "{}")


def test_the_anchor_is_the_last_line_that_was_written(tmp_path: Path):
    path = tmp_path / "deep" / "anchor"
    assert read_anchor(path) is None
    with Anchor(path) as anchor:
        assert read_anchor(path) is None
        anchor.write(FIRST)
        anchor.write(SECOND)
        assert read_anchor(path) == SECOND
    with Anchor(path):
        assert read_anchor(path) == SECOND
        assert path.read_bytes().count(b"\n") == 2, "opening it leaves the last line alone"


def test_a_line_that_was_cut_does_not_count_and_does_not_spoil_the_next(tmp_path: Path):
    path = tmp_path / "anchor"
    with Anchor(path) as anchor:
        anchor.write(FIRST)
        with path.open("ab") as file:
            file.write(b"\n2 bbb")
        assert read_anchor(path) == FIRST
        anchor.write(SECOND)
        assert read_anchor(path) == SECOND


@pytest.mark.parametrize("content", ["x\n", "1 short\n", f"-1 {'a' * 64}\n", f"1 {'a' * 64} 3\n", "ä ä\n"])
def test_a_line_that_is_none_of_ours_is_refused(tmp_path: Path, content: str):
    (tmp_path / "anchor").write_text(content, encoding="utf-8")
    with pytest.raises(IntegrityError, match="last line: expected a count and a hash"):
        read_anchor(tmp_path / "anchor")


def test_the_file_is_made_short_before_it_grows_long(tmp_path: Path):
    path = tmp_path / "anchor"
    with Anchor(path) as anchor:
        for count in range(1, 2001):
            anchor.write(Link(count, "c" * 64))
        assert read_anchor(path) == Link(2000, "c" * 64)
        assert path.stat().st_size < 70_000
    assert [one.name for one in tmp_path.iterdir()] == ["anchor"]


def test_a_disk_that_takes_no_anchor_is_a_fault_until_it_takes_one(tmp_path: Path):
    path = tmp_path / "anchor"
    with Anchor(path) as anchor, Path("/dev/full").open("wb") as full:
        mine = os.dup(anchor._file)  # noqa: SLF001 - the disk is full from here on
        os.dup2(full.fileno(), anchor._file)  # noqa: SLF001
        anchor.write(FIRST)
        assert anchor.fault == f"{path}: No space left on device"
        os.dup2(mine, anchor._file)  # noqa: SLF001 - and has space again
        os.close(mine)
        anchor.write(SECOND)
        assert anchor.fault is None
        assert read_anchor(path) == SECOND


def test_closing_twice_is_closing_once(tmp_path: Path):
    anchor = Anchor(tmp_path / "anchor")
    anchor.close()
    anchor.close()
