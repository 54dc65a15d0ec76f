"""The three answers, the evidence behind each, and how many answers make one.

Evidence that is missing, stale, partial, NaN, ambiguous or unreachable is ``INCONCLUSIVE``: its own answer,
never a pass (promise P1).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

_SHOWN = 3


class Verdict(StrEnum):
    """What a gate answers."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Severity(StrEnum):
    """A hard gate blocks unless it passes; a soft one warns."""

    HARD = "hard"
    SOFT = "soft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One gate's verdict with its evidence and its reason; passes carry theirs too.

    ``value``, ``limit`` and ``margin`` are in ``unit``; ``margin`` is the room left before the limit,
    negative beyond it. ``samples`` and ``coverage`` (0 to 1) are those of the worst series;
    ``longest_gap_s`` is in seconds and counts the head and the tail of the window. ``None`` means that it
    could not be measured.
    """

    gate: str
    severity: Severity
    verdict: Verdict
    reason: str
    unit: str = ""
    bound: str = ""
    value: float | None = None
    limit: float | None = None
    margin: float | None = None
    samples: int | None = None
    coverage: float | None = None
    longest_gap_s: float | None = None
    window: str | None = None
    query: str | None = None

    @property
    def hard(self) -> bool:
        """Whether it blocks unless it passes."""
        return self.severity is Severity.HARD


def none_allowed(
    gate: str, verdict: Verdict, reason: str, count: int | None, *, unit: str, severity: Severity = Severity.HARD
) -> Finding:
    """Say what a gate answers that allows none of what it counts; ``count`` is ``None`` where nobody could count."""
    return Finding(
        gate=gate,
        severity=severity,
        verdict=verdict,
        reason=reason,
        unit=unit,
        bound="at_most",
        value=None if count is None else float(count),
        limit=0.0,
        margin=None if count is None else 0.0 - count,
    )


def some(texts: Sequence[str]) -> str:
    """The first few of many reasons, and how many more there are: one line that a person reads."""
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return f"{'; '.join(texts[:_SHOWN])}{more}"


def combine(findings: Iterable[Finding], expected: AbstractSet[str]) -> Verdict:
    """Fold findings, strictest first; ``expected`` names every hard gate that must have exactly one finding.

    A fail stays a fail however little else is known; with no fail, a hard gate that is absent, doubled or
    unknown makes the whole inconclusive, and so does having nothing to judge.
    """
    hard = [finding for finding in findings if finding.hard]
    seen = {finding.verdict for finding in hard}
    if Verdict.FAIL in seen:
        return Verdict.FAIL
    if not expected or Counter(finding.gate for finding in hard) != Counter(expected):
        return Verdict.INCONCLUSIVE
    return Verdict.INCONCLUSIVE if Verdict.INCONCLUSIVE in seen else Verdict.PASS


def exit_code(verdict: Verdict) -> int:
    """0 pass, 1 fail, 2 could not decide: the same everywhere (design §9)."""
    return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 2}[verdict]


def conclude(findings: Iterable[Finding], expected: AbstractSet[str], last: AbstractSet[str]) -> int:
    """Fold findings into an exit code; those named in ``last`` (the readiness) speak only after the others.

    So a gate that could not be decided says 2 even where readiness, which saw the same hole, says HOLD.
    """
    seen = list(findings)
    first = combine((finding for finding in seen if finding.gate not in last), expected - last)
    if first is not Verdict.PASS and expected - last:
        return exit_code(first)
    return exit_code(combine(seen, expected))
