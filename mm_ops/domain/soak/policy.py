"""The gates of a soak, as ``deploy/policies/soak.yaml`` states them."""

from collections import Counter
from dataclasses import dataclass as plain
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.canonical import number_text
from mm_ops.domain.policy import CLOSED, Name, Source, Unit
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.bucket_rules import Baseline, BucketPolicy, Trend
from mm_ops.domain.verdict import Severity
from mm_ops.domain.windows import Duration, format_duration

MIN_COVERAGE = 0.99
"""Share of the expected samples that a gate needs unless it says otherwise. Source: design, section 3."""

MAX_GAP = timedelta(minutes=5)
"""Longest stretch without a sample. Source: Prometheus' lookback; beyond it a query sees nothing at all."""


LONGEST_NAME = 64
"""Of a rule, as of any name; that of a gate's replayed alert is ten letters longer than the gate's."""


class Action(StrEnum):
    """What a firing alert asks for: stop trading by itself, or tell a person."""

    ROLLBACK = "rollback"
    NOTIFY = "notify"


class Level(StrEnum):
    """How urgently a person is told."""

    CRITICAL = "critical"
    WARNING = "warning"


class OnMissing(StrEnum):
    """What evidence that is missing or too little gives: neither lets a release pass."""

    HOLD = "hold"
    """Inconclusive: somebody looks."""

    FAIL = "fail"
    """A fail, as if the limit were broken."""


AlertName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$", max_length=64)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Alert:
    """The same limit, watched live: over a short window, for as long as ``hold`` (Prometheus' ``for``).

    ``window`` is the range of counters and histograms; a gauge is looked at as it is and has none. A firing alert
    stays up for ``keep_firing_for`` after the breach ends.
    """

    name: AlertName
    window: Duration | None = None
    hold: Duration
    keep_firing_for: Duration = timedelta(0)
    level: Level
    action: Action
    source: Source

    @property
    def words(self) -> str:
        """The rule in a line, with its source."""
        return f"{self.name} would not have fired. {self.source}"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Gate:
    """One rule on one SLI. ``limit`` is in ``unit``; ``min_samples`` counts those of the worst series.

    ``version_label`` names the label of the SLI's series that must be the judged bot's version. ``on_missing`` is of
    what is lost; what is ambiguous or doubtful holds in any case.
    """

    name: Name
    sli: Name
    bound: Bound
    limit: Annotated[float, Field(allow_inf_nan=False)]
    unit: Unit
    severity: Severity
    min_samples: Annotated[int, Field(ge=1)]
    min_coverage: Annotated[float, Field(gt=0, le=1)] = MIN_COVERAGE
    max_gap: Duration = MAX_GAP
    on_missing: OnMissing = OnMissing.HOLD
    version_label: str | None = None
    alert: Alert | None = None
    source: Source

    @property
    def words(self) -> str:
        """The rule in a line, with its source."""
        missing = "; fails without evidence" if self.on_missing is OnMissing.FAIL else ""
        return f"{self.sli} {self.bound.sign} {number_text(self.limit)} {self.unit}{missing}. {self.source}"


def sustained_name(gate: Gate) -> str:
    """The name of the gate on how often a gate's alert would have fired."""
    return f"{gate.name}_sustained"


@plain(frozen=True, slots=True)
class Rule:
    """What every rule of a soak has, whatever it looks at: the name of its finding, and what a failure does."""

    name: str
    severity: Severity
    description: str


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class SoakPolicy:
    """What a soak is judged by; ``reported`` are SLIs that are shown beside the gates without a limit.

    ``evaluation_interval`` is how often an alert's rule is evaluated, by Prometheus and in replay.
    """

    window: Duration
    scrape_interval: Duration
    evaluation_interval: Duration
    gates: tuple[Gate, ...]
    buckets: BucketPolicy
    trends: tuple[Trend, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    reported: tuple[Name, ...] = ()
    source: Source

    def __post_init__(self) -> None:
        if not timedelta(0) < self.scrape_interval <= self.window:
            raise ValueError("scrape_interval: expected more than 0s and at most the window")
        if self.evaluation_interval <= timedelta(0):
            raise ValueError("evaluation_interval: expected more than 0s")
        alerts = [gate.alert.name for gate in self.gates if gate.alert]
        for what, names in (("gates", [rule.name for rule in self.rules]), ("gates: alerts", alerts)):
            doubled = [name for name, count in Counter(names).items() if count > 1]
            if doubled:
                raise ValueError(f"{what}: expected every name once, was twice: {', '.join(doubled)}")
        too_long = [rule.name for rule in self.rules if len(rule.name) > LONGEST_NAME]
        if too_long:
            raise ValueError(f"gates: expected names of at most {LONGEST_NAME} letters, was {', '.join(too_long)}")
        if not self.hard_gates:
            raise ValueError("gates: expected at least one hard gate, or nothing could ever be refused")
        for gate in self.gates:
            self._check(gate)

    @property
    def watched(self) -> tuple[Gate, ...]:
        """The gates that have an alert."""
        return tuple(gate for gate in self.gates if gate.alert)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, in the order of the findings: gates, their alerts replayed, trends, comparisons."""
        return (
            *(Rule(gate.name, gate.severity, gate.words) for gate in self.gates),
            *(Rule(sustained_name(gate), gate.severity, gate.alert.words) for gate in self.gates if gate.alert),
            *(Rule(trend.name, trend.severity, trend.words) for trend in self.trends),
            *(Rule(baseline.name, baseline.severity, baseline.words) for baseline in self.baselines),
        )

    @property
    def hard_gates(self) -> frozenset[str]:
        """The names of the rules that must each have exactly one finding."""
        return frozenset(rule.name for rule in self.rules if rule.severity is Severity.HARD)

    def _check(self, gate: Gate) -> None:
        """Refuse a gate that no soak could pass, or one that any could."""
        possible = self.window // self.scrape_interval
        if gate.min_samples > possible:
            raise ValueError(f"{gate.name}: min_samples: at most {possible} fit, was {gate.min_samples}")
        if not self.scrape_interval <= gate.max_gap < self.window:
            span = f"{format_duration(self.scrape_interval)} to less than {format_duration(self.window)}"
            raise ValueError(f"{gate.name}: max_gap: expected {span}, was {format_duration(gate.max_gap)}")
