"""This soak against the known-good release's: is an SLI worse than it was, by more than is tolerated?

    worse(x, y) = (loc(x) - loc(y)) · (+1 where lower is better, -1 where higher is)
    excess      = worse - relative · |loc(y)| - absolute,   for loc = mean and loc = median
    interval    = the (1 - confidence) and the confidence quantile of excess over resampled x and y (:mod:`.bootstrap`)
    fail        = the whole interval above 0, for either location
    pass        = the whole interval at or below 0, for both; else inconclusive

Buckets are what is resampled. The mean sees a heavy minority, as when a counter is mostly 0 and both medians are; the
median sees a shift of most buckets that one bad hour of the known-good soak would hide from the mean. A rank test
alone would see neither the size nor, among many zeros, the difference; Cliff's delta is told beside, as the size
of the effect, and decides nothing. Each end of the interval holds at ``confidence`` by itself.

An all-zero baseline has no scale to be relative to. Where lower is better, a single bucket beyond ``absolute`` fails.
None in n buckets is no proof that there are none: at ``confidence`` c it may be so in a share of

    unseen = 1 - (1 - c)^(1/n)       (3/n at 95 %, the rule of three)

of them, and that is a pass only up to ``max_unseen``, which says how little was compared. Source: Hanley and
Lippman-Hand (1983), J. American Medical Association 249(13). Where higher is better an all-zero baseline says nothing,
hence inconclusive. So is a known-good soak that was measured at the same time as this one, if only in part: it may be
this one.
"""

from collections.abc import Callable
from dataclasses import dataclass as plain
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.soak.bootstrap import resample
from mm_ops.domain.soak.bucket_rules import Baseline
from mm_ops.domain.soak.rank_statistics import cliffs_delta
from mm_ops.domain.soak.sides import Side, find_misfits, find_overlap, find_shortfall, find_usable
from mm_ops.domain.soak.words import in_unit, percent
from mm_ops.domain.verdict import Finding, Verdict

DRAWS = 2000
"""Resampled pairs of soaks. Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap: from 1,000 on for
the ends of an interval."""

NOT_NAMED = "no known-good soak to compare with: name the release whose soak is the reference"

Array = NDArray[np.float64]
_LOCATIONS: dict[str, Callable[[Array], Array]] = {
    "mean": lambda values: np.asarray(values.mean(axis=-1)),
    "median": lambda values: np.asarray(np.median(values, axis=-1)),
}
_EFFECTS = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"), (np.inf, "large"))
"""Source: Romano et al. (2006), annual meeting of the Florida Association of Institutional Research."""


