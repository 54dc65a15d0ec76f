"""Every day of a readiness file read again from the reports that it says it rests on.

A file can carry the digest of a report and say something else than the report. What was read once and what is read now
must be the same, field by field; a file may only say less, and why: reports that Dagster had not on record, or that
rested on what was no longer there, counted as absent when it was made, and their bytes alone do not show that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from mm_ops.domain.readiness.evidence import FIELDS, DayReports, read_day
from mm_ops.domain.readiness.last_day import SoakRules, judge_last_day
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.readiness.structure import shown

KINDS: Mapping[str, str] = {
    "edge": "edge_report.json",
    "soak": "soak_metrics.json",
    "chaos": "chaos_drill.json",
    "tests": "test_results.json",
}


def find_contradictions(
    document: Mapping[str, Any],
    n: int,
    reports: Mapping[str, Mapping[str, Any]],
    policy: ReadinessPolicy,
    *,
    symbols: Sequence[str] | None,
) -> list[str]:
    """List in which ways one day of a sound readiness file is not what its reports say.

    Args:
        document: the file, without problems.
        n: which of its ``days``.
        reports: what is stored under the names in ``inputs``, parsed.
        policy: what the file was decided with.
        symbols: those that the bot trades every day; ``None`` where no policy says it, and then all that any of the
            reports names.
    """
    return list(_walk(document, n, reports, policy, _traded(reports) if symbols is None else symbols))


def find_other_gates(
    document: Mapping[str, Any], reports: Mapping[str, Mapping[str, Any]], rules: SoakRules
) -> list[str]:
    """List which hard gate of a sound readiness file is not what the last day's stored reports give.

    A report that the file says it doubts counts as absent here too.
    """
    used, _, _ = _used(document, len(document["days"]) - 1, reports)
    again = judge_last_day(used["edge"], used["soak"], rules, document["version"])
    stated = {one["gate"]: one for one in document["gates"]}
    wanted = {one.gate: asdict(one) for one in again}
    return [
        f"gates: {name}: expected {shown(wanted.get(name, 'none'))} from the stored reports, was "
        f"{shown(stated.get(name, 'none'))}"
        for name in sorted({*stated, *wanted})
        if stated.get(name) != wanted.get(name)
    ]


def find_strangeness(document: Mapping[str, Any], version: str) -> list[str]:
    """Say when a file was made for another version of its bot than the one that is judged."""
    stated = document["version"]
    return [] if stated == version else [f"version: expected {version}, which bots.yaml names, was {stated}"]


def _traded(reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    edges = [report for name, report in reports.items() if name.endswith(f"/{KINDS['edge']}")]
    return sorted({symbol for report in edges for symbol in report["by_symbol"]})


def _walk(
    document: Mapping[str, Any],
    n: int,
    reports: Mapping[str, Mapping[str, Any]],
    policy: ReadinessPolicy,
    symbols: Sequence[str],
) -> Iterator[str]:
    row = document["days"][n]
    day, absent = date.fromisoformat(row["date"]), row["absent"]
    used, names, doubted = _used(document, n, reports)
    for kind, report in used.items():
        if report is not None and report.get("stored_as") != names[kind]:
            yield f"inputs: {names[kind]}: expected what was stored as it, was {shown(report.get('stored_as'))}"
    again = read_day(day, DayReports(**used), policy, version=document["version"], symbols=symbols)
    for field in FIELDS:
        if row[field] != getattr(again, field):
            expected = f"expected {shown(getattr(again, field))} from the stored reports of {day}"
            yield f"days[{n}].{field}: {expected}, was {shown(row[field])}"
    least = list(again.absent)
    if absent[: len(least)] != least:
        yield f"days[{n}].absent: expected {shown(least)} from the stored reports of {day}, was {shown(absent)}"
    elif doubted and absent == least:
        yield f"days[{n}].absent: says that {names[doubted[0]]} is not stored, which it is, and not why it is doubted"


def _used(
    document: Mapping[str, Any], n: int, reports: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Mapping[str, Any] | None], dict[str, str], list[str]]:
    """Of one day: the reports that were read by kind, their names, and the kinds that were doubted."""
    row = document["days"][n]
    day, absent = row["date"], row["absent"]
    names = {kind: f"{document['bot']}/{day}/reports/{report}" for kind, report in KINDS.items()}
    doubted = [kind for kind in KINDS if names[kind] in reports and f"{day}: no {kind} report is stored" in absent]
    used = {kind: None if kind in doubted else reports.get(name) for kind, name in names.items()}
    return used, names, doubted
