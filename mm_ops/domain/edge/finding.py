"""From a stored edge report to one finding; light, since the location loads it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mm_ops.domain.edge.limits import QualityLimit
from mm_ops.domain.verdict import Finding, Severity, Verdict

NAME = "identity"
_HELD = "the quotes hold the fills"
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


def measured_finding(report: Mapping[str, Any], least: float) -> Finding:
    """Judge by how many fills an edge report speaks: of too few, nothing is decided.

    Args:
        report: as stored.
        least: the share (0 to 1) of the window's fills that must have a mid.
    """
    share, without = report["quality"]["measured_share"], report["quality"]["fills_without_quote"]
    fills = report["total"]["fills"]
    enough = share is not None and share >= least
    few = f"{fills} of {fills + without} fills have a quote before them, at least {least:.4g} of them must"
    return Finding(
        gate="measured",
        severity=Severity.HARD,
        verdict=Verdict.PASS if enough else Verdict.INCONCLUSIVE,
        reason=few if enough else f"{few}: are the quotes of the fills' time, and on the same clock?",
        unit="ratio",
        bound="at_least",
        value=share,
        limit=least,
        margin=None if share is None else share - least,
    )


def believable_finding(report: Mapping[str, Any], limits: Iterable[QualityLimit]) -> Finding:
    """Judge whether quotes and fills belong together: where something is beyond a limit, nothing is decided.

    Args:
        report: as stored.
        limits: of ``quality``; a field that could not be measured, as a side of the mid where nobody says who took,
            speaks against nothing here.
    """
    quality = report["quality"]
    breaches = [limit.find_breach(quality) for limit in limits if quality.get(limit.name) is not None]
    beyond = "; ".join(breach for breach in breaches if breach)
    return Finding(
        gate="believable",
        severity=Severity.HARD,
        verdict=Verdict.INCONCLUSIVE if beyond else Verdict.PASS,
        reason=f"{beyond} (readiness.yaml, edge): see --alternatives for other clocks" if beyond else _HELD,
    )
