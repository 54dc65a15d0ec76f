"""What goes into a bundle, and that it is still what was materialised and judged."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.adapters.bundle import VERIFIER, Member, verifier
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.overrides import judge_readiness
from mm_ops.defs.records import read_unaltered, recorded_digests
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops.domain.provenance import find_departures
from mm_ops.domain.verdict import Finding, Verdict

_DESCRIPTIONS = {
    names.SOAK_METRICS: "every SLI over the soak window",
    names.GATES_SUMMARY: "every gate's verdict with its evidence",
    names.SOAK_RESULTS: "the soak, for people",
    names.SOAK_PAGE: "the soak with its charts, for a browser",
    names.EDGE_REPORT: "the day's edge, with its identity",
    names.EDGE_TEXT: "the day's edge, for people",
    names.EDGE_PAGE: "the day's edge with its pictures, for a browser",
    names.EDGE_REJECTS: "rows of fills and quotes that were left out, with the reason",
    names.READINESS: "GO or HOLD over the last days, with what it rests on",
    names.READINESS_TEXT: "readiness, for people",
    names.READINESS_PAGE: "readiness with its history, for a browser",
    names.SECRETS_SCAN: "what was looked through for secrets, and what was found",
    names.PRE_LIVE_PACK: "how every dry run before going live ended",
    names.GOLDEN_DRIFT: "every difference of a pinned case from its signed-off report",
}
PROVENANCE, JUDGEMENT = "evidence/provenance.intoto.json", "evidence/test-result.intoto.json"
_GOLDEN_CASE = "a pinned case through the edge code"
_PROJECT_FILES = {"README.md": "how to run and read it", "CHANGELOG.md": "what changed"}
_DEPLOYED = {
    "deploy/prometheus/*.yml": "what Prometheus evaluates",
    "deploy/alertmanager/*.yml": "where alerts go",
    "deploy/grafana/dashboards/*.json": "the dashboard",
    "deploy/cron/*.yaml": "which tasks are watched",
    "deploy/bot/*.yaml": "what the bot obeys",
}


@dataclass(frozen=True, slots=True)
class Reports:
    """The files that the inputs' materialisations wrote, by artifact name; ``documents`` are those of JSON, read."""

    digests: Mapping[str, str]
    documents: Mapping[str, Any]

    def document(self, file: str) -> Any:
        """The one report of that file name."""
        return next(found for name, found in self.documents.items() if name.rsplit("/", 1)[-1] == file)


def judged_assets(keys: BotKeys, *, pack: bool = False) -> list[dg.AssetKey]:
    """The assets of a day whose reports ship, the pre-live pack where the release asks for it."""
    judged = [keys.soak_metrics, keys.soak_findings, keys.edge_report, keys.readiness_score, keys.secrets_scan]
    return [*judged, keys.pre_live_pack] if pack else judged


def read_reports(
    instance: dg.DagsterInstance, keys: BotKeys, evidence: BotEvidence, day: date, *, pack: bool = False
) -> Reports:
    """Find every file that the inputs' materialisations wrote, and read the documents among them.

    Raises:
        IntegrityError: a document is not the one that was materialised, hence not the one that was judged; the other
            files are compared while they are packed.
        MissingEvidenceError: an input was never materialised, or its file is gone.
    """
    found: dict[str, str] = {}
    for key, its_day in (*((key, day) for key in judged_assets(keys, pack=pack)), (keys.golden_report, None)):
        found |= recorded_digests(instance, key, its_day)
    documents = {
        name: json.loads(read_unaltered(evidence, name, stated))
        for name, stated in found.items()
        if name.endswith(".json")
    }
    return Reports(found, documents)


