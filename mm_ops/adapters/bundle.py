"""Packs a bundle so that the same members give the same bytes, anywhere and at any time, and seals it.

Each file is read once: hashed, compressed and looked at again in the same pass, a piece at a time, so that neither the
size of a file nor that of the bundle is one of memory. A file that changes meanwhile ends the packing.
"""

import hashlib
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mm_ops.adapters import bundle_verify, signatures
from mm_ops.adapters.bundle_verify import MAGIC, UNSIGNED
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops.domain.release.manifest import MANIFEST, Listed

VERIFIER = "verify.py"
LEVEL = 6
"""Of zlib, as ``zip`` has it: 9 took twice the time for 1 % less of a bundle of ours."""
_CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can name
_UNIX = 3
_MODE = 0o100644 << 16

Sign = Callable[[bytes], bytes]
"""From a message to its signature."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a bundle and what it is for: its bytes, or where it lies and is read from while it is packed.

    ``digest`` is what it must have, where that is known: what was judged is what ships.
    """

    content: bytes | Path
    description: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """What was packed: the digest and the size of the whole, and every member as the manifest lists it."""

    digest: str
    size: int
    members: tuple[Listed, ...]
    signed: bool


def build(
    stream: IO[bytes],
    members: Mapping[str, Member],
    describe: Callable[[Sequence[Listed]], bytes],
    sign: Sign | None = None,
) -> Built:
    """Write a sealed ZIP: the members sorted by name and last the manifest, with fixed times and modes.

    Equal members give equal bytes on machines with the same zlib, signed or not, as Ed25519 signs the same the same;
    elsewhere the digests in the manifest are what is equal.

    Args:
        stream: is written from where it stands, and never read.
        members: by path in the bundle.
        describe: makes the manifest, from the members in the order of their names.
        sign: makes the signature; ``None`` for none.

    Raises:
        IntegrityError: a file changed while it was packed, or since it was judged.
        MissingEvidenceError: a file is not there, or cannot be read.
    """
    sealed, marks, listed = SealedStream(stream), {}, []
    with zipfile.ZipFile(sealed, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, member in sorted(members.items()):
            reading = _Reading(member.content)
            listed.append(_pack(archive, name, member, reading))
            if reading.path is not None:
                marks[reading.path] = reading.mark
        manifest = describe(listed)
        _pack(archive, MANIFEST, Member(manifest, ""), _Reading(manifest))
    for path, mark in marks.items():
        _refuse_changed(path, mark)
    return sealed.finish(sign, tuple(listed))


def _pack(archive: zipfile.ZipFile, name: str, member: Member, reading: "_Reading") -> Listed:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = _UNIX
    entry.external_attr = _MODE
    entry.file_size = reading.size
    hashed = hashlib.sha256()
    with archive.open(entry, "w") as out:
        for block in reading.blocks():
            hashed.update(block)
            out.write(block)
    found = f"sha256:{hashed.hexdigest()}"
    if member.digest not in {None, found}:
        raise IntegrityError(f"{name}: altered since it was judged: expected {member.digest}, was {found}")
    return Listed(name, reading.size, found, member.description)


class _Reading:
    """One pass over a member: its size, its blocks, and for a file by what it would be seen to have changed."""

    def __init__(self, content: bytes | Path) -> None:
        self._content = content
        self.path = content if isinstance(content, Path) else None
        self.mark: tuple[int, ...] = () if self.path is None else _mark_of(self.path)
        self.size = len(content) if isinstance(content, bytes) else self.mark[2]

    def blocks(self) -> Iterator[bytes]:
        if isinstance(self._content, bytes):
            yield from (self._content[at : at + _CHUNK] for at in range(0, self.size, _CHUNK))
            return
        path, left = self._content, self.size
        try:
            with path.open("rb", buffering=0) as stream:
                while block := stream.read(_CHUNK):
                    left -= len(block)
                    yield block
        except OSError as error:
            raise MissingEvidenceError(f"{path}: cannot be read: {error.strerror}") from error
        _refuse_changed(path, self.mark)
        if left:
            raise IntegrityError(f"{path}: changed while it was packed: {self.size - left} bytes of {self.size}")


def _mark_of(path: Path) -> tuple[int, ...]:
    try:
        seen = path.stat()
    except OSError as error:
        raise MissingEvidenceError(f"{path}: the bundle needs it, and it cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(seen.st_mode):
        raise MissingEvidenceError(f"{path}: the bundle needs it, and it is no file")
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _refuse_changed(path: Path, mark: tuple[int, ...]) -> None:
    if _mark_of(path) != mark:
        raise IntegrityError(f"{path}: changed while it was packed; build the bundle again")


@dataclass(slots=True)
class SealedStream:
    """Takes a ZIP as it is written, once from front to back, and puts the seal into its comment: see ``bundle_verify``.

    Its last two bytes, the length of a comment, are held back until then.
    """

    stream: IO[bytes]
    _hash: Any = field(default_factory=hashlib.sha256)
    _held: bytes = b""
    _size: int = 0

    def write(self, data: bytes) -> int:
        """Take in some bytes."""
        whole = self._held + data if len(data) < len(MAGIC) else data
        if whole is data:
            self._pass_on(self._held)
        self._pass_on(whole[:-2])
        self._held = bytes(whole[-2:])
        return len(data)

    def _pass_on(self, data: bytes) -> None:
        self._hash.update(data)
        self.stream.write(data)
        self._size += len(data)

    def flush(self) -> None:
        """Nothing waits but what must."""

    def close(self) -> None:
        """The stream is its owner's to close."""

    def finish(self, sign: Sign | None, members: tuple[Listed, ...] = ()) -> Built:
        """Write the seal, with the signature that ``sign`` makes of it."""
        stated = f"sha256:{self._hash.hexdigest()}\n".encode()
        signature = sign(stated) if sign is not None else b""
        mark = f"sha256:{hashlib.sha256(signature).hexdigest()}".encode() if signature else UNSIGNED
        comment = MAGIC + stated + mark + b"\n" + signature
        self._pass_on(struct.pack("<H", len(comment)) + comment)
        return Built(f"sha256:{self._hash.hexdigest()}", self._size, members, signature != b"")


def verifier() -> bytes:
    """The program that checks a bundle, as it goes into each: the two modules that it is made of, in one file."""
    own = f"from {signatures.__name__} import find_signer\n"
    parts = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in (signatures, bundle_verify)]
    if parts[1].count(own) != 1:
        raise IntegrityError(f"{bundle_verify.__file__}: expected one line that reads: {own.strip()}")
    return "\n\n".join((parts[0].rstrip(), parts[1].replace(own, ""))).encode()
