"""The check on drift between the committed dashboards and those in Grafana."""

from collections.abc import Mapping, Sequence

from mm_ops.domain.grafana.differences import Difference
from mm_ops.domain.verdict import Finding, Severity, Verdict, none_allowed, some

NO_DASHBOARD_DRIFT = "no_dashboard_drift"

Looked = Sequence[Difference] | str
"""What was found at one place: differences, or why nobody could look."""


def dashboard_finding(looked: Mapping[str, Looked]) -> Finding:
    """Judge what was found by place (``environment/uid``).

    A difference is a fail, whatever else could not be seen; nothing looked at is no evidence, and inconclusive.
    """
    lines = [f"{place}: {one}" for place, found in looked.items() if not isinstance(found, str) for one in found]
    blind = [f"{place}: {found}" for place, found in looked.items() if isinstance(found, str)]
    if lines:
        told = f"{some(lines)}: mm-ops grafana import, or export and commit what is there"
        return _finding(Verdict.FAIL, told, len(lines))
    if blind:
        return _finding(Verdict.INCONCLUSIVE, "; ".join(blind), None)
    if not looked:
        return _finding(Verdict.INCONCLUSIVE, "no Grafana is named in grafana.yaml: nothing was compared", None)
    return _finding(Verdict.PASS, f"{len(looked)} dashboards are what is committed", 0)


def _finding(verdict: Verdict, reason: str, count: int | None) -> Finding:
    return none_allowed(NO_DASHBOARD_DRIFT, verdict, reason, count, unit="differences", severity=Severity.SOFT)
