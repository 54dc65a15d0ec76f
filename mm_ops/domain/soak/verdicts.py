"""From what is stored of a soak to findings, and to one verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sli.measurement import Measurement
from mm_ops.domain.soak.baseline import evaluate_baseline
from mm_ops.domain.soak.buckets import Buckets, buckets_from
from mm_ops.domain.soak.gate import evaluate_gate
from mm_ops.domain.soak.metrics import entries_from, measurements_from
from mm_ops.domain.soak.policy import Gate, SoakPolicy
from mm_ops.domain.soak.sides import Side
from mm_ops.domain.soak.summary import field_of
from mm_ops.domain.soak.sustained import judge_sustained
from mm_ops.domain.soak.trend import evaluate_trend
from mm_ops.domain.verdict import Finding, Verdict, combine

NOT_NAMED = "no known-good soak to compare with: name one in bots.yaml (known_good, a stored soak_metrics.json)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a soak is held against beside the policy.

    ``version`` must have run. ``change`` says in what the policy is no longer the one on record when the soak began;
    ``None`` where it is. ``known_good`` is what :func:`.metrics.measure_soak` gave for the reference release.
    """

    version: str | None
    change: str | None = None
    known_good: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Stored:
    """A stored soak, read once."""

    document: Mapping[str, Any]
    entries: Mapping[str, Mapping[str, Any]]
    measured: Mapping[str, Measurement]
    buckets: Buckets | None

    def query(self, sli: str) -> str | None:
        query: str | None = self.entries.get(sli, {}).get("query")
        return query

    def side(self, name: str, sli: str) -> Side:
        return Side(name=name, buckets=self.buckets, measurement=self.measured.get(sli))


def judge(soak_metrics: Mapping[str, Any], policy: SoakPolicy, reference: Reference) -> list[Finding]:
    """Judge every rule on what is stored; one finding for each, in the policy's order.

    A window or scrape interval other than the policy's makes what would pass inconclusive: its coverage and sample
    counts were not measured against this policy. So does a policy that changed while the soak ran.

    Raises:
        SchemaError: the document, or that of the known-good soak, is not what ``measure_soak`` gives.
    """
    stored = _read(soak_metrics)
    known_good = None if reference.known_good is None else _read(reference.known_good)
    doubts = [_find_misfit(soak_metrics, policy), reference.change]
    doubt = "; ".join(text for text in doubts if text)
    return [
        replace(finding, verdict=Verdict.INCONCLUSIVE, reason=f"{finding.reason}; but {doubt}")
        if doubt and finding.verdict is Verdict.PASS
        else finding
        for finding in _judge(stored, policy, reference.version, known_good)
    ]


def fold(findings: Sequence[Finding], policy: SoakPolicy) -> Verdict:
    """Fold the findings against the hard rules that the policy expects."""
    return combine(findings, policy.hard_gates)


def _read(document: Mapping[str, Any]) -> _Stored:
    buckets = document.get("buckets")
    if buckets is not None and not isinstance(buckets, Mapping):
        raise SchemaError(f"soak metrics: buckets: expected an object or null, was {type(buckets).__name__}")
    return _Stored(
        document,
        entries_from(document),
        measurements_from(document),
        None if buckets is None else buckets_from(buckets),
    )


def _judge(stored: _Stored, policy: SoakPolicy, version: str | None, known_good: _Stored | None) -> Iterator[Finding]:
    window = field_of(stored.document, "window", str)
    for gate in policy.gates:
        measured = stored.measured.get(gate.sli)
        finding = evaluate_gate(gate, measured, window, stored.query(gate.sli))
        yield _compare_version(finding, gate, measured, version)
    replayed = field_of(stored.document, "sustained", dict)
    for gate in policy.watched:
        yield judge_sustained(gate, replayed.get(gate.name), window, policy.evaluation_interval)
    for trend in policy.trends:
        measured = stored.measured.get(trend.sli)
        yield evaluate_trend(trend, stored.buckets, measured, window, stored.query(trend.sli))
    for rule in policy.baselines:
        this = stored.side("this soak", rule.sli)
        that = None if known_good is None else known_good.side("the known-good soak", rule.sli)
        yield evaluate_baseline(rule, this, that, window, stored.query(rule.sli), not_named=NOT_NAMED)


def _compare_version(finding: Finding, gate: Gate, measurement: Measurement | None, version: str | None) -> Finding:
    if gate.version_label is None or measurement is None or finding.verdict is not Verdict.PASS:
        return finding
    ran = measurement.labels.get(gate.version_label)
    if version is None or ran is None:
        unknown = f"the label {gate.version_label} is absent" if ran is None else "no version was named to compare with"
        return replace(finding, verdict=Verdict.INCONCLUSIVE, reason=f"{unknown}, so nothing says which version ran")
    if ran != version:
        return replace(finding, verdict=Verdict.FAIL, reason=f"version {ran} ran, and {version} is judged")
    return replace(finding, reason=f"version {ran} ran: {finding.reason}")


def _find_misfit(soak_metrics: Mapping[str, Any], policy: SoakPolicy) -> str | None:
    for name, what, expected in (
        ("window_s", "window", policy.window),
        ("scrape_interval_s", "scrape interval", policy.scrape_interval),
    ):
        seconds = field_of(soak_metrics, name, (int, float))
        if seconds != expected.total_seconds():
            return f"the {what} was {seconds:g} s where the policy asks for {expected.total_seconds():g} s"
    return None
