"""The score: six sections over the days, and HOLD unless every one is full, nothing is missing and every gate passes.

A section for which any of the days lacks its field scores 0 and is listed under ``missing``: a median of the days that
happen to be there would let the worst day hide by not reporting. A hard gate that is not a pass holds at any score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mm_ops.domain.readiness.evidence import DayEvidence
from mm_ops.domain.readiness.formulas import FORMULAS, Formula
from mm_ops.domain.readiness.hard import HardGate, find_dominating
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.readiness.what_if import GO, HOLD, Between, Flip, find_flips, one_less, one_more, score_interval


@dataclass(frozen=True, slots=True)
class Section:
    """Points of one section, the most it can give, the value they come from (null when missing), and why.

    ``values`` are those of the days, oldest first, null where one is missing; ``one_less`` and ``one_more`` are what a
    day less or more would make of the points (:mod:`mm_ops.domain.readiness.what_if`), null where it is not known.
    """

    score: float
    points: float
    value: float | None
    reason: str
    values: tuple[float | None, ...]
    one_less: Between | None = None
    one_more: Between | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """The verdict with its sections, what was expected and is not there, and how near it is to the other verdict."""

    verdict: str
    score: float
    sections: Mapping[str, Section]
    missing: Sequence[str]
    reasons: Sequence[str]
    interval: Between
    flips: Sequence[Flip]


def score_readiness(
    days: Sequence[DayEvidence], expected: Sequence[date], policy: ReadinessPolicy, gates: Sequence[HardGate]
) -> Readiness:
    """Score the expected days; evidence of other days is left out.

    Args:
        days: what is known, one entry a day.
        expected: the days that must be there, oldest first.
        policy: points and thresholds.
        gates: what each hard gate of the last day answered.
    """
    known = {day.date: day for day in days}
    wanted = [known.get(day, DayEvidence(date=day, absent=(f"{day}: nothing is stored",))) for day in expected]
    missing = [text for day in wanted for text in (*day.absent, *day.missing())]
    points = policy.points()
    sections = {name: _score(wanted, points[name], formula(policy)) for name, formula in FORMULAS.items()}
    score = sum(section.score for section in sections.values())
    dominating = find_dominating(gates)
    full = bool(wanted) and not missing and all(item.score == item.points for item in sections.values())
    verdict = GO if full and not dominating else HOLD
    reasons = [f"{name}: {item.reason}" for name, item in sections.items() if item.score < item.points]
    return Readiness(
        verdict,
        score,
        sections,
        missing,
        [*dominating, *reasons],
        score_interval(wanted, policy),
        find_flips(wanted, policy, verdict=verdict, held_elsewhere=bool(dominating)),
    )


def _score(days: Sequence[DayEvidence], points: float, formula: Formula) -> Section:
    values = tuple(getattr(day, formula.field) for day in days)
    absent = values.count(None)
    plain = tuple(None if value is None else float(value) for value in values)
    if absent or not values:
        return Section(0.0, points, None, f"{formula.field} is missing on {absent} of {len(values)} days", plain)
    known = [float(value) for value in values]
    share, value, reason = formula.result(known)
    return Section(
        points * share,
        points,
        value,
        reason,
        plain,
        one_less(known, points, formula),
        one_more(known, points, formula),
    )
