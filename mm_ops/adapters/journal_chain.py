"""The audit chain and its anchor outside of the database.

    hash_n = sha256(JSON [hash_(n-1), n, at, subject, key, body]),  hash_0 = 64 zeros

A chain shows every edit, deletion and reordering inside it, but not that its tail was cut. So the count and the head
hash stand in a second file too, appended after each commit: the chain must go through that point. It may be longer,
by what a process that died had committed and not anchored yet. Keep the file on another disk than the database.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mm_ops.domain.errors import IntegrityError

GENESIS = "0" * 64
_COMPACT_AT = 65_536
_FIELDS = 2


@dataclass(frozen=True, slots=True)
class Link:
    """A point of the chain: how many records, and the hash of the last."""

    count: int
    hash: str


START = Link(0, GENESIS)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One record: ``body`` is JSON, ``at`` and the rest are texts as stored."""

    seq: int
    at: str
    subject: str
    key: str
    body: str
    hash: str


def chain(after: Link, at: str, subject: str, key: str, body: str) -> AuditRecord:
    """Make the next record."""
    seq = after.count + 1
    return AuditRecord(seq, at, subject, key, body, link_hash(after.hash, seq, at, subject, key, body))


def link_hash(before: str, seq: int, at: str, subject: str, key: str, body: str) -> str:
    """Compute the hash of a record."""
    text = json.dumps([before, seq, at, subject, key, body], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Anchor:
    """The file that holds count and head hash; one per process, since each anchors what it has committed itself.

    ``write`` survives a kill of the process at once, and a power cut after the next ``sync``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        last = read_anchor(path)
        if last is not None:
            self._rewrite(last)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.fault: str | None = None
        self._dirty = self._closed = False

    def write(self, link: Link) -> None:
        """Append a point; a full disk is kept in ``fault``: the commit stands, and the next point anchors it too."""
        try:
            if os.fstat(self._file).st_size > _COMPACT_AT:
                self._reopen(link)
            os.write(self._file, _line(link))
            self._dirty, self.fault = True, None
        except OSError as error:
            self.fault = f"{self.path}: {error.strerror}"

    def sync(self) -> None:
        """Bring what was written to the disk."""
        if self._dirty:
            try:
                os.fsync(self._file)
                self._dirty = False
            except OSError as error:
                self.fault = f"{self.path}: {error.strerror}"

    def close(self) -> None:
        """Sync and close; a second time does nothing."""
        if not self._closed:
            self.sync()
            os.close(self._file)
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reopen(self, link: Link) -> None:
        self._rewrite(link)
        os.close(self._file)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND, 0o600)

    def _rewrite(self, link: Link) -> None:
        """Replace the file by its last line, so that it does not grow for ever and has no torn line in it."""
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        try:
            with fresh.open("wb") as file:
                file.write(_line(link))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                fresh.unlink()


def move_anchor(path: Path, link: Link) -> None:
    """Let the anchor of a writer that does not run point to another record; whole or not at all."""
    with Anchor(path) as anchor:
        anchor.write(link)


def read_anchor(path: Path) -> Link | None:
    """Read the last whole line; ``None`` where there is no file or nothing in it.

    Raises:
        IntegrityError: the line is none that was written here.
    """
    try:
        whole = path.read_bytes().rpartition(b"\n")[0]
    except FileNotFoundError:
        return None
    last = whole.rstrip(b"\n").rpartition(b"\n")[2]
    if not last:
        return None
    fields = last.decode("ascii", "replace").split(" ")
    if len(fields) != _FIELDS or not fields[0].isdecimal() or len(fields[1]) != len(GENESIS):
        raise IntegrityError(f"{path}: last line: expected a count and a hash, was {last[:60]!r}")
    return Link(int(fields[0]), fields[1])


def _line(link: Link) -> bytes:
    """Begin with an end of line, so that a line that a full disk cut does not spoil the next."""
    return f"\n{link.count} {link.hash}\n".encode()
