"""From a stored edge report to one finding on its inputs; light, since the location loads it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mm_ops.domain.verdict import Finding, Severity, Verdict

NAME = "inputs"


def inputs_finding(report: Mapping[str, Any]) -> Finding:
    """Judge what was left out of a report because it was faulty, or because nobody knows who took.

    A report without the section, or without rows, shows nothing, and is inconclusive.
    """
    section = report.get("intake")
    bare = Finding(
        gate=NAME,
        severity=Severity.HARD,
        verdict=Verdict.INCONCLUSIVE,
        reason="the report does not say what was left out of its inputs",
        unit="ratio",
        bound="at_most",
        limit=None,
    )
    if section is None:
        return bare
    limit = section["max_rejected_share"]
    shares = {kind: section[kind]["rejected_share"] for kind in ("fills", "quotes")}
    if None in shares.values():
        empty = " and ".join(kind for kind, share in shares.items() if share is None)
        return replace(bare, limit=limit, reason=f"there are no {empty}: no share of them can be known")
    worst = max(shares, key=lambda kind: shares[kind])
    found = replace(bare, limit=limit, value=shares[worst], margin=limit - shares[worst])
    if shares[worst] > limit:
        reason = f"{shares[worst]:.3g} of the {worst} were rejected, at most {limit:g} is allowed"
        return replace(found, verdict=Verdict.FAIL, reason=reason)
    if "alike_without_id" not in section["fills"] or "max_crossed_share" not in section:
        return replace(found, reason="the report does not say how many fills are alike and quotes crossed")
    return _judge_alike(found, section)


def _judge_alike(found: Finding, section: Mapping[str, Any]) -> Finding:
    """Decide nothing where many fills were dropped that may have been partial fills of one order."""
    alike, rows = section["fills"]["alike_without_id"], section["fills"]["rows"]
    if alike["treat"] == "drop" and alike["count"] > section["max_rejected_share"] * rows:
        reason = (
            f"{alike['count']} of {rows} fills are like an earlier one, have no fill_id and were dropped, at most"
            f" {found.limit:g} of them may be: partial fills look so too (inputs.yaml, duplicates, without_id)"
        )
        return replace(found, reason=reason)
    return _judge_books(found, section)


def _judge_books(found: Finding, section: Mapping[str, Any]) -> Finding:
    crossed, rows, most = section["books"]["crossed"]["count"], section["quotes"]["taken"], section["max_crossed_share"]
    if crossed > most * rows:
        reason = f"{crossed} of {rows} quotes have a bid above the ask, at most {most:g} of them may: are they swapped?"
        return replace(found, verdict=Verdict.FAIL, reason=reason)
    return _judge_sides(found, section)


def _judge_sides(found: Finding, section: Mapping[str, Any]) -> Finding:
    inferred, most = section["aggressor"], section["max_unknown_share"]
    if inferred is not None and inferred["unknown_share"] is None:
        return replace(found, reason="there are no prints: no share of unknown sides can be known")
    if inferred is not None and inferred["unknown_share"] > most:
        reason = f"of {inferred['unknown_share']:.3g} of the prints nobody knows who took, at most {most:g} is allowed"
        return replace(found, verdict=Verdict.FAIL, reason=reason)
    reason = f"{found.value:.3g} of the rows were rejected, at most {found.limit:g} is allowed"
    return replace(found, verdict=Verdict.PASS, reason=reason)
