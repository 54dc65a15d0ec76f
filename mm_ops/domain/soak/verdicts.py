"""From a stored measurement to findings, and to one verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mm_ops.domain.sli.measurement import Measurement
from mm_ops.domain.soak.gate import evaluate_gate
from mm_ops.domain.soak.metrics import entries_from, measurements_from
from mm_ops.domain.soak.policy import Gate, SoakPolicy
from mm_ops.domain.soak.summary import field_of
from mm_ops.domain.verdict import Finding, Verdict, combine


def judge(soak_metrics: Mapping[str, Any], policy: SoakPolicy, *, version: str | None) -> list[Finding]:
    """Judge every gate on what is stored; one finding for each gate, in the policy's order.

    A window or scrape interval other than the policy's makes what would pass inconclusive: its coverage and sample
    counts were not measured against this policy. So does another bot's version than ``version``, where a gate compares
    it: a soak speaks for the version that ran.

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
        finding = _compare_version(finding, gate, measured.get(gate.sli), version)
        if misfit and finding.verdict is Verdict.PASS:
            finding = replace(finding, verdict=Verdict.INCONCLUSIVE, reason=f"{finding.reason}; but {misfit}")
        findings.append(finding)
    return findings


def _compare_version(finding: Finding, gate: Gate, measurement: Measurement | None, version: str | None) -> Finding:
    if gate.version_label is None or measurement is None or finding.verdict is not Verdict.PASS:
        return finding
    ran = measurement.labels.get(gate.version_label)
    if version is None or ran is None:
        unknown = f"the label {gate.version_label} is absent" if ran is None else "no version was named to compare with"
        return replace(finding, verdict=Verdict.INCONCLUSIVE, reason=f"{unknown}, so nothing says which version ran")
    if ran != version:
        return replace(finding, verdict=Verdict.FAIL, reason=f"version {ran} ran, and {version} is judged")
    return replace(finding, reason=f"version {ran} ran: {finding.reason}")


def fold(findings: Sequence[Finding], policy: SoakPolicy) -> Verdict:
    """Fold the findings against the hard gates that the policy expects."""
    return combine(findings, policy.hard_gates)


def _find_misfit(soak_metrics: Mapping[str, Any], policy: SoakPolicy) -> str | None:
    for name, what, expected in (
        ("window_s", "window", policy.window),
        ("scrape_interval_s", "scrape interval", policy.scrape_interval),
    ):
        seconds = field_of(soak_metrics, name, (int, float))
        if seconds != expected.total_seconds():
            return f"the {what} was {seconds:g} s where the policy asks for {expected.total_seconds():g} s"
    return None
