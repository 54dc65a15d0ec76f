"""Is a release bundle whole, and whose is it? Needs nothing but Python; each bundle holds the same as verify.py.

A bundle is a ZIP whose comment is its seal: a line that names the format, the SHA-256 of every byte before the length
of the comment, that of the signature (or ``unsigned``), and the signature of the first, as ``ssh-keygen -Y sign``
makes it. So a change of any byte shows, headers included. MANIFEST.json names every other file with size and SHA-256.

A changed bundle may hold a changed verify.py: take this file from a place that you trust, or check the signature.
"""

import argparse
import hashlib
import json
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mm_ops.adapters.signatures import find_signer

MAGIC = b"mm_ops bundle 1\n"
MANIFEST = "MANIFEST.json"
NAMESPACE = "mm_ops-bundle"
UNSIGNED = b"unsigned"
MOST_BYTES = 8 * 2**30
"""Of all files unpacked: more is no release, and may be a bomb."""

_END = 22  # bytes of the end record, its comment's length being the last two
_LONGEST = 65_535
_CHUNK = 1 << 20
_SEAL = re.compile(re.escape(MAGIC) + rb"sha256:([0-9a-f]{64})\n(unsigned|sha256:[0-9a-f]{64})\n(.*)\Z", re.DOTALL)


class NoBundleError(Exception):
    """It is no bundle at all, or cannot be read."""


@dataclass(frozen=True)
class Verified:
    """What was found: faults (none: it is whole), what it is, and who signed it (``None``: nobody, or not asked)."""

    faults: tuple[str, ...]
    manifest: dict[str, Any]
    digest: str
    signed: bool
    signer: str | None


def verify(path: Path, allowed_signers: str | None = None) -> Verified:
    """Check a bundle to its last byte.

    Args:
        path: the bundle.
        allowed_signers: the text of such a file of OpenSSH; with one, a signature by one of these is asked for.

    Raises:
        NoBundleError: it is no bundle: no seal, no ZIP, no manifest, not readable.
    """
    try:
        with path.open("rb") as stream:
            body, stated, mark, signature = _read_seal(stream)
            faults = list(_seal_faults(stream, body, stated, mark, signature))
            with zipfile.ZipFile(stream) as archive:
                manifest = _read_manifest(archive)
                faults += _content_faults(archive, manifest)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise NoBundleError(f"{path}: cannot be read as a bundle: {error}") from error
    signer, why = None, None
    if allowed_signers is not None:
        signer, why = find_signer(f"sha256:{stated}\n".encode(), signature, allowed_signers, NAMESPACE)
    faults += [why] if why is not None else []
    return Verified(tuple(faults), manifest, stated, signature != b"", signer)


def read_signers(path: Path | None) -> str | None:
    """Read a file of allowed signers, where one is named.

    Raises:
        NoBundleError: it cannot be read.
    """
    try:
        return None if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoBundleError(f"{path}: the allowed signers cannot be read, so nobody can say whose it is") from error


def _read_seal(stream: IO[bytes]) -> tuple[int, str, bytes, bytes]:
    """Find the comment: how many bytes are before its length, the digest stated, the signature's mark and itself."""
    size = stream.seek(0, 2)
    start = max(size - _LONGEST, 0)
    stream.seek(start)
    tail = stream.read()
    at = tail.rfind(MAGIC)
    found = _SEAL.fullmatch(tail[at:]) if at >= 0 else None
    if found is None or start + at < _END:
        raise NoBundleError("it has no seal: not made by mm_ops, cut short, or changed")
    return start + at - 2, found[1].decode(), found[2], found[3]


def _seal_faults(stream: IO[bytes], body: int, stated: str, mark: bytes, signature: bytes) -> Iterator[str]:
    stream.seek(body)
    (length,) = struct.unpack("<H", stream.read(2))
    if length != len(stream.read()):
        yield f"seal: its length is not the {length} bytes that the ZIP says"
    stream.seek(0)
    found = hashlib.sha256()
    left = body
    while left:
        block = stream.read(min(_CHUNK, left))
        found.update(block)
        left -= len(block)
    if found.hexdigest() != stated:
        yield f"seal: expected sha256 {stated}, was {found.hexdigest()}: bytes were changed since it was made"
    expected = f"sha256:{hashlib.sha256(signature).hexdigest()}".encode() if signature else UNSIGNED
    if mark != expected:
        yield "seal: the signature is not the one that was put there"


