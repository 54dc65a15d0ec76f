"""What a bundle says of itself: every file with its size, digest and purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

MANIFEST = "MANIFEST.json"


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a bundle: its path there, its size in bytes, its digest, and what it is for."""

    path: str
    size: int
    digest: str
    description: str


def build_manifest(
    *, bot: str, version: str, day: date, built_by: str, files: Sequence[Listed], missing: Sequence[str] = ()
) -> dict[str, object]:
    """Describe every file; the manifest itself is not among them. READY says that nothing is missing, else PARTIAL.

    It carries no time of its own: the same evidence gives the same bundle, whenever it is built.

    Raises:
        ValueError: a path is absolute, climbs out, or is the manifest's own.
    """
    for item in files:
        if item.path == MANIFEST or item.path.startswith("/") or ".." in item.path.split("/") or "\\" in item.path:
            raise ValueError(f"expected a relative path inside the bundle, was {item.path!r}")
    return {
        "bot": bot,
        "version": version,
        "day": day,
        "built_by": built_by,
        "result": "PARTIAL" if missing else "READY",
        "missing": list(missing),
        "files": [
            {"path": item.path, "size": item.size, "sha256": item.digest, "description": item.description}
            for item in sorted(files, key=lambda item: item.path)
        ],
    }
