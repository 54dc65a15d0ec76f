"""What a scan says: each finding with whether somebody has looked at it, and one verdict.

A finding that no valid entry of the baseline excuses fails, and so does an entry that is unaudited, has expired, or
would last longer than the policy lets one. Whatever was not read to its end, or nothing read at all, is inconclusive.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from mm_ops.domain.secrets.policy import Known, SecretsPolicy
from mm_ops.domain.secrets.scan import Hit
from mm_ops.domain.verdict import Finding, Verdict, none_allowed, some

NO_SECRETS = "no_secrets"


@dataclass(frozen=True, slots=True)
class Unread:
    """A file, or a part of one, that was not read to its end, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """Everything that was looked at below some roots.

    ``hits`` are by path, that of a file in an archive after a ``!``; ``left`` counts files that were left by policy, by
    the end of their name; ``links`` counts symbolic links, which are not followed, and ``devices`` what is neither file
    nor folder.
    """

    roots: Sequence[str]
    files: int
    size_bytes: int
    inside: int
    left: Mapping[str, int]
    links: int
    devices: int
    hits: Sequence[tuple[str, Hit]]
    unread: Sequence[Unread]

    @property
    def counts(self) -> str:
        """How much was looked at, in words."""
        left = "".join(f", {count} {ending} left" for ending, count in self.left.items())
        read = f"{self.files} files ({self.size_bytes:,} bytes) and {self.inside} inside archives"
        return f"{read}{left}, {self.links} links and {self.devices} devices not followed"


def secrets_document(scanned: Scanned, policy: SecretsPolicy, today: date) -> dict[str, Any]:
    """Judge a scan; no secret is in what comes out, only where one is and by what it is known again.

    How much was read is not in it: the artifacts grow, and the same findings are to give the same bytes.
    """
    known = {(item.rule, item.path, item.fingerprint): item for item in policy.baseline}
    faults = {key: fault for key, item in known.items() if (fault := _fault(item, policy, today))}
    keys = [(hit.rule, path, hit.fingerprint) for path, hit in scanned.hits]
    findings = [
        {
            "path": path,
            **asdict(hit),
            "known": _known(known.get(key), faults.get(key)),
            "open": key not in known or key in faults,
        }
        for key, (path, hit) in zip(keys, scanned.hits, strict=True)
    ]
    return {
        "roots": [*scanned.roots],
        "anything_read": scanned.files > 0,
        "left": sorted(scanned.left),
        "findings": findings,
        "open": sum(item["open"] for item in findings),
        "unread": [asdict(item) for item in scanned.unread],
        "baseline_faults": [f"{' '.join(key)}: {fault}" for key, fault in faults.items()],
        "baseline_unused": [" ".join(key) for key in known if key not in keys],
    }


def secrets_finding(document: Mapping[str, Any]) -> Finding:
    """Judge what :func:`secrets_document` says."""
    reasons, unread = list(_against(document)), [f"{item['path']}: {item['why']}" for item in document["unread"]]
    if reasons:
        verdict, reason = Verdict.FAIL, some(reasons)
    elif unread:
        verdict, reason = Verdict.INCONCLUSIVE, f"not read to the end: {some(unread)}"
    elif not document["anything_read"]:
        verdict, reason = Verdict.INCONCLUSIVE, "no file was read"
    else:
        verdict, reason = Verdict.PASS, _clean(document)
    count = document["open"] if document["anything_read"] else None
    return none_allowed(NO_SECRETS, verdict, reason, count, unit="findings")


def _fault(item: Known, policy: SecretsPolicy, today: date) -> str | None:
    if item.expires > policy.latest(today):
        return (
            f"expires {item.expires}, and {policy.latest(today)} is the latest day that an entry may: look at it again"
        )
    return item.fault(today)


def _known(item: Known | None, fault: str | None) -> str | None:
    if item is None:
        return None
    return f"{item.state} by {item.by} until {item.expires}" if fault is None else f"in the baseline, but {fault}"


def _against(document: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{item['rule']} in {item['path']}:{item['line']}" for item in document["findings"] if item["open"])
    yield from (f"baseline: {fault}" for fault in document["baseline_faults"])


def _clean(document: Mapping[str, Any]) -> str:
    known = len(document["findings"])
    found = f"{known} found, each of them known and audited" if known else "none found"
    left = f"; left by policy: {', '.join(document['left'])}" if document["left"] else ""
    return f"{found} in {' and '.join(document['roots'])}{left}"
