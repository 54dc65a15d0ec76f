"""What a bundle carries so that others can tell how it was made, how it was judged, and what it runs on."""

from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg

from mm_ops import __version__
from mm_ops.adapters import evidence as names
from mm_ops.adapters.bundle import Member
from mm_ops.adapters.own_code import code_digest
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.overrides import judge_readiness
from mm_ops.defs.records import materialising_run
from mm_ops.defs.release.inputs import JUDGEMENT, PROVENANCE, Reports, judged_assets
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import encode
from mm_ops.domain.edge.finding import identity_finding
from mm_ops.domain.edge.inputs_finding import inputs_finding
from mm_ops.domain.golden.finding import drift_finding
from mm_ops.domain.prelive.finding import pack_finding
from mm_ops.domain.release.sbom import build_sbom
from mm_ops.domain.release.statements import judgement, provenance
from mm_ops.domain.secrets.report import secrets_finding
from mm_ops.domain.soak.summary import findings_from
from mm_ops.domain.verdict import Finding

LOCK, SBOM = "requirements.lock", "evidence/sbom.cdx.json"


def describe_evidence(
    site: Site, bot: Bot, day: date, members: Mapping[str, Member], reports: Reports
) -> dict[str, Member]:
    """Say how the reports were made and judged, and what mm_ops runs on, as other tools read it.

    Raises:
        SchemaError: a report is not what its name says, or the lock file pins nothing.
    """
    known = {path: item.digest for path, item in members.items() if item.digest is not None}
    files = {path: found for path, found in known.items() if path.startswith(("reports/", "golden/"))}
    policies = {path.removeprefix("policies/"): found for path, found in known.items() if "policies/" in path}
    inputs: dict[str, str | None] = {}
    for basis in reports.documents.values():
        inputs |= basis.get("inputs", {}) | basis.get("sources", {})
    statements = {
        PROVENANCE: provenance(
            bot=bot.name,
            version=bot.version,
            day=day,
            made_by=__version__,
            code=code_digest(),
            files=files,
            policies=policies,
            inputs=inputs,
        ),
        JUDGEMENT: judgement(findings_of(reports, site), files, policies),
    }
    said = {
        PROVENANCE: "in-toto: what the reports were made from, and by what",
        JUDGEMENT: "in-toto: how they were judged, gate by gate, with the numbers",
    }
    return {path: Member(encode(statement), said[path]) for path, statement in statements.items()}


def input_runs(instance: dg.DagsterInstance, keys: BotKeys, day: date) -> dict[str, str | None]:
    """Name the run that made each input, for Dagster's metadata: equal evidence of other runs is an equal bundle."""
    made = [(key, day) for key in judged_assets(keys)] + [(keys.golden_report, None)]
    return {key.to_user_string(): materialising_run(instance, key, its_day) for key, its_day in made}


def find_sbom(site: Site) -> dict[str, Member]:
    """List the packages of the lock file; nothing where there is no lock file.

    Raises:
        SchemaError: it pins nothing.
    """
    path = site.path(LOCK)
    if not path.is_file():
        return {}
    bill = build_sbom(path.read_text(encoding="utf-8"), __version__)
    return {SBOM: Member(encode(bill), "CycloneDX: every package that mm_ops runs on, with its digests")}


def findings_of(reports: Reports, site: Site) -> Iterator[Finding]:
    """What every gate says of some reports now: an override counts until it expires."""
    yield from findings_from(reports.document(names.GATES_SUMMARY))
    yield identity_finding(reports.document(names.EDGE_REPORT))
    yield inputs_finding(reports.document(names.EDGE_REPORT))
    yield drift_finding(reports.document(names.GOLDEN_DRIFT))
    yield judge_readiness(reports.document(names.READINESS), site)
    yield secrets_finding(reports.document(names.SECRETS_SCAN))
    yield from (pack_finding(one) for name, one in reports.documents.items() if name.endswith(names.PRE_LIVE_PACK))
