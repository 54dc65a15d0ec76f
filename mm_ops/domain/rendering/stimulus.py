"""Series that break a gate's limit by little, that keep it by little, and that recover, in promtool's notation.

How little: a fifth of what one step of the window can move the value, so that a passing test pins the limit, and one
good step after a breach already ends it. All numbers follow from the limit: another limit, other series.

    level          what each series does in a step: grow by so much (counters), or stand at so much (gauges)
    phase          a level, for so many steps; ``reset`` says that the process restarted just before
    ratio r        numerators 1, the others of the denominator (|N| / r - |shared|) / |others|, scaled to 1 in all
    quantile       a share of the observations in the bucket that ends at the limit, the rest in the next one
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from mm_ops.domain.canonical import number_text
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.catalogue import Watched, needed_series
from mm_ops.domain.sli.counters import CounterIncrease, Ratio
from mm_ops.domain.sli.gauges import ConditionTime, Gauge
from mm_ops.domain.sli.histograms import HistogramQuantile, histogram_quantile
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.bound import Bound

_STEPS_OF_ROOM = 5
_NEAR_OF_A_GAUGE = Fraction(1, 100)

Level = Mapping[str, Fraction]
"""By the series, with its labels."""

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Phase:
    """A level for a number of steps."""

    level: Level
    steps: int
    reset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """What a gate's alert is tested with.

    ``lead`` is the first step at which the value can be known. ``tail`` counts the steps from the last one of a
    breach to the first at which the expression does not hold. ``value`` is what is compared when the alert begins to
    fire, ``last`` what is compared at the end of the breach. ``burst`` is the first step of staying inside.
    ``apart`` are the labels that the alert has beyond those of the bot.
    """

    counted: bool
    beyond: Level
    burst: Level
    inside: Level
    best: Level
    lead: int
    tail: int
    value: float
    last: float
    apart: Labels


def stimulate(one: Watched, labels: Labels, window: int, hold: int) -> Stimulus:
    """Make the levels for one gate's alert.

    Args:
        one: the gate.
        labels: those of the bot.
        window: steps in the alert's window; 0 where it has none.
        hold: steps for which a breach must last.

    Raises:
        PolicyError: no series could break the limit, so that the alert could never fire.
    """
    match one.sli.measure:
        case Ratio() as measure:
            return _of_ratio(one, measure, labels, window)
        case HistogramQuantile() as measure:
            return _of_quantile(one, measure, labels, window)
        case CounterIncrease():
            return _of_increase(one, labels, window, hold)
        case ConditionTime() as measure:
            return _of_gauge(one, labels, Fraction(measure.equals), Fraction(0 if measure.equals else 1))
        case Gauge():
            limit = Fraction(number_text(one.gate.limit))
            near = abs(limit) * _NEAR_OF_A_GAUGE or Fraction(1)
            return _of_gauge(one, labels, limit + near * _worse(one), limit)
        case unknown:
            assert_never(unknown)


def series_texts(phases: Sequence[Phase], *, counted: bool) -> dict[str, str]:
    """Write each series of the phases in promtool's notation; step 0 comes before the first phase's first step."""
    scale = math.lcm(*(size.denominator for phase in phases for size in phase.level.values()))
    write = _counter if counted else _gauge
    return {name: write(name, phases, scale) for name in phases[0].level}


def _counter(name: str, phases: Sequence[Phase], scale: int) -> str:
    value, parts = 0, ["0"]
    for phase in phases:
        size = int(phase.level[name] * scale)
        first = 0 if phase.reset else value + size
        parts.append(f"{first}+{size}x{phase.steps - 1}")
        value = first + size * (phase.steps - 1)
    return " ".join(parts)


def _gauge(name: str, phases: Sequence[Phase], _: int) -> str:
    lengths = [phase.steps - 1 if number else phase.steps for number, phase in enumerate(phases)]
    levels = (number_text(float(phase.level[name])) for phase in phases)
    return " ".join(f"{level}x{length}" for level, length in zip(levels, lengths, strict=True))


def _of_gauge(one: Watched, labels: Labels, beyond: Fraction, inside: Fraction) -> Stimulus:
    selector = one.sli.measure.selectors()[0]
    good = {selector.promql(labels): inside}
    return Stimulus(
        counted=False,
        beyond={selector.promql(labels): beyond},
        burst=good,
        inside=good,
        best=good,
        lead=0,
        tail=1,
        value=float(beyond),
        last=float(beyond),
        apart=selector.match,
    )


def _of_share(levels: Sequence[Level], value: float) -> Stimulus:
    beyond, inside, best = levels
    return Stimulus(
        counted=True,
        beyond=beyond,
        burst=inside,
        inside=inside,
        best=best,
        lead=1,
        tail=1,
        value=value,
        last=value,
        apart={},
    )


def _of_ratio(one: Watched, measure: Ratio, labels: Labels, window: int) -> Stimulus:
    shares = _shares(one, Fraction(number_text(one.gate.limit)), window)
    return _of_share([_ratio_level(one, measure, labels, share) for share in shares], float(shares[0]))


def _ratio_level(one: Watched, measure: Ratio, labels: Labels, share: Fraction) -> Level:
    shared = [selector for selector in measure.denominator if selector in measure.numerator]
    others = [selector for selector in measure.denominator if selector not in measure.numerator]
    each = Fraction(1) if share else Fraction(0)
    rest = (len(measure.numerator) / share if share else Fraction(1)) - len(shared) * each
    if not others or rest < 0:
        raise _unbreakable(one, f"no counts have a ratio of {float(share):g}")
    level = {selector.promql(labels): each for selector in measure.numerator}
    level |= {selector.promql(labels): rest / len(others) for selector in others}
    total = sum(level[selector.promql(labels)] for selector in measure.denominator)
    return {name: size / total for name, size in level.items()}


def _of_quantile(one: Watched, measure: HistogramQuantile, labels: Labels, window: int) -> Stimulus:
    above = _shares(one, 1 - Fraction(number_text(measure.q)), window)
    levels = [_bucket_counts(one, measure, share) for share in above]
    value, _ = histogram_quantile(measure.q, {bound: float(count) for bound, count in levels[0].items()})
    if one.gate.bound.margin(value, one.gate.limit) >= 0:
        raise _unbreakable(one, f"the quantile is at most {value:g} {one.gate.unit}, the highest finite bucket")
    return _of_share([_named(measure, labels, level) for level in levels], value)


def _bucket_counts(one: Watched, measure: HistogramQuantile, above: Fraction) -> dict[float, Fraction]:
    """Cumulated counts, by bound: those next to the limit are enough."""
    at = measure.bounds.index(one.gate.limit)
    lower = {bound: Fraction(0) for bound in measure.bounds[max(0, at - 1) : at]}
    upper = {bound: Fraction(1) for bound in (*measure.bounds[at + 1 : at + 2], math.inf)}
    return {**lower, one.gate.limit: 1 - above, **upper}


def _named(measure: HistogramQuantile, labels: Labels, level: Mapping[float, Fraction]) -> Level:
    """Bounds are written as exporters do: ``150.0``, ``+Inf``."""
    texts = {bound: "+Inf" if math.isinf(bound) else repr(bound) for bound in level}
    metric = measure.selectors()[0].metric
    return {
        Selector(metric, {**measure.match, "le": texts[bound]}).promql(labels): count for bound, count in level.items()
    }


def _of_increase(one: Watched, labels: Labels, window: int, hold: int) -> Stimulus:
    if one.gate.bound is not Bound.AT_MOST:
        raise PolicyError(f"soak.yaml: {one.gate.name}: alert: expected bound at_most for a {one.sli.measure.kind}")
    series = needed_series(one.sli)
    grown, *others = [selector.promql(labels) for selector in series]
    allowed = math.floor(one.gate.limit)
    still = dict.fromkeys([grown, *others], Fraction(0))
    return Stimulus(
        counted=True,
        beyond={**still, grown: Fraction(allowed + 1)},
        burst={**still, grown: Fraction(allowed)},
        inside=still,
        best=still,
        lead=1,
        tail=window,
        value=float((allowed + 1) * min(1 + hold, window)),
        last=float(allowed + 1),
        apart={name: value for name, value in series[0].match.items() if name in getattr(one.sli.measure, "by", ())},
    )


def _shares(one: Watched, limit: Fraction, window: int) -> tuple[Fraction, Fraction, Fraction]:
    """The shares just beyond a limit, just inside it, and the best there is."""
    best = Fraction(0 if one.gate.bound is Bound.AT_MOST else 1)
    near = (abs(limit - best) or Fraction(1)) / (_STEPS_OF_ROOM * window)
    beyond, inside = limit + near * _worse(one), limit - near * _worse(one)
    if beyond < 0:
        raise _unbreakable(one, "a share is never below 0")
    return beyond, min(max(inside, Fraction(0)), Fraction(1)) if limit != best else best, best


def _worse(one: Watched) -> int:
    """The direction of a breach."""
    return 1 if one.gate.bound is Bound.AT_MOST else -1


def _unbreakable(one: Watched, why: str) -> PolicyError:
    limit = f"{one.gate.bound.sign} {number_text(one.gate.limit)} {one.gate.unit}"
    return PolicyError(f"soak.yaml: {one.gate.name}: limit: {limit} can never be broken: {why}")
