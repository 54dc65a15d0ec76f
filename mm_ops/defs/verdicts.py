"""Stored evidence as Dagster shows it: check results, severities, metadata."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from mm_ops.adapters.artifacts import Stored
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.defs.automation import daily, partition_day
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import night_pool
from mm_ops.defs.records import DIGESTS, read_recorded
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, SchemaError
from mm_ops.domain.provenance import find_departures
from mm_ops.domain.verdict import Finding, Severity, Verdict

Judge = Callable[[Any], Finding]
Locate = Callable[[BotEvidence, date | None], str]


def report_of_day(report: str) -> Locate:
    """Locate a day's report by its name."""

    def locate(evidence: BotEvidence, day: date | None) -> str:
        if day is None:
            raise MissingEvidenceError(f"no day was asked for, and {report} is stored by day")
        return evidence.report(day, report)

    return locate


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One check on stored evidence: ``locate`` says where it lies, ``judge`` gets the JSON found there.

    ``first_day`` is ``None`` for evidence that has no days. ``judge_at`` judges instead where the answer depends on
    the site too, such as its clock.
    """

    asset: dg.AssetKey
    name: str
    severity: Severity
    blocking: bool
    first_day: date | None
    locate: Locate
    judge: Judge
    judge_at: Callable[[Any, Site], Finding] | None = None
    description: str


def gate_check(bot: Bot, gate: Gate) -> dg.AssetChecksDefinition:
    """Build the asset check of a gate: it reads what is stored, so it runs alone and judges nothing else."""

    @dg.asset_check(
        asset=gate.asset,
        name=gate.name,
        blocking=gate.blocking,
        partitions_def=daily(gate.first_day) if gate.first_day else None,
        pool=night_pool(bot.name) if gate.asset in BotKeys(bot.name).all else None,
        description=gate.description,
        metadata={"severity": gate.severity.value},
    )
    def check(context: dg.AssetCheckExecutionContext, site: Site) -> dg.AssetCheckResult:
        day = partition_day(context) if gate.first_day else None
        return check_result(find(gate, site, bot, day, context.instance))

    return check


def find(gate: Gate, site: Site, bot: Bot, day: date | None, instance: dg.DagsterInstance) -> Finding:
    """Judge what is stored.

    Evidence that is absent, unreadable, altered since it was materialised, or made from other evidence or policies than
    those that are there now is inconclusive, with the reason.
    """
    evidence = site.evidence(bot)
    try:
        name = gate.locate(evidence, day)
        document = evidence.read_json(name)
        read_recorded(instance, gate.asset, day, evidence)
        departures = find_departures(document, site.current(bot), where=name)
        if departures:
            return _inconclusive(gate, "; ".join(departures))
        return gate.judge(document) if gate.judge_at is None else gate.judge_at(document, site)
    except (MissingEvidenceError, IntegrityError, SchemaError) as error:
        return _inconclusive(gate, str(error))


def _inconclusive(gate: Gate, reason: str) -> Finding:
    return Finding(gate=gate.name, severity=gate.severity, verdict=Verdict.INCONCLUSIVE, reason=reason)


def check_result(finding: Finding) -> dg.AssetCheckResult:
    """Pass only on ``pass``; a hard finding is an ERROR, a soft one a WARN. The evidence goes along."""
    severity = dg.AssetCheckSeverity.ERROR if finding.hard else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        passed=finding.verdict is Verdict.PASS,
        severity=severity,
        description=finding.reason,
        metadata={name: value for name, value in to_plain(finding).items() if value is not None},
    )


def finding_of(evaluation: dg.AssetCheckEvaluation) -> Finding:
    """Read back the finding that :func:`check_result` put into a check's metadata."""
    fields: dict[str, Any] = {
        name: value.value for name, value in evaluation.metadata.items() if name in Finding.__slots__
    }
    return Finding(**{**fields, "severity": Severity(fields["severity"]), "verdict": Verdict(fields["verdict"])})


def materialised(*stored: Stored, markdown: str | None = None, **facts: Any) -> dg.MaterializeResult[Any]:
    """Say what was found, where it is written, and under which digest; the first is the asset's value."""
    metadata = {name: value for name, value in facts.items() if value is not None}
    if markdown is not None:
        metadata["report"] = dg.MetadataValue.md(markdown)
    for item in stored:
        file = item.address.rsplit("/", 1)[-1]
        if item.link is not None and file.endswith(".html"):
            metadata[f"open {file}"] = dg.MetadataValue.url(item.link)
        metadata[file] = dg.MetadataValue.path(item.address)
    metadata |= {
        "digest": stored[0].digest,
        "size_bytes": stored[0].size,
        DIGESTS: dg.MetadataValue.json({item.name: item.digest for item in stored}),
    }
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(stored[0].digest))
