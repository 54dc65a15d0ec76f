"""Packs a bundle so that the same members give the same bytes, anywhere and at any time."""

import io
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can name
_UNIX = 3
_MODE = 0o100644 << 16


def pack(members: Mapping[str, bytes]) -> bytes:
    """Make a ZIP of the members, sorted by name, with fixed times and modes.

    Equal members give equal bytes on machines with the same zlib; elsewhere the digests in the manifest are what
    is equal.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            archive.writestr(entry, members[name], compresslevel=9)
    return buffer.getvalue()
