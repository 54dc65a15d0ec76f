"""From a stored measurement to findings, from findings to a stored summary, and back."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.soak.gate import evaluate_gate
from mm_ops.domain.soak.metrics import entries_from, field_of, measurements_from
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.verdict import Finding, Severity, Verdict, combine

_FIELDS = frozenset(field.name for field in fields(Finding))
_ADAPTER = TypeAdapter(Finding)


def judge(soak_metrics: Mapping[str, Any], policy: SoakPolicy) -> list[Finding]:
    """Judge every gate on what is stored; one finding for each gate, in the policy's order.

    A window or scrape interval other than the policy's makes what would pass inconclusive: its coverage and sample
    counts were not measured against this policy.

    Raises:
        SchemaError: the document is not what ``measure_soak`` gives.
    """
    measured = measurements_from(soak_metrics)
    entries = entries_from(soak_metrics)
    window = field_of(soak_metrics, "window", str)
    misfit = _find_misfit(soak_metrics, policy)
    findings = []
    for gate in policy.gates:
        query = entries.get(gate.sli, {}).get("query")
        finding = evaluate_gate(gate, measured.get(gate.sli), window, query)
        if misfit and finding.verdict is Verdict.PASS:
            finding = replace(finding, verdict=Verdict.INCONCLUSIVE, reason=f"{finding.reason}; but {misfit}")
        findings.append(finding)
    return findings


def fold(findings: Sequence[Finding], policy: SoakPolicy) -> Verdict:
    """Fold the findings against the hard gates that the policy expects."""
    return combine(findings, policy.hard_gates)


def gates_summary(
    findings: Sequence[Finding], verdict: Verdict, window: str, policy_digest: Mapping[str, str] | str
) -> dict[str, Any]:
    """Summarise what the gates found, as it is stored: verdict, counts per severity, every finding."""
    counts = Counter((finding.severity, finding.verdict) for finding in findings)
    summary: dict[str, Any] = to_plain(
        {
            "verdict": verdict,
            "window": window,
            "policy_digest": policy_digest,
            "counts": {
                severity.value: {each.value: counts[severity, each] for each in Verdict} for severity in Severity
            },
            "findings": findings,
        }
    )
    return summary


def findings_from(document: Mapping[str, Any]) -> list[Finding]:
    """Read the findings back from what :func:`gates_summary` gave.

    Raises:
        SchemaError: a field is absent, unknown or of another type; names it.
    """
    stored = field_of(document, "findings", list)
    return [_finding(number, entry) for number, entry in enumerate(stored)]


def find_finding(document: Mapping[str, Any], gate: str) -> Finding:
    """Read the one finding of a gate.

    Raises:
        SchemaError: there is none, or more than one; or the document is not a summary.
    """
    found = [finding for finding in findings_from(document) if finding.gate == gate]
    if len(found) != 1:
        raise SchemaError(f"gates summary: expected one finding of {gate}, was {len(found)}")
    return found[0]


def _find_misfit(soak_metrics: Mapping[str, Any], policy: SoakPolicy) -> str | None:
    for name, what, expected in (
        ("window_s", "window", policy.window),
        ("scrape_interval_s", "scrape interval", policy.scrape_interval),
    ):
        seconds = field_of(soak_metrics, name, (int, float))
        if seconds != expected.total_seconds():
            return f"the {what} was {seconds:g} s where the policy asks for {expected.total_seconds():g} s"
    return None


def _finding(number: int, entry: Mapping[str, Any]) -> Finding:
    where = f"gates summary: findings.{number}"
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        was = sorted(entry) if isinstance(entry, dict) else type(entry).__name__
        raise SchemaError(f"{where}: expected the fields of a finding, was {was}")
    try:
        return _ADAPTER.validate_json(json.dumps(entry, allow_nan=False), strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(str(step) for step in fault["loc"])
        raise SchemaError(f"{where}.{field}: {fault['msg']}, was {fault['input']!r}") from error
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{where}: not the JSON that was stored: {error}") from error
