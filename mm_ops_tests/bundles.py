"""Bundles of a few small files for the tests: whole ones, and what somebody who knows the seal makes of them."""

import io
import json
import stat
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mm_ops.adapters.bundle import Member, SealedStream, Sign, build
from mm_ops.domain.canonical import encode
from mm_ops.domain.release.manifest import Listed

ABOUT = {"bot": "paper", "version": "1.0.0", "day": "2026-11-20", "result": "READY", "missing": []}


def describe(files: Sequence[Listed]) -> bytes:
    listed = [{"path": f.path, "size": f.size, "sha256": f.digest, "description": f.description} for f in files]
    return encode({**ABOUT, "files": listed})


def pack(files: Mapping[str, bytes | Path], sign: Sign | None = None, **about: object) -> bytes:
    """A whole bundle."""
    stream = io.BytesIO()
    build(
        stream,
        {name: Member(content, f"about {name}") for name, content in files.items()},
        lambda listed: encode({**json.loads(describe(listed)), **about}),
        sign,
    )
    return stream.getvalue()


def seal(archive: bytes) -> bytes:
    """A ZIP without a comment, sealed."""
    stream = io.BytesIO()
    sealed = SealedStream(stream)
    sealed.write(archive)
    sealed.finish(None)
    return stream.getvalue()


def sealed_zip(files: Mapping[str, bytes]) -> bytes:
    """Any files in a ZIP, sealed: with or without a manifest, and whatever that says."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(regular(name), data)
    return seal(buffer.getvalue())


def regular(name: str, kind: int = stat.S_IFREG, how: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (kind | 0o644) << 16
    entry.compress_type = how
    return entry
