"""What goes into a bundle, and that it is still what was materialised."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.release.guard import latest_materialisation
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops.domain.release.manifest import Member

_REPORTS = {
    names.SOAK_METRICS: "every SLI over the soak window",
    names.GATES_SUMMARY: "every gate's verdict with its evidence",
    names.SOAK_RESULTS: "the soak, for people",
    names.EDGE_REPORT: "the day's edge, with its identity",
    names.READINESS: "GO or HOLD over the last days, with what it rests on",
}
_PROJECT_FILES = {"README.md": "how to run and read it", "CHANGELOG.md": "what changed"}


def refuse_if_altered(instance: dg.DagsterInstance, keys: BotKeys, evidence: BotEvidence, day: date) -> None:
    """Compare each input with the digest that its materialisation recorded.

    Raises:
        IntegrityError: a stored file is not the one that was materialised, hence not the one that was judged.
        MissingEvidenceError: an input was never materialised, or its file is gone.
    """
    for key, its_day, name in (
        (keys.soak_findings, day, evidence.report(day, names.GATES_SUMMARY)),
        (keys.edge_report, day, evidence.report(day, names.EDGE_REPORT)),
        (keys.readiness_score, day, evidence.report(day, names.READINESS)),
        (keys.golden_report, None, evidence.golden_drift()),
    ):
        event = latest_materialisation(instance, key, its_day)
        if event is None:
            raise MissingEvidenceError(f"{key.to_user_string()}: never materialised for {its_day or 'any day'}")
        recorded, found = str(event.metadata["digest"].value), digest(evidence.read(name))
        if recorded != found:
            where = evidence.address(name)
            raise IntegrityError(f"{where}: altered since it was materialised: expected {recorded}, found {found}")


def collect_members(site: Site, bot: Bot, evidence: BotEvidence, day: date) -> dict[str, Member]:
    """Read every file of the bundle.

    Raises:
        MissingEvidenceError: one is not there.
    """
    members = {"VERSION": Member(f"{bot.version}\n".encode(), "the bot's version that was judged")}
    members |= dict(_project_files(site))
    for name, description in _REPORTS.items():
        members[f"reports/{name}"] = Member(evidence.read(evidence.report(day, name)), description)
    drift = evidence.read_json(evidence.golden_drift())
    for case in sorted(drift["cases"]):
        data = evidence.read(evidence.golden(case))
        members[f"golden/EDGE_REPORT_{case}.json"] = Member(data, "a pinned case through the edge code")
    return members


def _project_files(site: Site) -> Iterator[tuple[str, Member]]:
    for name, description in _PROJECT_FILES.items():
        path = site.path(name)
        if not path.is_file():
            raise MissingEvidenceError(f"{path}: the bundle needs it and it is not there")
        yield name, Member(path.read_bytes(), description)
    for path in sorted(site.environment().policies.glob("*.yaml")):
        yield f"policies/{path.name}", Member(path.read_bytes(), "the numbers that it was judged by")