@plain(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two soaks by one location: both values, and the ends of the interval of the excess."""

    location: str
    this: float
    that: float
    limit: float
    low: float
    high: float


def evaluate_baseline(
    rule: Baseline, this: Side, known_good: Side | None, window: str, query: str | None, *, not_named: str = NOT_NAMED
) -> Finding:
    """Judge one comparison.

    Args:
        rule: what is tolerated.
        this: the soak that is judged.
        known_good: the one it is compared with; ``None`` where no release is named.
        window: the window in words, for the finding.
        query: the whole-window PromQL, for the finding.
        not_named: what to say where ``known_good`` is ``None``: how to name one.
    """
    about = Finding(
        gate=rule.name,
        severity=rule.severity,
        verdict=Verdict.INCONCLUSIVE,
        reason=not_named,
        unit=rule.unit,
        bound=rule.bound.value,
        samples=this.measurement.samples if this.measurement else None,
        coverage=this.measurement.coverage if this.measurement else None,
        longest_gap_s=this.measurement.longest_gap_s if this.measurement else None,
        window=window,
        query=query,
    )
    if known_good is None:
        return about
    mine, other = find_usable(rule, rule.sli, this), find_usable(rule, rule.sli, known_good)
    if isinstance(mine, str) or isinstance(other, str):
        return replace(about, reason="; ".join(one for one in (mine, other) if isinstance(one, str)))
    overlap = find_overlap(mine, other)
    misfits = [overlap] if overlap else find_misfits(rule.sli, rule.unit, mine, other)
    if misfits:
        return replace(about, reason="; ".join(misfits))
    judged = _judge(rule, about, mine.points, other.points)
    return _weigh(judged, find_shortfall(rule, rule.sli, (mine, other)))


def compare(rule: Baseline, this: Array, that: Array) -> list[Comparison]:
    """Compare two soaks by every location; both (n_points,), finite, in order of time."""
    random = np.random.default_rng(rule.seed)
    drawn_this, drawn_that = resample(this, DRAWS, random), resample(that, DRAWS, random)
    found = []
    for name, location in _LOCATIONS.items():
        excess = rule.excess(location(drawn_this), location(drawn_that))
        low, high = np.quantile(excess, [1 - rule.confidence, rule.confidence])
        was = location(that)
        limit = was + rule.tolerated(was) * (1 if rule.better == "lower" else -1)
        found.append(
            Comparison(
                location=name,
                this=float(location(this)),
                that=float(was),
                limit=float(limit),
                low=float(low),
                high=float(high),
            )
        )
    return found


def _weigh(judged: Finding, shortfall: str) -> Finding:
    """Let evidence that falls short turn a pass into an inconclusive, and nothing into a pass."""
    if not shortfall or judged.verdict is Verdict.INCONCLUSIVE:
        return judged
    if judged.verdict is Verdict.FAIL:
        return replace(judged, reason=f"{judged.reason} (on partial data: {shortfall})")
    return replace(judged, verdict=Verdict.INCONCLUSIVE, reason=f"{judged.reason}; but {shortfall}")


def _judge(rule: Baseline, about: Finding, this: Array, that: Array) -> Finding:
    return _judge_shift(rule, about, this, that) if that.any() else _judge_zeros(rule, about, this)


def _judge_zeros(rule: Baseline, about: Finding, this: Array) -> Finding:
    if rule.better == "higher":
        return replace(
            about, reason=f"{rule.sli}: the known-good soak is zero in every bucket: nothing to compare with"
        )
    worst = float(this.max())
    beyond = int((this > rule.absolute).sum())
    about = replace(about, value=worst, limit=rule.absolute, margin=rule.absolute - worst)
    reason = f"{rule.sli} was zero in every bucket of the known-good soak"
    allowed = in_unit(rule.absolute, rule.unit)
    if beyond:
        reason = f"{reason} and beyond {allowed} in {beyond} of {this.size} now, up to {in_unit(worst, rule.unit)}"
        return replace(about, verdict=Verdict.FAIL, reason=reason)
    now = f"at most {in_unit(worst, rule.unit)} now, within {allowed}" if this.any() else "ZERO IN EVERY ONE now"
    unseen = 1 - (1 - rule.confidence) ** (1 / this.size)
    told = f"{reason} and {now}: nothing was compared but the absence, which leaves {percent(unseen)} of buckets unseen"
    enough = f"at {percent(rule.confidence)}, at most {percent(rule.max_unseen)}"
    if unseen > rule.max_unseen:
        return replace(about, reason=f"{told} {enough}: {this.size} buckets are too few to tell")
    return replace(about, verdict=Verdict.PASS, reason=f"{told} {enough}")


def _judge_shift(rule: Baseline, about: Finding, this: Array, that: Array) -> Finding:
    compared = compare(rule, this, that)
    worst = max(compared, key=lambda one: (one.low > 0, one.high > 0, -rule.bound.margin(one.this, one.limit)))
    about = replace(about, value=worst.this, limit=worst.limit, margin=rule.bound.margin(worst.this, worst.limit))
    reason = f"{_describe(rule, worst)}; {_effect(rule, this, that)}"
    if worst.low > 0:
        return replace(about, verdict=Verdict.FAIL, reason=f"{reason}: worse beyond chance and tolerance")
    if worst.high > 0:
        return replace(about, reason=f"{reason}: too uncertain to tell")
    return replace(about, verdict=Verdict.PASS, reason=reason)


def _describe(rule: Baseline, one: Comparison) -> str:
    was, now, limit, low, high = (in_unit(x, rule.unit) for x in (one.that, one.this, one.limit, one.low, one.high))
    told = f"{rule.sli} was {now} in the {one.location} of buckets, {was} in the known-good soak"
    return f"{told}, {rule.bound.words} {limit}; beyond it by {low} to {high} at {percent(rule.confidence)} each end"


def _effect(rule: Baseline, this: Array, that: Array) -> str:
    delta = cliffs_delta(this, that) if rule.better == "lower" else cliffs_delta(that, this)
    word = next(word for least, word in _EFFECTS if abs(delta) < least)
    return f"Cliff's delta towards worse {delta:.2f} ({word}), {this.size} and {that.size} points"
