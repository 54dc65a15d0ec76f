"""A leak gate: did this SLI break its limit, or would it within a horizon, if it went on as in the window?

    broken    = the median of any ``level_over`` measured buckets in a row beyond the limit, whatever comes after
    projected = the line's value at the window's end + horizon     (:mod:`.rank_statistics`)
    value     = projected, where the trend is significant and towards the limit; else the median
    fail      = broken, or value beyond the limit in any stretch between two restarts that is long enough

The newer half of a stretch counts as well, where it is long enough and has a significant trend towards the limit: the
median of all slopes does not see a leak that began in the middle (of 60 a day from hour 36 of 72 it saw 30). So does
the newest quarter, under the rules of :mod:`.stretches`, which also hold back a cycle and a step. A leak younger than
half of a quarter (9 h of 72) is for the next soak to see, or for the level once it is at the limit.

A restart hides a leak, so each stretch between restarts is judged apart and the worst counts; the line of one that a
restart cut off goes on to the same moment, as if the process had lived. Where the stretches that are long enough
hold less than ``min_judged`` of the window there is no verdict: a process that restarts every hour must not pass.

A cycle of a day is no trend over days, but looks like one over half a day: ``min_points`` should span a whole cycle.
Fewer buckets than ``level_over`` beyond the limit are no level: a spike is for a gate on the maximum.
"""

from collections.abc import Sequence
from dataclasses import replace

from mm_ops.domain.sli.measurement import Measurement
from mm_ops.domain.soak.bucket_rules import FEWEST, Trend
from mm_ops.domain.soak.buckets import Buckets, SliBuckets
from mm_ops.domain.soak.needs import find_gaps, find_holes, find_unusable, points_of
from mm_ops.domain.soak.stretches import Level, Line, Stretch, fit, newer_halves, split, steep_quarters, worst_level
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
    if sli.unit != trend.unit:
        return replace(about, reason=f"{trend.sli} was measured in {sli.unit}, not in {trend.unit}")
    points = points_of(trend, sli)
    judged = _judge_trend(trend, about, buckets, sli, gaps)
    level = worst_level(buckets, points, trend.level_over, trend.bound)
    if level is None or trend.bound.margin(level.value, trend.limit) >= 0:
        return judged
    margin = trend.bound.margin(level.value, trend.limit)
    beyond = sum(trend.bound.margin(point, trend.limit) < 0 for point in points.tolist())
    reason = f"{_describe_level(trend, level)} ({beyond} of {points.size} buckets are); {judged.reason}"
    broken = replace(judged, verdict=Verdict.FAIL, reason=reason)
    if judged.margin is not None and judged.margin <= margin:
        return broken
    return replace(broken, value=level.value, margin=margin)


def _judge_trend(trend: Trend, about: Finding, buckets: Buckets, sli: SliBuckets, gaps: list[str]) -> Finding:
    unknown = find_unusable(_START_TIME, buckets.restarts.evidence)
    if unknown:
        return replace(about, reason=unknown)
    stretches = split(buckets, points_of(trend, sli))
    lines = fit(stretches, trend.min_points)
    if not lines:
        return replace(about, reason=f"{trend.sli}: {_count(trend, stretches, lines)}")
    worst = _find_worst(trend, buckets, stretches, lines)
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


def _find_worst(trend: Trend, buckets: Buckets, stretches: Sequence[Stretch], lines: Sequence[Line]) -> Line:
    """Give the line with the least room; a part of a stretch counts by its trend only, where the whole has room."""
    worst = min(lines, key=trend.margin)
    if trend.margin(worst) < 0:
        return worst
    newer = [
        *fit(newer_halves(buckets, stretches), trend.min_points),
        *fit(steep_quarters(buckets, stretches), FEWEST),
    ]
    return min([worst, *filter(trend.leads, newer)], key=trend.margin)


def _describe_level(trend: Trend, level: Level) -> str:
    """Say how far beyond the limit it was, and in which hours."""
    hours = f"{level.start:%Y-%m-%dT%H:%MZ} to {level.end:%Y-%m-%dT%H:%MZ}"
    was = f"{trend.sli} was {in_unit(level.value, trend.unit)}"
    beyond = in_unit(-trend.bound.margin(level.value, trend.limit), trend.unit)
    lasted = f"in the median of {trend.level_over} buckets in a row, {hours}"
    return f"{was} {lasted}, {trend.bound.words} {in_unit(trend.limit, trend.unit)}: {beyond} beyond the limit"


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
