"""A leak gate: would this SLI break its limit within a horizon, if it went on as it did in the window?

    projected = the line's value at the window's end + horizon     (:mod:`.rank_statistics`)
    value     = projected, where the trend is significant and towards the limit; else the median
    fail      = value beyond the limit, in any stretch between two restarts that is long enough

The newer half of a stretch counts as well, where it is long enough and has a significant trend towards the limit: the
median of all slopes does not see a leak that began in the middle (of 60 a day from hour 36 of 72 it saw 30). One
that began in the last part of a window, shorter than ``min_points``, is for the next soak to see.

A restart hides a leak, so each stretch between restarts is judged apart and the worst counts; the line of one that a
restart cut off goes on to the same moment, as if the process had lived. Where the stretches that are long enough
hold less than ``min_judged`` of the window there is no verdict: a process that restarts every hour must not pass.

A cycle of a day is no trend over days, but looks like one over half a day: ``min_points`` should span a whole cycle.
"""

from collections.abc import Sequence
from dataclasses import replace

from mm_ops.domain.sli.measurement import Measurement
from mm_ops.domain.soak.bucket_rules import Trend
from mm_ops.domain.soak.buckets import Buckets, SliBuckets
from mm_ops.domain.soak.needs import find_gaps, find_holes, find_unusable, points_of
from mm_ops.domain.soak.stretches import Line, Stretch, fit, newer_halves, split
from mm_ops.domain.soak.words import in_unit, percent
from mm_ops.domain.verdict import Finding, Verdict
from mm_ops.domain.windows import format_duration

_START_TIME = "the process' start time"


def evaluate_trend(
    trend: Trend, buckets: Buckets | None, measurement: Measurement | None, window: str, query: str | None
) -> Finding:
    """Judge one trend.

    Args:
        trend: the rule.
        buckets: of the window; ``None`` where none are stored.
        measurement: the SLI's over the whole window, for the evidence.
        window: the window in words, for the finding.
        query: the whole-window PromQL, for the finding.
    """
    about = Finding(
        gate=trend.name,
        severity=trend.severity,
        verdict=Verdict.INCONCLUSIVE,
        reason=f"{trend.sli} was not measured in buckets",
        unit=trend.unit,
        bound=trend.bound.value,
        limit=trend.limit,
        window=window,
        query=query,
    )
    sli = None if buckets is None else buckets.slis.get(trend.sli)
    unusable = find_unusable(trend.sli, measurement)
    if measurement is None or unusable:
        return replace(about, reason=unusable or about.reason)
    about = replace(
        about,
        samples=measurement.samples,
        coverage=measurement.coverage,
        longest_gap_s=measurement.longest_gap_s,
    )
    if buckets is None or sli is None:
        return about
    return _decide(trend, about, buckets, sli, find_gaps(trend, trend.sli, measurement))


def _decide(trend: Trend, about: Finding, buckets: Buckets, sli: SliBuckets, gaps: list[str]) -> Finding:
    unknown = find_unusable(_START_TIME, buckets.restarts.evidence)
    if unknown or sli.unit != trend.unit:
        return replace(about, reason=unknown or f"{trend.sli} was measured in {sli.unit}, not in {trend.unit}")
    stretches = split(buckets, points_of(trend, sli))
    lines = fit(stretches, trend.min_points)
    if not lines:
        return replace(about, reason=f"{trend.sli}: {_count(trend, stretches, lines)}")
    worst = min(lines, key=trend.margin)
    if trend.margin(worst) >= 0:
        newer = fit(newer_halves(buckets, stretches), trend.min_points)
        worst = min([worst, *filter(trend.leads, newer)], key=trend.margin)
    about = replace(about, value=trend.value(worst), margin=trend.margin(worst))
    told = f"{_describe(trend, worst)}; {_count(trend, stretches, lines)}"
    shortfall = "; ".join(
        [
            *gaps,
            *find_gaps(trend, _START_TIME, buckets.restarts.evidence),
            *find_holes(trend, trend.sli, sli),
            *_find_unjudged(trend, lines, len(buckets.starts)),
        ]
    )
    if trend.margin(worst) < 0:
        partial = f" (on partial data: {shortfall})" if shortfall else ""
        return replace(about, verdict=Verdict.FAIL, reason=f"{told}{partial}")
    if shortfall:
        return replace(about, reason=f"{told}; but {shortfall}")
    return replace(about, verdict=Verdict.PASS, reason=told)


def _find_unjudged(trend: Trend, lines: Sequence[Line], buckets: int) -> list[str]:
    judged = sum(line.points for line in lines)
    if judged >= trend.min_judged * buckets:
        return []
    return [f"only {judged} of {buckets} buckets are judged, fewer than {percent(trend.min_judged)}"]


def _describe(trend: Trend, line: Line) -> str:
    """Say level, slope, p, and where it leads."""
    since = f"{line.points} buckets since {line.start:%Y-%m-%dT%H:%MZ}"
    level = f"{trend.sli} was {in_unit(line.level, trend.unit)} in the median of {since}"
    rule = f"{trend.bound.words} {in_unit(trend.limit, trend.unit)}"
    moves = f"{in_unit(line.slope, trend.unit)} a day, p {line.p:.2g}"
    margin = trend.margin(line)
    room = f"{in_unit(abs(margin), trend.unit)} {'to spare' if margin >= 0 else 'beyond the limit'}"
    if not trend.leads(line):
        return f"{level}, {rule}: {room}; no significant trend towards the limit ({moves})"
    projected = in_unit(trend.value(line), trend.unit)
    leads = f"moves {moves}, to {projected} in {format_duration(trend.horizon)}, {rule}: {room}"
    return f"{level} and {leads}; {_when(trend, line)}"


def _when(trend: Trend, line: Line) -> str:
    left = trend.bound.margin(line.at_end, trend.limit)
    if left < 0:
        return "the limit is broken at the window's end"
    return f"the limit is reached in {left / abs(line.slope):.3g} days"


def _count(trend: Trend, stretches: Sequence[Stretch], lines: Sequence[Line]) -> str:
    """Say of how many stretches this is, and which were too short to be judged."""
    sizes = [stretch.days.size for stretch in stretches]
    restarts = len(stretches) - 1
    told = f"{restarts} restarts, {len(lines)} of {len(stretches)} stretches judged"
    short = [size for size in sizes if size < trend.min_points]
    if not short:
        return f"{told}, {sum(sizes)} points"
    return f"{told}, {len(short)} shorter than {trend.min_points} points, the longest of these with {max(short)}"
