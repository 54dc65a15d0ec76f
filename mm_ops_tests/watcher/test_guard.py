from pathlib import Path

import pytest

from mm_ops.watcher.guard import Guard

TOKEN = "0123456789abcdef"  # noqa: S105 - of a test


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return Guard(tmp_path / "token")


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Bearer  {TOKEN} "])
def test_the_token_is_admitted(guard: Guard, header: str):
    assert guard.admits(header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer \udcff",
    ],
)
def test_anything_else_is_not(guard: Guard, header: str | None):
    assert not guard.admits(header)


def test_a_token_that_is_changed_holds_at_once(guard: Guard):
    guard.file.write_text("another-token-entirely")
    assert not guard.admits(f"Bearer {TOKEN}")
    assert guard.admits("Bearer another-token-entirely")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected one token of at least 16 characters, was 0"),
        (b"short", "expected one token of at least 16 characters, was 5"),
        (b"two tokens in a line", "expected one token"),
        ("ä".encode() * 20, "not readable: expected ASCII"),
        (None, "not readable: No such file or directory"),
    ],
    ids=["empty", "short", "two", "not ASCII", "gone"],
)
def test_a_file_without_a_usable_token_admits_nobody_and_says_why(guard: Guard, content: bytes | None, words: str):
    if content is None:
        guard.file.unlink()
    else:
        guard.file.write_bytes(content)
    assert words in (guard.fault or "")
    assert not guard.admits(f"Bearer {TOKEN}")
    assert not guard.admits("Bearer ")
