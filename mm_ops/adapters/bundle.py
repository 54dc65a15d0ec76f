"""Packs a bundle so that the same members give the same bytes, anywhere and at any time, and seals it."""

import hashlib
import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from mm_ops.adapters import bundle_verify, signatures
from mm_ops.adapters.bundle_verify import MAGIC, UNSIGNED
from mm_ops.domain.errors import IntegrityError

VERIFIER = "verify.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can name
_UNIX = 3
_MODE = 0o100644 << 16

Sign = Callable[[bytes], bytes]
"""From a message to its signature."""


def pack(members: Mapping[str, bytes], sign: Sign | None = None) -> bytes:
    """Make a sealed ZIP of the members, sorted by name, with fixed times and modes: see :mod:`.bundle_verify`.

    Equal members give equal bytes on machines with the same zlib, signed or not, as Ed25519 signs the same the same;
    elsewhere the digests in the manifest are what is equal.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            archive.writestr(entry, members[name], compresslevel=9)
    return seal(buffer.getvalue(), sign)


def seal(data: bytes, sign: Sign | None) -> bytes:
    """Put the seal into the comment of a ZIP that has none."""
    body = data[:-2]
    stated = f"sha256:{hashlib.sha256(body).hexdigest()}\n".encode()
    signature = sign(stated) if sign is not None else b""
    mark = f"sha256:{hashlib.sha256(signature).hexdigest()}".encode() if signature else UNSIGNED
    comment = MAGIC + stated + mark + b"\n" + signature
    return body + struct.pack("<H", len(comment)) + comment


def verifier() -> bytes:
    """The program that checks a bundle, as it goes into each: the two modules that it is made of, in one file."""
    own = f"from {signatures.__name__} import find_signer\n"
    parts = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in (signatures, bundle_verify)]
    if parts[1].count(own) != 1:
        raise IntegrityError(f"{bundle_verify.__file__}: expected one line that reads: {own.strip()}")
    return "\n\n".join((parts[0].rstrip(), parts[1].replace(own, ""))).encode()
