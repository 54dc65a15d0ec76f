"""Whether one scrape of a bot has what the SLIs and the rollback need of it, series by series.

A series that is only born with its first event is missing here: an increase over the window in which it was born
counts from its second sample, so that the first event would never be seen.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mm_ops.adapters.exposition import Sample
from mm_ops.domain.sli.catalogue import Sli, SliCatalogue
from mm_ops.domain.sli.kinds import CounterIncrease, Gauge, HistogramQuantile
from mm_ops.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the contract: whether it is kept, what was seen, and why it matters."""

    promise: str
    verdict: Verdict
    was: str
    why: str


@dataclass(frozen=True, slots=True)
class _Needed:
    """One metric that control needs beside the SLIs; every value of ``label`` that must be there."""

    metric: str
    why: str
    label: str = ""
    values: tuple[str, ...] = ()


CONTROL_METRICS = (
    _Needed("mm_orders_sent_total", "a stop is proven by this counter standing still"),
    _Needed("mm_orders_open", "a stop is proven by this gauge at 0"),
    _Needed("mm_position", "what is still held after a stop", "symbol"),
    _Needed(
        "mm_trading_state",
        "the state that the API gives is compared with it",
        "state",
        ("ACTIVE", "REDUCING", "HALTED"),
    ),
    _Needed("mm_circuit_breaker_state", "as above", "state", ("closed", "half_open", "open")),
    _Needed("mm_strategy_scale", "as above"),
    _Needed("mm_profile", "as above", "profile"),
    _Needed("mm_edge_bps_ema1h", "the edge sentinel switches profiles by it"),
    _Needed("mm_ticks_total", "a loop that stands still is seen by it"),
    _Needed("mm_stage_duration_ms_bucket", "fetching is told from deciding by it", "stage", ("tick_total", "fetch_md")),
    _Needed("process_start_time_seconds", "a restart is seen by it"),
    _Needed("mm_build_info", "findings and reports name the version that ran", "version"),
)


def check_metrics(samples: Sequence[Sample], catalogue: SliCatalogue) -> list[Check]:
    """Check every SLI of the catalogue, then what control needs."""
    why = "its gate is inconclusive without, and that holds a release"
    slis = [_check(f"sli {sli.name}", list(_faults_of(sli, samples)), why) for sli in catalogue.slis]
    control = [_check(f"metric {item.metric}", list(_lacks(item, samples)), item.why) for item in CONTROL_METRICS]
    return [*slis, *control]


def _check(promise: str, faults: list[str], why: str) -> Check:
    return Check(promise, Verdict.FAIL if faults else Verdict.PASS, "; ".join(faults) or "there", why)


def _faults_of(sli: Sli, samples: Sequence[Sample]) -> Iterator[str]:
    measure = sli.measure
    for selector in measure.selectors():
        found = [one for one in samples if selector.selects(one.metric, one.labels)]
        if not found:
            yield f"no series {selector.promql({})}"
        elif isinstance(measure, HistogramQuantile):
            yield from _bucket_faults(found, measure.bounds)
        elif isinstance(measure, CounterIncrease):
            yield from _unborn(found, measure)
        yield from _number_faults(found, counted=not isinstance(measure, Gauge))


def _bucket_faults(found: Sequence[Sample], bounds: Sequence[float]) -> Iterator[str]:
    there = {_bound(one.labels.get("le", "")) for one in found}
    lacking = sorted({*bounds, math.inf} - there)
    beyond = sorted(there - {*bounds, math.inf}, key=str)
    if lacking:
        yield f"no bucket le={', '.join(f'{bound:g}' for bound in lacking)}"
    if beyond:
        yield f"buckets that slis.yaml does not foresee: le={', '.join(f'{bound:g}' for bound in beyond)}"
    counts = [one.value for one in sorted(found, key=lambda one: _bound(one.labels.get("le", "")))]
    if any(later < earlier for earlier, later in itertools.pairwise(counts)):
        yield "buckets that do not cumulate"


def _bound(text: str) -> float:
    try:
        return float(text.replace("Inf", "inf"))
    except ValueError:
        return math.nan


def _unborn(found: Sequence[Sample], measure: CounterIncrease) -> Iterator[str]:
    for values in itertools.product(*measure.by.values()):
        wanted = dict(zip(measure.by, values, strict=True))
        if not any(wanted.items() <= one.labels.items() for one in found):
            pairs = ", ".join(f'{name}="{value}"' for name, value in wanted.items())
            yield f"no series {measure.metric}{{{pairs}}} yet: it must be there at 0 from the start"


def _number_faults(found: Sequence[Sample], *, counted: bool) -> Iterator[str]:
    odd = [one for one in found if not math.isfinite(one.value) or (counted and one.value < 0)]
    if odd:
        yield f"{odd[0].metric} is {odd[0].value:g}"


def _lacks(item: _Needed, samples: Sequence[Sample]) -> Iterator[str]:
    found = [one for one in samples if one.metric == item.metric]
    if not found:
        yield f"no series {item.metric}"
    elif item.label:
        there = {one.labels.get(item.label, "") for one in found}
        lacking = [value for value in item.values if value not in there]
        if lacking or "" in there:
            yield f"no {item.label}={', '.join(lacking) or 'label'}"
