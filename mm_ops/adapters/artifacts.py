"""Stored evidence under one root: a folder, or any fsspec URL. Nothing is ever half-written."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import MissingEvidenceError, PolicyError


def local_path(address: str) -> Path | None:
    """The artifacts root as a path, where it is a folder of this machine; ``None`` for a URL of somewhere else."""
    plain = address.removeprefix("file://")
    return None if "://" in plain else Path(plain)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a local file whole or not at all: temporary name, fsync, rename, fsync of the folder.

    Only a file is replaced: not a folder, and not a device such as ``/dev/null``, which root could.

    Raises:
        OSError: it cannot be written; names the file that was asked for, and not the temporary one, and says why.
    """
    with written_whole(path) as stream:
        stream.write(data)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Write a local file piece by piece and yet whole or not at all; what was there stays until all of it is written.

    Raises:
        OSError: as ``write_atomically`` does, and whatever fault of a file its writer has is taken for that too.
    """
    try:
        _refuse_unless_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _renamed_when_written(path) as stream:
            yield stream
    except OSError as error:
        raise OSError(error.errno, f"cannot be written: {_reason(path, error)}", str(path)) from error


def _refuse_unless_file(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is a folder" if path.is_dir() else "is no file")


@contextmanager
def _renamed_when_written(path: Path) -> Iterator[IO[bytes]]:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new.")  # not the name: it may be as long as allowed
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _reason(path: Path, error: OSError) -> str:
    """Say what is in the way: the system says ``File exists`` of a file where a folder would have to be."""
    above = next((parent for parent in path.parents if os.path.lexists(parent)), None)
    if above is not None and not above.is_dir():
        return f"{above} is no folder"
    return (error.strerror or str(error)).lower()


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: its name below the root, its address, its digest, its size in bytes.

    ``link`` is where a browser opens it, if that is known.
    """

    name: str
    address: str
    digest: str
    size: int
    link: str | None = None


class Artifacts:
    """Named bytes under a root; names are relative, with ``/`` between the parts.

    ``shown_at`` is the address at which a web server shows the root to people, if one does.

    Raises:
        PolicyError: the root is a URL of a kind that nothing installed here can open.
    """

    def __init__(self, root: str, shown_at: str | None = None) -> None:
        from upath import UPath  # noqa: PLC0415 - it loads every fsspec implementation

        self._shown_at = shown_at.rstrip("/") if shown_at else None
        try:
            self._root = UPath(root)
            self._root.fs  # noqa: B018 - asked for now, so that a missing driver is told before anything is made
        except (ImportError, ValueError) as error:
            raise PolicyError(f"MM_OPS_ARTIFACTS: {root}: {error}") from error

    def address(self, name: str) -> str:
        """Where a name is stored, as a person would open it."""
        return str(self._root / name)

    def local(self, name: str) -> Path:
        """The folder or file as a local path, for data that is scanned and not loaded whole."""
        return Path(self.address(name))

    def put(self, name: str, data: bytes) -> Stored:
        """Store bytes under a name, replacing what was there.

        Object stores make a put visible whole or not at all by themselves; a local folder gets a rename.
        """
        if self._is_local:
            write_atomically(self.local(name), data)
        else:
            (self._root / name).write_bytes(data)
        return self.stored(name, digest(data), len(data))

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Store what is written piece by piece; what was there stays until all of it is."""
        if self._is_local:
            with written_whole(self.local(name)) as stream:
                yield stream
            return
        with tempfile.TemporaryFile() as kept:
            yield kept
            kept.seek(0)
            with (self._root / name).open("wb") as out:
                shutil.copyfileobj(kept, out)

    def stored(self, name: str, digest_of_it: str, size: int) -> Stored:
        """Say where something was stored."""
        link = f"{self._shown_at}/{quote(name)}" if self._shown_at else None
        return Stored(name, self.address(name), digest_of_it, size, link)

    @property
    def _is_local(self) -> bool:
        return self._root.protocol in {"", "file", "local"}

    def source(self, name: str) -> Path | bytes:
        """What is stored under a name: a path where it is a local file, for who reads it piece by piece.

        Raises:
            MissingEvidenceError: nothing is.
        """
        return self.local(name) if self._is_local and self.has(name) else self.read(name)

    def require_local(self, name: str) -> Path:
        """Where a name lies as a local path.

        Raises:
            PolicyError: the root is a URL.
        """
        if not self._is_local:
            raise PolicyError("MM_OPS_ARTIFACTS: expected a folder for this, was a URL")
        return self.local(name)

    def digest(self, name: str) -> str | None:
        """The digest of what is stored under a name, read piece by piece; ``None`` where nothing is."""
        if not self.has(name):
            return None
        with (self._root / name).open("rb") as stream:
            found = hashlib.sha256()
            while block := stream.read(1 << 20):
                found.update(block)
        return f"sha256:{found.hexdigest()}"

    def names(self, folder: str) -> list[str]:
        """What is stored directly in a folder, sorted; nothing where there is no such folder."""
        place = self._root / folder
        files = [item.name for item in place.iterdir() if item.is_file()] if place.exists() else []
        return sorted(f"{folder}/{name}" for name in files if not name.startswith("."))

    def move(self, name: str, other: str) -> None:
        """Store what has a name under another one, replacing what was there; killed midway, it may lie under both."""
        if self._is_local:
            self.local(other).parent.mkdir(parents=True, exist_ok=True)
            self.local(name).replace(self.local(other))
        else:
            self.put(other, self.read(name))
            self.delete(name)

    def copy(self, name: str, other: str) -> Stored:
        """Store what has a name under another one too, piece by piece.

        Raises:
            MissingEvidenceError: nothing has that name.
        """
        if not self.has(name):
            raise MissingEvidenceError(f"{self.address(name)}: not stored yet")
        found, size = hashlib.sha256(), 0
        with (self._root / name).open("rb") as stream, self.writing(other) as out:
            while block := stream.read(1 << 20):
                found.update(block)
                size += len(block)
                out.write(block)
        return self.stored(other, f"sha256:{found.hexdigest()}", size)

    def delete(self, name: str) -> None:
        """Remove what is stored under a name."""
        (self._root / name).unlink()

    def has(self, name: str) -> bool:
        """Whether something is stored under the name."""
        return bool((self._root / name).exists())

    def read(self, name: str) -> bytes:
        """Read what is stored under a name.

        Raises:
            MissingEvidenceError: nothing is.
        """
        try:
            return bytes((self._root / name).read_bytes())
        except FileNotFoundError as error:
            raise MissingEvidenceError(f"{self.address(name)}: not stored yet") from error
