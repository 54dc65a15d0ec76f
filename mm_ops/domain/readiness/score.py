"""The score: six sections over the days, and HOLD unless every one is full and nothing is missing.

A section for which any of the days lacks its field scores 0 and is listed under ``missing``: a median of the days that
happen to be there would let the worst day hide by not reporting.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from mm_ops.domain.readiness.evidence import DayEvidence
from mm_ops.domain.readiness.policy import ReadinessPolicy

GO, HOLD = "GO", "HOLD"


@dataclass(frozen=True, slots=True)
class Section:
    """Points of one section, the most it can give, the value they come from (null when missing), and why."""

    score: float
    points: float
    value: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """The verdict with its sections, and everything that was expected and is not there."""

    verdict: str
    score: float
    sections: Mapping[str, Section]
    missing: Sequence[str]
    reasons: Sequence[str]


Formula = Callable[[Sequence[float]], tuple[float, float, str]]
"""From one value a day to: the share of the points (0 to 1), the value it comes from, and the reason in words."""


def score_readiness(days: Sequence[DayEvidence], expected: Sequence[date], policy: ReadinessPolicy) -> Readiness:
    """Score the expected days; evidence of other days is left out.

    Args:
        days: what is known, one entry a day.
        expected: the days that must be there, oldest first.
        policy: points and thresholds.
    """
    known = {day.date: day for day in days}
    wanted = [known.get(day, DayEvidence(date=day, absent=(f"{day}: nothing is stored",))) for day in expected]
    missing = [text for day in wanted for text in (*day.absent, *day.missing())]
    points = policy.points()
    sections = {
        name: _score(wanted, field, points[name], formula) for name, (field, formula) in _formulas(policy).items()
    }
    score = sum(section.score for section in sections.values())
    full = bool(wanted) and not missing and all(item.score == item.points for item in sections.values())
    reasons = [f"{name}: {item.reason}" for name, item in sections.items() if item.score < item.points]
    return Readiness(GO if full else HOLD, score, sections, missing, reasons)


def _formulas(policy: ReadinessPolicy) -> dict[str, tuple[str, Formula]]:
    full_edge, full_age, full_taker = policy.edge.full_at_bps, policy.latency.full_at_ms, policy.taker.full_at_share
    return {
        "edge": ("net_edge_bps", lambda values: _more_is_better(values, full_edge, "bps")),
        "latency": ("order_age_p95_ms", lambda values: _less_is_better(values, full_age, "ms")),
        "taker": ("taker_share", lambda values: _less_is_better(values, full_taker, "of notional")),
        "guards": ("guard_trips", _days_without),
        "chaos": ("chaos_ok", _every_day),
        "tests": ("tests_ok", _every_day),
    }


def _score(days: Sequence[DayEvidence], field: str, points: float, formula: Formula) -> Section:
    values = [getattr(day, field) for day in days]
    absent = values.count(None)
    if absent or not values:
        return Section(0.0, points, None, f"{field} is missing on {absent} of {len(values)} days")
    share, value, reason = formula([float(item) for item in values])
    return Section(points * share, points, value, reason)


def _more_is_better(values: Sequence[float], full_at: float, unit: str) -> tuple[float, float, str]:
    middle = median(values)
    share = min(1.0, max(0.0, middle / full_at))
    return share, middle, f"median {middle:.4g} {unit}, full at {full_at:g} or more"


def _less_is_better(values: Sequence[float], full_at: float, unit: str) -> tuple[float, float, str]:
    middle = median(values)
    share = 1.0 if middle <= full_at else full_at / middle
    return share, middle, f"median {middle:.4g} {unit}, full at {full_at:g} or less"


def _days_without(values: Sequence[float]) -> tuple[float, float, str]:
    clean = sum(trips == 0 for trips in values)
    return clean / len(values), float(clean), f"{clean} of {len(values)} days without a guard trip"


def _every_day(values: Sequence[float]) -> tuple[float, float, str]:
    good = sum(answer == 1 for answer in values)
    return float(good == len(values)), float(good), f"OK on {good} of {len(values)} days"
