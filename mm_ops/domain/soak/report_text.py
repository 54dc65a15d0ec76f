"""``SOAK_RESULTS.md``: what people read about one soak."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from mm_ops.domain.markdown import number, signed, table
from mm_ops.domain.sli.measurement import Measurement
from mm_ops.domain.soak.metrics import entries_from, measurements_from
from mm_ops.domain.soak.summary import field_of
from mm_ops.domain.verdict import Finding, Verdict
from mm_ops.domain.windows import format_duration

_SIGNS = {"at_most": "≤", "at_least": "≥"}
_ABOUT_QUERIES = """For Prometheus, evaluated at the window's end. It extrapolates counter increases to the
window's edges, the values above do not (`mm_ops/domain/sli/counters.py` says why).
"""
_GATE_HEADER = ("gate", "severity", "verdict", "value", "limit", "margin", "reason")
_SLI_HEADER = ("indicator", "value", "samples", "coverage", "longest gap", "series", "not finite", "remark")
_ORDER = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}


def soak_markdown(metrics: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    """Write the report: worst findings first, then every SLI with its evidence and its query.

    Args:
        metrics: what ``measure_soak`` gave.
        findings: what ``judge`` made of it.

    Raises:
        SchemaError: ``metrics`` is not what ``measure_soak`` gives.
    """
    window = field_of(metrics, "window", str)
    hours = field_of(metrics, "window_s", (int, float)) / 3600
    source = metrics.get("source") or "not stated"
    return "\n".join(
        [
            "# Soak results\n",
            f"Window {window} ({hours:g} h), samples from: {source}. {_count(findings)}\n",
            "## Gates\n",
            table(_GATE_HEADER, [_gate_row(finding) for finding in sorted(findings, key=_worst_first)]),
            "## Indicators\n",
            table(_SLI_HEADER, _sli_rows(metrics)),
            "## Queries\n",
            _ABOUT_QUERIES,
            *(f"- `{name}`: `{entry.get('query')}`" for name, entry in sorted(entries_from(metrics).items())),
            "",
        ]
    )


def _worst_first(finding: Finding) -> tuple[bool, int, str]:
    return (not finding.hard, _ORDER[finding.verdict], finding.gate)


def _count(findings: Sequence[Finding]) -> str:
    counts = [
        f"{sum(finding.verdict is verdict for finding in findings)} {verdict.value}"
        for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    ]
    return f"Gates: {', '.join(counts)}."


def _gate_row(finding: Finding) -> list[str]:
    limit = f"{_SIGNS.get(finding.bound, '')} {number(finding.limit, finding.unit)}".strip()
    margin = signed(finding.margin, finding.unit)
    value = number(finding.value, finding.unit)
    return [finding.gate, finding.severity.value, finding.verdict.value, value, limit, margin, finding.reason]


def _sli_rows(metrics: Mapping[str, Any]) -> list[list[str]]:
    entries = entries_from(metrics)
    measured = measurements_from(metrics)
    return [_sli_row(name, measured[name], str(entries[name].get("unit", ""))) for name in sorted(measured)]


def _sli_row(name: str, measurement: Measurement, unit: str) -> list[str]:
    return [
        name,
        number(measurement.value, unit),
        str(measurement.samples),
        f"{measurement.coverage:.4f}",
        format_duration(timedelta(seconds=measurement.longest_gap_s)),
        str(measurement.series),
        str(measurement.not_finite),
        measurement.detail or measurement.doubt or "",
    ]
