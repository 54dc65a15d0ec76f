"""The packages that a release runs on, as CycloneDX 1.5 has it, from the lock file and with its digests.

Source: CycloneDX 1.5 JSON reference (read 2026-11). It has no serial number and no time: the same lock gives the same
bytes.
"""

import re
from typing import Any

from mm_ops.domain.errors import SchemaError

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([A-Za-z0-9.!+_-]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")


def build_sbom(lock: str, version: str) -> dict[str, Any]:
    """List every pinned package with the digests that may be installed.

    Args:
        lock: a requirements file with hashes.
        version: that of mm_ops.

    Raises:
        SchemaError: nothing is pinned, or a package has no digest.
    """
    entries = [
        entry for entry in lock.replace("\\\n", " ").splitlines() if entry and not entry.lstrip().startswith("#")
    ]
    components = [_component(entry) for entry in entries]
    if not components:
        raise SchemaError("requirements.lock: expected pinned packages, was none")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "mm_ops", "version": version}},
        "components": sorted(components, key=lambda item: (item["name"], item["version"])),
    }


def _component(entry: str) -> dict[str, Any]:
    found, digests = _PINNED.match(entry), _HASH.findall(entry)
    if found is None or not digests:
        raise SchemaError(f"requirements.lock: expected name==version with a sha256, was {entry.strip()[:60]!r}")
    name, version = found[1].lower().replace("_", "-"), found[2]
    purl = f"pkg:pypi/{name}@{version}"
    hashes = [{"alg": "SHA-256", "content": digest} for digest in digests]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "externalReferences": [{"type": "distribution", "url": purl, "hashes": hashes}],
    }
