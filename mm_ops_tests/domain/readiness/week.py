"""A healthy week, with one difference where a test wants one."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from mm_ops.domain.readiness.evidence import DayEvidence
from mm_ops.domain.readiness.hard import HardGate
from mm_ops.domain.readiness.policy import (
    ChaosSection,
    EdgeSection,
    GuardSection,
    IntervalOfScore,
    LatencySection,
    ReadinessPolicy,
    TakerSection,
    TestsSection,
)
from mm_ops_tests.builders import WORDS

LAST = date(2026, 11, 20)
EXPECTED = [LAST - timedelta(days=back) for back in reversed(range(7))]
POLICY = ReadinessPolicy(
    days=7,
    stands_for=timedelta(hours=48),
    edge=EdgeSection(
        points=30,
        full_at_bps=2.5,
        min_fills=1000,
        min_measured_share=0.99,
        min_quote_coverage=0.999,
        max_quote_age_p95_ms=2000,
        max_outside_touch_share_alone=0.01,
        max_wrong_side_share=0.01,
        max_mark_jump_bps=300,
        max_fill_gap_s=900,
        source=WORDS,
    ),
    latency=LatencySection(points=25, full_at_ms=350, min_known_share=0.99, source=WORDS),
    taker=TakerSection(points=15, full_at_share=0.15, min_known_share=0.99, max_witness_gap=0.01, source=WORDS),
    guards=GuardSection(points=10, min_coverage=0.99, source=WORDS),
    chaos=ChaosSection(
        points=10, drill="feed_cut", limits={"breaker_open_s": 2.0, "quoting_again_s": 10.0}, source=WORDS
    ),
    tests=TestsSection(points=10, min_passed=9, max_skipped_share=0.1, source=WORDS),
    interval=IntervalOfScore(level=0.95, resamples=100, seed=7, source=WORDS),
    source=WORDS,
)
GATES = (HardGate("edge_bps_ema24h", "pass", "3 bps"), HardGate("identity", "pass", "to the last bit"))


def week(**different: Any) -> list[DayEvidence]:
    usual: dict[str, Any] = {
        "net_edge_bps": 3.0,
        "order_age_p95_ms": 250.0,
        "taker_share": 0.05,
        "guard_trips": 0.0,
        "chaos_ok": True,
        "tests_ok": True,
    }
    return [DayEvidence(date=day, **{**usual, **different}) for day in EXPECTED]


def but(day: DayEvidence, **different: Any) -> DayEvidence:
    """The same day with some fields different."""
    return replace(day, **different)
