"""From a stored edge report to one finding; light, since the location loads it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mm_ops.domain.verdict import Finding, Severity, Verdict

NAME = "identity"
TOLERANCE = 1e-9
"""Relative. Source: design, section 4: the sums of a year's doubles stay a thousand times below it."""


def identity_finding(report: Mapping[str, Any]) -> Finding:
    """Judge a stored edge report; without fills there is nothing that could hold."""
    identity = report["identity"]
    bare = Finding(
        gate=NAME,
        severity=Severity.HARD,
        verdict=Verdict.INCONCLUSIVE,
        reason="no fill could be measured",
        unit="relative",
        bound="at_most",
        limit=TOLERANCE,
    )
    if identity["holds"] is None:
        return bare
    worst = max(identity["capture_error"], identity["money_error"])
    reason = f"the two counts of the money differ by {worst:.2g} (relative), at most {TOLERANCE:g} is allowed"
    verdict = Verdict.PASS if identity["holds"] else Verdict.FAIL
    return replace(bare, verdict=verdict, value=worst, margin=TOLERANCE - worst, reason=reason)
