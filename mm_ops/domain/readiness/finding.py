"""From a stored readiness file to one finding."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mm_ops.domain.readiness.override import override_words
from mm_ops.domain.readiness.what_if import GO, HOLD
from mm_ops.domain.verdict import Finding, Severity, Verdict, some

IS_GO = "is_go"
OVERRIDDEN = "HOLD, overridden"
_FULL = 100.0


def readiness_finding(document: Mapping[str, Any], refused: Sequence[str] | None = None) -> Finding:
    """Judge a readiness file: GO passes where all of it says so, HOLD fails with its reasons.

    A word that the rest of the file does not carry, and one that is neither, is inconclusive.

    Args:
        document: the file.
        refused: why its override does not count now; empty where it does, and then a HOLD passes, and says whose
            override it passes by. ``None`` where nobody looked, and then it counts as none.
    """
    verdict, reason = _judge(document)
    if verdict is Verdict.FAIL and document.get("override"):
        verdict, reason = _pass_over(document["override"], reason, refused)
    value = _number(document.get("score"))
    return Finding(
        gate=IS_GO,
        severity=Severity.HARD,
        verdict=verdict,
        reason=reason,
        unit="points",
        bound="at_least",
        value=value,
        limit=_FULL,
        margin=None if value is None else value - _FULL,
    )


def _judge(document: Mapping[str, Any]) -> tuple[Verdict, str]:
    word = document.get("verdict")
    if word == HOLD:
        reasons = [str(text) for name in ("reasons", "missing") for text in _texts(document.get(name))]
        return Verdict.FAIL, f"HOLD: {some(reasons) or 'it gives no reason'}"
    if word != GO:
        return Verdict.INCONCLUSIVE, f"expected GO or HOLD, was {word!r}"
    doubts = list(_doubts(document))
    if doubts:
        return Verdict.INCONCLUSIVE, f"says GO, and {some(doubts)}"
    return Verdict.PASS, "GO: every section is full"


def _pass_over(override: Mapping[str, Any], reason: str, refused: Sequence[str] | None) -> tuple[Verdict, str]:
    if refused is None or refused or override.get("content") is None:
        why = some(list(refused)) if refused else "nobody has looked at it now"
        return Verdict.FAIL, f"{reason}; its override does not count: {why}"
    return Verdict.PASS, f"{OVERRIDDEN}: {override_words(override['content'])} ({reason})"


def _doubts(document: Mapping[str, Any]) -> Iterator[str]:
    """Say what in a file speaks against its own GO."""
    if _number(document.get("score")) != _FULL:
        yield f"its score is {document.get('score')!r}"
    for name in ("missing", "reasons"):
        found = document.get(name)
        if not isinstance(found, list | tuple):
            yield f"{name} is not said"
        elif found:
            yield f"{name}: {found[0]}"
    sections = document.get("sections")
    if not isinstance(sections, Mapping) or not sections:
        yield "it has no section"


def _texts(found: object) -> list[object]:
    return list(found) if isinstance(found, list | tuple) else []


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= sys.float_info.max else None
