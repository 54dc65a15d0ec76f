"""What a bundle says of itself: every file with its size, digest and purpose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mm_ops.domain.canonical import digest

MANIFEST = "MANIFEST.json"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a bundle and what it is for."""

    data: bytes
    description: str


def build_manifest(
    *, bot: str, version: str, day: date, built_by: str, members: Mapping[str, Member], missing: Sequence[str] = ()
) -> dict[str, object]:
    """Describe every member; the manifest itself is not among them. READY says that nothing is missing, else PARTIAL.

    It carries no time of its own: the same evidence gives the same bundle, whenever it is built.

    Raises:
        ValueError: a path is absolute, climbs out, or is the manifest's own.
    """
    for path in members:
        if path == MANIFEST or path.startswith("/") or ".." in path.split("/") or "\\" in path:
            raise ValueError(f"expected a relative path inside the bundle, was {path!r}")
    return {
        "bot": bot,
        "version": version,
        "day": day,
        "built_by": built_by,
        "result": "PARTIAL" if missing else "READY",
        "missing": list(missing),
        "files": [
            {
                "path": path,
                "size": len(item.data),
                "sha256": digest(item.data),
                "description": item.description,
            }
            for path, item in sorted(members.items())
        ],
    }
