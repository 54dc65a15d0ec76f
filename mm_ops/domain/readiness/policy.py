"""Weights and thresholds of the six sections, each with its source."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.edge.limits import QualityLimit
from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.windows import Duration

Share = Annotated[float, Field(gt=0, le=1)]
Points = Annotated[float, Field(gt=0, le=100)]
FULL = 100.0


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EdgeSection:
    """Full at ``full_at_bps`` or above, linear below, nothing at or below zero.

    A day is judged only where enough of its fills were measured (``min_measured_share``) against quotes that cover the
    day (``min_quote_coverage``) and are young enough at the fills to be their mid (``max_quote_age_p95_ms``); where the
    quotes hold the fills' prices (``max_outside_touch_share_alone``, ``max_wrong_side_share``); where the last mid, at
    which positions are valued, is near those before it (``max_mark_jump_bps``); and where no symbol is longer
    without a fill than ``max_fill_gap_s``, in seconds.
    """

    points: Points
    full_at_bps: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    min_fills: Annotated[int, Field(ge=1)]
    min_measured_share: Share
    min_quote_coverage: Share
    max_quote_age_p95_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    max_outside_touch_share_alone: Annotated[float, Field(ge=0, lt=1)]
    max_wrong_side_share: Annotated[float, Field(ge=0, lt=1)]
    max_mark_jump_bps: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    max_fill_gap_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    source: Source

    @property
    def limits(self) -> tuple[QualityLimit, ...]:
        """Beyond which an edge is not believed, by whoever reads its report."""
        return (
            QualityLimit("measured_share", "fills measured", "share", "at_least", self.min_measured_share),
            QualityLimit("quote_coverage", "window covered by quotes", "share", "at_least", self.min_quote_coverage),
            QualityLimit(
                "quote_age_p95_ms", "age of the quote at the fill, p95", "ms", "at_most", self.max_quote_age_p95_ms
            ),
            QualityLimit(
                "outside_touch_share_alone",
                "lone fills outside the touch",
                "share",
                "at_most",
                self.max_outside_touch_share_alone,
            ),
            QualityLimit(
                "wrong_side_share", "fills on the wrong side of the mid", "share", "at_most", self.max_wrong_side_share
            ),
            QualityLimit("mark_jump_bps", "last mid from its hour's", "bps", "at_most", self.max_mark_jump_bps),
            QualityLimit("longest_fill_gap_s", "longest time without a fill", "s", "at_most", self.max_fill_gap_s),
        )


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class LatencySection:
    """Full at ``full_at_ms`` or below, then points × full_at_ms ÷ p95; a day is judged at ``min_known_share``."""

    points: Points
    full_at_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    min_known_share: Share
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class TakerSection:
    """Full at ``full_at_share`` or below, then points × full_at_share ÷ share; judged at ``min_known_share``.

    The bot's own gauge of its maker share is a second witness: a day on which it and the fills differ by more than
    ``max_witness_gap`` has none.
    """

    points: Points
    full_at_share: Share
    min_known_share: Share
    max_witness_gap: Annotated[float, Field(gt=0, lt=1)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class GuardSection:
    """Points × days without a guard trip ÷ days; a day is judged only at ``min_coverage`` or more."""

    points: Points
    min_coverage: Share
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ChaosSection:
    """Full when every day's drill is OK, else nothing.

    Only the drill of that name counts, and only where each answer of ``limits`` was observed: seconds, from 0 to its
    limit here.
    """

    points: Points
    drill: Name
    limits: Annotated[dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]], Field(min_length=1)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class TestsSection:
    """Full when every day's test run is OK, else nothing; a run of fewer cases, or one that skips more, is none."""

    points: Points
    min_passed: Annotated[int, Field(ge=1)]
    max_skipped_share: Annotated[float, Field(ge=0, lt=1)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class IntervalOfScore:
    """How the interval on the score is drawn from the days; the seed makes it the same each time."""

    level: Annotated[float, Field(ge=0.5, lt=1)]
    resamples: Annotated[int, Field(ge=100, le=100_000)]
    seed: Annotated[int, Field(ge=0)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ReadinessPolicy:
    """``deploy/policies/readiness.yaml``; ``stands_for`` counts from the end of the day that was judged."""

    days: Annotated[int, Field(ge=1, le=366)]
    stands_for: Duration
    edge: EdgeSection
    latency: LatencySection
    taker: TakerSection
    guards: GuardSection
    chaos: ChaosSection
    tests: TestsSection
    interval: IntervalOfScore
    source: Source

    def points(self) -> dict[str, float]:
        """The most that each section can give."""
        return {
            "edge": self.edge.points,
            "latency": self.latency.points,
            "taker": self.taker.points,
            "guards": self.guards.points,
            "chaos": self.chaos.points,
            "tests": self.tests.points,
        }

    def __post_init__(self) -> None:
        total = sum(self.points().values())
        if total != FULL:
            raise ValueError(f"points: expected the sections to sum to 100, was {total:g}")