def _read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        with archive.open(MANIFEST) as stream:
            manifest = json.loads(stream.read(64 * _CHUNK))
        files = {item["path"]: (item["size"], item["sha256"], item["description"]) for item in manifest["files"]}
        wrong = [*_mistyped(manifest, files)]
    except (KeyError, TypeError, ValueError) as error:
        raise NoBundleError(f"{MANIFEST}: expected paths with size and sha256: {error!r}") from error
    if wrong:
        raise NoBundleError(f"{MANIFEST}: {wrong[0]}")
    if len(files) != len(manifest["files"]):
        raise NoBundleError(f"{MANIFEST}: a path is there twice")
    return dict(manifest)


def _mistyped(manifest: dict[str, Any], files: dict[Any, tuple[Any, Any, Any]]) -> Iterator[str]:
    for name, (size, digest, about) in files.items():
        if not all(isinstance(text, str) for text in (name, digest, about)):
            yield f"{name!r}: expected path, sha256 and description as texts"
        if type(size) is not int or size < 0:
            yield f"{name!r}: size: expected bytes as a whole number, was {size!r}"
    for name in ("bot", "version", "day", "result"):
        if not isinstance(manifest.get(name), str):
            yield f"{name}: expected a text, was {manifest.get(name)!r}"
    if not isinstance(manifest.get("missing"), list):
        yield f"missing: expected a list, was {manifest.get('missing')!r}"


def _content_faults(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> Iterator[str]:
    entries = archive.infolist()
    named = {item["path"]: item for item in manifest["files"]}
    names = [entry.filename for entry in entries]
    for name in sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
        yield f"{name}: is in the ZIP more than once"
    yield from (f"{name}: is named in the manifest and not in the ZIP" for name in sorted(set(named) - set(names)))
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        yield f"unpacked it is larger than {MOST_BYTES} bytes"
        return
    for entry in entries:
        yield from _form_faults(entry)
        if entry.filename == MANIFEST:
            continue
        if entry.filename not in named:
            yield f"{entry.filename}: is in the ZIP and not in the manifest"
        else:
            yield from _entry_faults(archive, entry, named[entry.filename])


def _form_faults(entry: zipfile.ZipInfo) -> Iterator[str]:
    name = entry.filename
    if name.startswith("/") or "\\" in name or ":" in name or not set(name.split("/")).isdisjoint({"", ".", ".."}):
        yield f"{name}: expected a path inside the bundle"
    if stat.S_IFMT(entry.external_attr >> 16) != stat.S_IFREG:
        yield f"{name}: expected a regular file"
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or entry.flag_bits & 1:
        yield f"{name}: expected it stored or deflated, and not encrypted"


def _entry_faults(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, named: dict[str, Any]) -> Iterator[str]:
    found, size = hashlib.sha256(), 0
    try:
        with archive.open(entry) as stream:
            while size <= named["size"] and (block := stream.read(_CHUNK)):
                found.update(block)
                size += len(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        yield f"{entry.filename}: cannot be read: {error}"
        return
    if size != named["size"]:
        yield f"{entry.filename}: expected {named['size']} bytes, was {'more' if size > named['size'] else size}"
    elif found.hexdigest() != str(named["sha256"]).removeprefix("sha256:"):
        yield f"{entry.filename}: expected {named['sha256']}, was sha256:{found.hexdigest()}"


def main() -> None:
    """Check one bundle; exit 0 when it is whole, 1 when it is not, 2 when it is none."""
    parser = argparse.ArgumentParser(description="Is a release bundle whole, and whose is it?")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--signers", type=Path, help="an allowed_signers file of OpenSSH")
    asked = parser.parse_args()
    try:
        found = verify(asked.bundle, read_signers(asked.signers))
    except NoBundleError as error:
        sys.exit(_say([str(error)], "FAIL", 2))
    sys.exit(
        _say(
            [*found.faults, *say_signature(found, asked=asked.signers is not None)],
            "FAIL" if found.faults else "OK",
            bool(found.faults),
        )
    )


def say_signature(found: Verified, *, asked: bool) -> list[str]:
    """Say loudly what is known of who made it; ``asked`` is whether signers were given."""
    if found.signer is not None:
        return [f"signed by {found.signer}"]
    if not found.signed:
        return ["UNSIGNED: nothing says who made it"]
    return [] if asked else ["signed; NOT CHECKED by whom: give --signers FILE"]


def _say(lines: list[str], word: str, code: int) -> int:
    sys.stdout.write("".join(f"{line}\n" for line in [*lines, f"| bundle | {word} | BUNDLE={word} |"]))
    return code


if __name__ == "__main__":
    main()
