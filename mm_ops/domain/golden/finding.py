"""From stored comparisons to one finding."""

from collections.abc import Mapping
from typing import Any

from mm_ops.domain.verdict import Finding, Severity, Verdict

NAME = "no_drift"
_SHOWN = 3


def drift_finding(document: Mapping[str, Any]) -> Finding:
    """Judge ``golden/drift.json``: pass only when at least one case was compared and none drifted."""
    cases: Mapping[str, list[Mapping[str, Any]]] = document["cases"]
    drifts = [f"{case} {drift['path']}: {drift['why']}" for case, found in cases.items() for drift in found]
    if not cases:
        verdict, reason = Verdict.INCONCLUSIVE, "no pinned case was compared"
    elif drifts:
        more = f" and {len(drifts) - _SHOWN} more" if len(drifts) > _SHOWN else ""
        verdict, reason = Verdict.FAIL, f"{len(drifts)} differences: {'; '.join(drifts[:_SHOWN])}{more}"
    else:
        verdict, reason = Verdict.PASS, f"{len(cases)} cases equal their baselines: {', '.join(cases)}"
    return Finding(
        gate=NAME,
        severity=Severity.HARD,
        verdict=verdict,
        reason=reason,
        unit="differences",
        bound="at_most",
        value=float(len(drifts)) if cases else None,
        limit=0.0,
        margin=0.0 - len(drifts) if cases else None,
    )
