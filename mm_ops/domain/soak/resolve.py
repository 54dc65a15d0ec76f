"""The gates and the SLIs, checked against each other: two files that must agree."""

from collections.abc import Iterator, Mapping, Sequence

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sli.catalogue import Sli, SliCatalogue
from mm_ops.domain.sli.kinds import HistogramQuantile
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.bucket_rules import Baseline, Trend
from mm_ops.domain.soak.policy import Gate, SoakPolicy


def resolve(slis: SliCatalogue, soak: SoakPolicy) -> None:
    """Check the two files against each other.

    Raises:
        PolicyError: one line per fault: a gate or a reported name without an SLI, an SLI that is neither gated
            nor reported (a gate somebody forgot), a limit in another unit than its SLI, or a limit on a quantile
            that is no bucket bound (at a bound the comparison is exact, between two it rests on interpolation), an
            alert on counters without a window or on a gauge with one.
    """
    known = {sli.name: sli for sli in slis.slis}
    faults = [f"soak.yaml: reported: no sli {name} in slis.yaml" for name in soak.reported if name not in known]
    for number, gate in enumerate(soak.gates):
        sli = known.get(gate.sli)
        fault = f"sli: no sli {gate.sli} in slis.yaml" if sli is None else _find_misfit(gate, sli)
        if fault:
            faults.append(f"soak.yaml: gates.{number} ({gate.name}): {fault}")
    for kind, rules in (("trends", soak.trends), ("baselines", soak.baselines)):
        faults += _find_faults(kind, rules, known)
    judged: tuple[Gate | Trend | Baseline, ...] = (*soak.gates, *soak.trends, *soak.baselines)
    used = {*soak.reported, *(rule.sli for rule in judged)}
    faults += [f"slis.yaml: {name}: no gate in soak.yaml, and not among reported" for name in known if name not in used]
    if faults:
        raise PolicyError("\n".join(faults))


def selectors_of(slis: SliCatalogue, soak: SoakPolicy) -> tuple[Selector, ...]:
    """Every series that judging a soak needs: those of the SLIs, and the one that tells of restarts."""
    restarts = Selector(soak.buckets.restart_metric)
    wanted = slis.selectors()
    return wanted if restarts in wanted else (*wanted, restarts)


def _find_faults(kind: str, rules: Sequence[Trend | Baseline], known: Mapping[str, Sli]) -> Iterator[str]:
    for number, rule in enumerate(rules):
        where, sli = f"soak.yaml: {kind}.{number} ({rule.name})", known.get(rule.sli)
        if sli is None:
            yield f"{where}: sli: no sli {rule.sli} in slis.yaml"
        elif rule.unit != sli.unit:
            yield f"{where}: unit: expected {sli.unit} as {sli.name} is measured in, was {rule.unit}"


def _find_misfit(gate: Gate, sli: Sli) -> str | None:
    if gate.unit != sli.unit:
        return f"unit: expected {sli.unit} as {sli.name} is measured in, was {gate.unit}"
    if isinstance(sli.measure, HistogramQuantile) and gate.limit not in sli.measure.bounds:
        return f"limit: expected a bucket bound of {sli.measure.metric}, was {gate.limit:g}"
    if gate.alert is not None and (gate.alert.window is not None) != sli.measure.windowed:
        return f"alert.window: {'expected one' if sli.measure.windowed else 'expected none'} for a {sli.measure.kind}"
    return None
