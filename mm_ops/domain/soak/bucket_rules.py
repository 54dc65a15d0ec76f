"""The rules on buckets, as ``deploy/policies/soak.yaml`` states them; light, since the location loads them.

How they are judged: :mod:`.trend` and :mod:`.baseline`.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, MetricName, Name, Source, Unit
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.words import in_unit, percent
from mm_ops.domain.verdict import Severity
from mm_ops.domain.windows import Duration, format_duration

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mm_ops.domain.soak.stretches import Line

    Array = NDArray[np.float64]

FEWEST = 10
"""Points below which no rule is believed. Source: Kendall (1975), Rank Correlation Methods: the normal approximation
serves from about ten on; and a bootstrap of fewer repeats too few values."""

Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Part = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Needs:
    """What evidence a rule asks for.

    ``min_points`` measured buckets at least; ``min_bucket_coverage`` of a bucket's expected samples make it measured,
    and ``min_measured`` of all buckets must be. ``min_coverage`` and ``max_gap`` are of the whole window, as a gate's.
    """

    min_points: Annotated[int, Field(ge=FEWEST)]
    min_bucket_coverage: Part = 0.9
    min_measured: Part = 0.95
    min_coverage: Part = 0.99
    max_gap: Duration = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class BucketPolicy:
    """How long a bucket is, and the gauge whose value changes when the process starts anew."""

    length: Duration
    restart_metric: MetricName
    source: Source

    def __post_init__(self) -> None:
        if self.length <= timedelta(0):
            raise ValueError(f"length: expected more than 0s, was {format_duration(self.length)}")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Trend(Needs):
    """One leak gate. ``min_points`` are those of one stretch; ``limit`` is in ``unit``.

    ``significance`` is the p below which a trend is taken for real; ``min_judged`` the share of the window's buckets
    that must lie in stretches that are long enough. The limit is broken already where the median of ``level_over``
    measured buckets in a row is beyond it: of three, any two. Source of three: our reasoning: one bucket may be a
    burst, and of an even number the median is no bucket's value.
    """

    name: Name
    sli: Name
    bound: Bound
    limit: Annotated[float, Field(allow_inf_nan=False)]
    unit: Unit
    horizon: Duration
    significance: Annotated[float, Field(gt=0, le=0.1)]
    min_judged: Part = 0.5
    level_over: Annotated[int, Field(ge=1)] = 3
    severity: Severity
    source: Source

    def __post_init__(self) -> None:
        if self.horizon <= timedelta(0):
            raise ValueError(f"horizon: expected more than 0s, was {format_duration(self.horizon)}")
        if self.level_over > self.min_points:
            raise ValueError(f"level_over: expected at most {self.min_points} (min_points), was {self.level_over}")

    @property
    def words(self) -> str:
        """The rule in a line, with its source."""
        rule = f"{self.sli} {self.bound.sign} {in_unit(self.limit, self.unit)}"
        now = f"in the median of any {self.level_over} buckets in a row"
        return f"{rule} {now}, and for {format_duration(self.horizon)} more if its trend goes on. {self.source}"

    def leads(self, line: "Line") -> bool:
        """Whether the trend is significant and towards the limit."""
        towards = line.slope > 0 if self.bound is Bound.AT_MOST else line.slope < 0
        return towards and line.p < self.significance

    def value(self, line: "Line") -> float:
        """What is compared with the limit."""
        return line.after(self.horizon) if self.leads(line) else line.level

    def margin(self, line: "Line") -> float:
        """The room left before the limit."""
        return self.bound.margin(self.value(line), self.limit)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Baseline(Needs):
    """One comparison. ``relative`` is a share of the known-good value, ``absolute`` is in ``unit``; both are added.

    ``min_points`` counts the measured buckets of either soak; ``confidence`` is that of each end of the interval.
    Where the known-good soak is zero throughout, ``max_unseen`` is the share of buckets in which more than is
    tolerated may still occur although none did (:mod:`.baseline`). Source of 5 %: our reasoning: 72 h by the hour
    can show 4.1 %, and 48 h cannot.
    """

    name: Name
    sli: Name
    better: Literal["lower", "higher"]
    unit: Unit
    relative: Tolerance
    absolute: Tolerance
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    max_unseen: Part = 0.05
    seed: Annotated[int, Field(ge=0)]
    severity: Severity
    source: Source

    @property
    def words(self) -> str:
        """The rule in a line, with its source."""
        parts = [percent(self.relative)] if self.relative else []
        parts += [in_unit(self.absolute, self.unit)] if self.absolute else []
        tolerated = f" by more than {' and '.join(parts)}" if parts else ""
        return f"{self.sli} not worse than in the known-good release's soak{tolerated}. {self.source}"

    @property
    def bound(self) -> Bound:
        """On which side of the tolerated value this soak must lie."""
        return Bound.AT_MOST if self.better == "lower" else Bound.AT_LEAST

    def excess(self, this: "Array", that: "Array") -> "Array":
        """How much worse than tolerated a location is; positive beyond."""
        worse = this - that if self.better == "lower" else that - this
        return worse - self.tolerated(that)

    def tolerated(self, that: "Array") -> "Array":
        """What may be lost against a location of the known-good soak."""
        return self.relative * abs(that) + self.absolute
