"""The gate on renderings: what is committed is what the catalogue says."""

from collections.abc import Sequence

from mm_ops.domain.verdict import Finding, Verdict, none_allowed, some

NO_RULE_DRIFT = "no_rule_drift"


def drift_finding(differing: Sequence[str], faults: Sequence[str], compared: int) -> Finding:
    """Judge the comparison: ``differing`` are paths of files, ``faults`` are lines; any of either is a fail.

    Nothing compared is no evidence, and inconclusive.
    """
    lines = [f"{path} is not what the catalogue renders" for path in differing] + list(faults)
    if lines:
        return _finding(Verdict.FAIL, f"{some(lines)}: run mm-ops render", len(lines))
    if not compared:
        return _finding(Verdict.INCONCLUSIVE, "nothing was compared", None)
    return _finding(Verdict.PASS, f"{compared} files are what the catalogue renders", 0)


def not_rendered(reason: str) -> Finding:
    """State that there was nothing to compare with: the catalogue itself is impossible."""
    return _finding(Verdict.INCONCLUSIVE, f"cannot be rendered: {reason}", None)


def _finding(verdict: Verdict, reason: str, count: int | None) -> Finding:
    return none_allowed(NO_RULE_DRIFT, verdict, reason, count, unit="differences")
