"""From a stored readiness file to one finding."""

from collections.abc import Mapping
from typing import Any

from mm_ops.domain.readiness.score import GO
from mm_ops.domain.verdict import Finding, Severity, Verdict

IS_GO = "is_go"
_FULL = 100.0
_SHOWN = 3


def readiness_finding(document: Mapping[str, Any]) -> Finding:
    """Judge the word of a readiness file: GO passes, HOLD fails with its reasons."""
    reasons = [*document["reasons"], *document["missing"]]
    more = f" and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    go = document["verdict"] == GO
    return Finding(
        gate=IS_GO,
        severity=Severity.HARD,
        verdict=Verdict.PASS if go else Verdict.FAIL,
        reason="GO: every section is full" if go else f"HOLD: {'; '.join(reasons[:_SHOWN])}{more}",
        unit="points",
        bound="at_least",
        value=document["score"],
        limit=_FULL,
        margin=document["score"] - _FULL,
    )
