"""What a profile promises: healthy passes every limit of a soak and of readiness on every day, degraded fails them."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from mm_ops.paperbot.profiles import BUCKETS_MS, DEADLINE_MS
from mm_ops_tests.paperbot.recorded import edge, grown, samples, series

DAYS = [date(2026, 11, 20) - timedelta(days=n) for n in range(9)]
GUARDS = ("max_position", "price_band", "loss_limit", "drift")


def open_s(frame: pl.DataFrame) -> float:
    return 15.0 * float(series(frame, "mm_circuit_breaker_state", state="open").sum())


def trips(frame: pl.DataFrame) -> float:
    return sum(grown(frame, "mm_guard_trip_total", guard=guard) for guard in GUARDS)


def ratio(frame: pl.DataFrame, part: str, *whole: str) -> float:
    return grown(frame, part) / sum(grown(frame, metric) for metric in whole)


def within(frame: pl.DataFrame, le: str) -> float:
    stage = "tick_total"
    counted = grown(frame, "mm_stage_duration_ms_count", stage=stage)
    return grown(frame, "mm_stage_duration_ms_bucket", stage=stage, le=le) / counted


CACHE = ("mm_md_cache_hit_total", "mm_md_cache_miss_total")


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_a_healthy_day_is_within_every_limit_with_room(healthy: Path, day: date):
    frame, earned = samples(healthy, day), edge(healthy, day)
    assert earned["net_edge_bps"] >= 2.8
    assert earned["age_p95_ms"] <= 300
    assert earned["taker_share"] <= 0.10
    assert within(frame, "150.0") > 0.99, "p95 below 150 ms and fewer than 1 % of deadlines missed"
    assert within(frame, "100.0") < 0.95, "and not painted: it is above 100 ms"
    assert ratio(frame, "mm_deadline_miss_total", "mm_ticks_total") == pytest.approx(0.0035, abs=0.001)
    assert ratio(frame, CACHE[0], *CACHE) == pytest.approx(0.82, abs=0.01)
    assert series(frame, "mm_edge_bps_ema24h").min() >= 2.3
    assert series(frame, "mm_maker_share_ratio").mean() >= 0.88
    assert series(frame, "mm_ws_lag_max_ms").max() < 200
    assert trips(frame) == 0
    assert open_s(frame) <= 60


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_a_degraded_day_breaks_what_a_day_can_break(degraded: Path, day: date):
    frame, earned = samples(degraded, day), edge(degraded, day)
    assert 0 < earned["net_edge_bps"] < 2.0
    assert earned["age_p95_ms"] > 500
    assert earned["taker_share"] > 0.15
    assert within(frame, "150.0") < 0.95, "p95 above 150 ms"
    assert ratio(frame, "mm_deadline_miss_total", "mm_ticks_total") > 0.02
    assert ratio(frame, CACHE[0], *CACHE) < 0.70
    assert series(frame, "mm_edge_bps_ema24h").min() < 2.0
    assert series(frame, "mm_ws_lag_max_ms").max() > 200


def test_a_degraded_soak_trips_guards_on_some_days_and_spends_its_open_time(degraded: Path):
    frames = [samples(degraded, day) for day in DAYS]
    assert 0 < sum(trips(frame) > 0 for frame in frames) < 9
    assert min(sum(open_s(frame) for frame in frames[n : n + 3]) for n in range(7)) > 300


def test_the_deadline_and_the_latency_limit_are_bounds_of_a_bucket():
    assert DEADLINE_MS in BUCKETS_MS
    assert {100.0, 150.0, 200.0} <= set(BUCKETS_MS)
    assert sorted(set(BUCKETS_MS)) == list(BUCKETS_MS)
