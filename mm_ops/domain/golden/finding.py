"""From stored comparisons to one finding."""

from collections.abc import Iterator, Mapping
from typing import Any

from mm_ops.domain.verdict import Finding, Severity, Verdict

NAME = "no_drift"
_SHOWN = 3


def drift_finding(document: Mapping[str, Any]) -> Finding:
    """Judge ``golden/drift.json``.

    Pass only when at least one case was compared, none drifted, none has crept further than the policy allows, and
    somebody's acceptance of every baseline is on record.
    """
    cases: Mapping[str, list[Mapping[str, Any]]] = document["cases"]
    records: Mapping[str, Mapping[str, Any]] = document.get("acceptances", {})
    drifts = [f"{case} {drift['path']}: {drift['why']}" for case, found in cases.items() for drift in found]
    crept = [f"{case} {text}" for case, one in records.items() for text in one["creep"]]
    if not cases:
        verdict, reason = Verdict.INCONCLUSIVE, "no pinned case was compared"
    elif drifts or crept:
        verdict, reason = Verdict.FAIL, "; ".join(_failures(drifts, crept))
    elif unrecorded := list(_unrecorded(cases, records)):
        verdict, reason = Verdict.INCONCLUSIVE, _some(unrecorded)
    else:
        verdict, reason = Verdict.PASS, f"{len(cases)} cases equal their baselines: {', '.join(cases)}"
    unused = document.get("unreferenced")
    found = len(drifts) + len(crept)
    return Finding(
        gate=NAME,
        severity=Severity.HARD,
        verdict=verdict,
        reason=f"{reason}; baselines that no case names: {', '.join(unused)}" if unused else reason,
        unit="differences",
        bound="at_most",
        value=float(found) if cases else None,
        limit=0.0,
        margin=0.0 - found if cases else None,
    )


def _failures(drifts: list[str], crept: list[str]) -> Iterator[str]:
    if drifts:
        yield f"{len(drifts)} differences: {_some(drifts)}"
    if crept:
        yield f"{len(crept)} numbers crept: {_some(crept)}"


def _unrecorded(cases: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for case in cases:
        if case not in records:
            yield f"{case}: nothing says who accepted its baseline"
        else:
            yield from (f"{case}: {text}" for text in records[case]["unrecorded"])


def _some(texts: list[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return f"{'; '.join(texts[:_SHOWN])}{more}"
