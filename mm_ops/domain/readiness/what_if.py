"""How sure a score is, and what would change it: hypotheses for people, which never decide anything.

``one_less``  the least and the most points when any one of the days is left out
``one_more``  the points when one more day comes that is as bad as the worst of these (or a trip, or a failure), and
              when one comes that is as good as the best
interval      the score over weeks drawn from the same days with replacement (bootstrap), each as likely as the week
              itself; a section that lacks a day gives nothing in any of them. Seven days are few: such an interval is
              rather too narrow, and it does not see what has not happened yet. Efron and Tibshirani (1993), ch. 13
flips         which single section, or which single day, turns the verdict, and from which value on
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import median
from typing import Any

from mm_ops.domain.readiness.evidence import DayEvidence
from mm_ops.domain.readiness.formulas import FORMULAS, Formula, full_at
from mm_ops.domain.readiness.policy import IntervalOfScore, ReadinessPolicy

GO, HOLD = "GO", "HOLD"

_PERFECT: Mapping[str, float | bool] = {
    "net_edge_bps": math.inf,
    "order_age_p95_ms": 0.0,
    "taker_share": 0.0,
    "guard_trips": 0.0,
    "chaos_ok": True,
    "tests_ok": True,
}


@dataclass(frozen=True, slots=True)
class Between:
    """The lowest and the highest, in points."""

    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Flip:
    """One change that alone would turn the verdict into ``to``.

    ``section`` or ``date`` is what changes, the other is null; ``now`` and ``beyond`` are a value and the one at which
    the verdict turns, in ``unit``, where the change is one of a number.
    """

    to: str
    section: str | None
    date: date | None
    now: float | None
    beyond: float | None
    unit: str
    words: str


def one_less(values: Sequence[float], points: float, formula: Formula) -> Between | None:
    """Leave each day out in turn; ``None`` where there is only one."""
    if len(values) < 2:  # noqa: PLR2004 - one left out of one leaves nothing
        return None
    found = [points * formula.share([*values[:n], *values[n + 1 :]]) for n in range(len(values))]
    return Between(min(found), max(found))


def one_more(values: Sequence[float], points: float, formula: Formula) -> Between:
    """Add a day like the worst, and one like the best."""
    found = [points * formula.share([*values, value]) for value in (formula.worst(values), formula.best(values))]
    return Between(min(found), max(found))


def score_interval(days: Sequence[DayEvidence], policy: ReadinessPolicy) -> Between:
    """The interval of ``policy.interval`` on the score of some days."""
    columns = [(points, formula, _column(days, formula.field)) for points, formula in _sections(policy)]
    known = [(points, formula, values) for points, formula, values in columns if values is not None]
    scores = sorted(
        sum(points * formula.share([values[n] for n in drawn]) for points, formula, values in known)
        for drawn in _draws(len(days), policy.interval)
    )
    tail = (1 - policy.interval.level) / 2
    last = len(scores) - 1
    return Between(scores[math.floor(tail * last)], scores[math.ceil((1 - tail) * last)])


def _draws(days: int, how: IntervalOfScore) -> Iterator[list[int]]:
    drawn = random.Random(how.seed)  # noqa: S311 - a bootstrap, not a secret
    for _ in range(how.resamples):
        yield drawn.choices(range(days), k=days) if days else []


def _sections(policy: ReadinessPolicy) -> list[tuple[float, Formula]]:
    points = policy.points()
    return [(points[name], formula(policy)) for name, formula in FORMULAS.items()]


def _column(days: Sequence[DayEvidence], field: str) -> list[float] | None:
    values = [getattr(day, field) for day in days]
    return None if None in values or not values else [float(value) for value in values]


def find_flips(
    days: Sequence[DayEvidence], policy: ReadinessPolicy, *, verdict: str, held_elsewhere: bool
) -> list[Flip]:
    """List what alone would turn the verdict, the nearest section first, then days.

    Args:
        days: those that are judged.
        policy: points and limits.
        verdict: GO or HOLD, of these days.
        held_elsewhere: whether something that is in no day and no section holds too; then nothing else flips.
    """
    if verdict == GO:
        return [*_section_margins(days, policy), *_days_that_hold(days, policy)]
    return [] if held_elsewhere else [*_sections_that_free(days, policy), *_days_that_free(days, policy)]


def is_full(days: Sequence[DayEvidence], policy: ReadinessPolicy) -> bool:
    """Whether every section is full and nothing is missing."""
    columns = [(formula, _column(days, formula.field)) for _, formula in _sections(policy)]
    whole = not any(day.absent for day in days)
    return whole and all(values is not None and formula.share(values) == 1 for formula, values in columns)


def _section_margins(days: Sequence[DayEvidence], policy: ReadinessPolicy) -> list[Flip]:
    found = []
    for name, make in FORMULAS.items():
        formula, limit = make(policy), full_at(name, policy)
        values = _column(days, formula.field) or []
        if limit is None:
            found.append((0.0, Flip(HOLD, name, None, None, None, "", f"{name}: {formula.single_failure}")))
        else:
            now = median(values)
            text = f"{name}: median {now:.4g} {formula.unit}, HOLD beyond {limit:g}: {abs(now - limit):.4g} away"
            found.append((abs(now - limit) / limit, Flip(HOLD, name, None, now, limit, formula.unit, text)))
    return [flip for _, flip in sorted(found, key=lambda item: item[0])]


def _days_that_hold(days: Sequence[DayEvidence], policy: ReadinessPolicy) -> Iterator[Flip]:
    """Days on whose single number a median hangs."""
    for name, make in FORMULAS.items():
        formula, limit = make(policy), full_at(name, policy)
        values = _column(days, formula.field)
        if limit is None or values is None:
            continue
        for n, day in enumerate(days):
            at = value_at_limit([*values[:n], *values[n + 1 :]], limit)
            worst = formula.share([*values[:n], *values[n + 1 :], formula.worst_possible])
            if worst < 1:
                text = f"{day.date}: {name} {values[n]:.4g} {formula.unit}, HOLD beyond {at:.4g}: this day alone"
                yield Flip(HOLD, None, day.date, values[n], at, formula.unit, text)


def value_at_limit(others: Sequence[float], limit: float) -> float:
    """The value that makes the median of itself and the others the limit, where one does."""
    known = sorted(others)
    return limit if len(known) % 2 == 0 else 2 * limit - known[len(known) // 2]


def _sections_that_free(days: Sequence[DayEvidence], policy: ReadinessPolicy) -> Iterator[Flip]:
    for name, make in FORMULAS.items():
        formula, limit = make(policy), full_at(name, policy)
        freed = [_with(day, **{formula.field: _PERFECT[formula.field]}) for day in days]
        if is_full(freed, policy):
            values = _column(days, formula.field)
            now = median(values) if values and limit is not None else None
            need = f"median {now:.4g} {formula.unit}, GO from {limit:g} on" if now is not None else formula.need
            yield Flip(GO, name, None, now, limit if now is not None else None, formula.unit, f"{name} alone: {need}")


def _with(day: DayEvidence, **fields: Any) -> DayEvidence:
    return replace(day, **fields)


def _days_that_free(days: Sequence[DayEvidence], policy: ReadinessPolicy) -> Iterator[Flip]:
    for n, day in enumerate(days):
        perfect = _with(DayEvidence(date=day.date), **_PERFECT)
        if is_full([*days[:n], perfect, *days[n + 1 :]], policy):
            yield Flip(GO, None, day.date, None, None, "", f"{day.date} alone: with a good day in its place it is GO")
