"""From stored comparisons to one finding."""

from collections.abc import Iterator, Mapping
from typing import Any

from mm_ops.domain.verdict import Finding, Verdict, none_allowed, some

NAME = "no_drift"


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
        verdict, reason = Verdict.INCONCLUSIVE, some(unrecorded)
    else:
        verdict, reason = Verdict.PASS, f"{len(cases)} cases equal their baselines: {', '.join(cases)}"
    unused = document.get("unreferenced")
    found = len(drifts) + len(crept)
    told = f"{reason}; baselines that no case names: {', '.join(unused)}" if unused else reason
    return none_allowed(NAME, verdict, told, found if cases else None, unit="differences")


def _failures(drifts: list[str], crept: list[str]) -> Iterator[str]:
    if drifts:
        yield f"{len(drifts)} differences: {some(drifts)}"
    if crept:
        yield f"{len(crept)} numbers crept: {some(crept)}"


def _unrecorded(cases: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for case in cases:
        if case not in records:
            yield f"{case}: nothing says who accepted its baseline"
        else:
            yield from (f"{case}: {text}" for text in records[case]["unrecorded"])