def find_outdated(site: Site, bot: Bot, evidence: BotEvidence, day: date, *, pack: bool = False) -> list[str]:
    """List what any input rests on that is no longer there as it was: evidence, a policy, the bot's version."""
    current = site.current(bot)
    found: list[str] = []
    for name in (
        evidence.report(day, names.SOAK_METRICS),
        evidence.report(day, names.GATES_SUMMARY),
        evidence.report(day, names.EDGE_REPORT),
        evidence.report(day, names.READINESS),
        evidence.report(day, names.SECRETS_SCAN),
        evidence.golden_drift(),
        *([evidence.report(day, names.PRE_LIVE_PACK)] if pack else []),
    ):
        document = evidence.find_json(name)
        found += [f"{name}: not stored yet"] if document is None else find_departures(document, current, where=name)
    readiness = evidence.find_json(evidence.report(day, names.READINESS))
    if readiness is not None and readiness.get("override"):
        judged = judge_readiness(readiness, site)  # once more: an override may have expired since the check
        found += [] if judged.verdict is Verdict.PASS else [f"{judged.gate}: {judged.reason}"]
    return list(dict.fromkeys(found))


def collect_members(site: Site, bot: Bot, evidence: BotEvidence, reports: Reports) -> dict[str, Member]:
    """Name every file of the bundle but its evidence.

    Raises:
        MissingEvidenceError: a file of the project is not there.
    """
    members = {"VERSION": Member(f"{bot.version}\n".encode(), "the bot's version that was judged")}
    members[VERIFIER] = Member(verifier(), "checks this bundle; needs nothing but Python")
    members |= dict(_project_files(site))
    for name, stated in reports.digests.items():
        folder, file = name.rsplit("/", 2)[-2:]
        about = _DESCRIPTIONS.get(file, _GOLDEN_CASE)
        members[f"{folder}/{file}"] = Member(evidence.source(name), about, stated)
    return members


def refuse_secrets(site: Site, members: Mapping[str, Member]) -> dict[str, Member]:
    """Look into what is to be packed, whatever an earlier scan said of the files that it comes from.

    Returns:
        The members with the digests of what was looked at: nothing else may be packed.

    Raises:
        IntegrityError: a secret is in it, or it could not be read to its end.
    """
    seen: dict[str, Member] = {}

    def parts() -> Iterator[tuple[str, bytes]]:
        for path, member in members.items():
            data = member.content if isinstance(member.content, bytes) else _read(member.content)
            seen[path] = member if member.digest is not None else replace(member, digest=digest(data))
            yield path, data

    finding = find_secrets(site, parts())
    if finding.verdict is not Verdict.PASS:
        raise IntegrityError(f"the bundle is refused for what it would hold: {finding.reason}")
    return seen


def find_secrets(site: Site, parts: Iterator[tuple[str, bytes]]) -> Finding:
    """Judge names and bytes by the policy on secrets."""
    from mm_ops.adapters.secret_files import SecretFiles
    from mm_ops.domain.secrets.policy import SecretsPolicy
    from mm_ops.domain.secrets.report import secrets_document, secrets_finding

    policy = site.policy("secrets.yaml", SecretsPolicy)
    scanned = SecretFiles(policy, site.live_clock().monotonic).scan_bytes(parts)
    return secrets_finding(secrets_document(scanned, policy, site.now().date()))


def _project_files(site: Site) -> Iterator[tuple[str, Member]]:
    for name, description in _PROJECT_FILES.items():
        path = site.path(name)
        if not path.is_file():
            raise MissingEvidenceError(f"{path}: the bundle needs it and it is not there")
        yield name, Member(path, description)
    for path in sorted(site.environment().policies.glob("*.yaml")):
        data = path.read_bytes()
        yield f"policies/{path.name}", Member(data, "the numbers that it was judged by", digest(data))
    for pattern, description in _DEPLOYED.items():
        for path in sorted(site.path(".").glob(pattern)):
            yield path.relative_to(site.path(".")).as_posix(), Member(path, description)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MissingEvidenceError(f"{path}: cannot be read: {error.strerror}") from error
