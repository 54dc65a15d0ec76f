from datetime import date

import polars as pl
import pytest

from mm_ops.paperbot.day import Day, day_start_s, simulate
from mm_ops.paperbot.profiles import DEGRADED, HEALTHY
from mm_ops.paperbot.state import BotState

DAY = date(2026, 11, 20)
MS = 1_000_000
FILLS = {
    "ts_ns": pl.Int64,
    "exch_ts_ns": pl.Int64,
    "fill_id": pl.String,
    "order_id": pl.String,
    "symbol": pl.String,
    "side": pl.String,
    "price": pl.Float64,
    "qty": pl.Float64,
    "liquidity": pl.String,
    "fee": pl.Float64,
    "fee_asset": pl.String,
    "order_ts_ns": pl.Int64,
    "venue": pl.String,
}
QUOTES = {
    "ts_ns": pl.Int64,
    "exch_ts_ns": pl.Int64,
    "symbol": pl.String,
    "bid_px": pl.Float64,
    "bid_qty": pl.Float64,
    "ask_px": pl.Float64,
    "ask_qty": pl.Float64,
}


@pytest.fixture(scope="module")
def fresh() -> Day:
    return simulate(HEALTHY, DAY, 7, BotState(start_s=day_start_s(DAY)))


def first_seen(day: Day, metric: str) -> int:
    return int(day.samples.filter(metric=metric)["ts_ns"].to_numpy().min())


def test_the_frames_have_the_agreed_columns(fresh: Day):
    for symbol in ("AAA-USDT", "BBB-USDT"):
        assert dict(fresh.fills[symbol].schema) == FILLS
        assert dict(fresh.quotes[symbol].schema) == QUOTES
        assert fresh.fills[symbol]["symbol"].unique().to_list() == [symbol]


def test_the_bots_own_clock_is_two_to_ten_ms_late_and_never_goes_back(fresh: Day):
    for frame in (*fresh.fills.values(), *fresh.quotes.values()):
        late = frame["ts_ns"] - frame["exch_ts_ns"]
        assert int(late.to_numpy().min()) >= 2 * MS
        assert int(late.to_numpy().max()) <= 10 * MS
        assert frame["ts_ns"].is_sorted()


def test_a_new_bot_exports_no_edge_before_its_first_fill_has_closed(fresh: Day):
    filled = min(int(frame["exch_ts_ns"].to_numpy().min()) for frame in fresh.fills.values())
    grid = 15 * 1000 * MS
    for metric, known in (
        ("mm_maker_share_ratio", filled),
        ("mm_order_age_p95_ms", filled),
        ("mm_edge_bps_ema1h", filled + 5_000 * MS),
        ("mm_edge_bps_ema24h", filled + 5_000 * MS),
    ):
        assert first_seen(fresh, metric) == -(-known // grid) * grid, metric
    assert fresh.samples["value"].is_finite().all()


def test_a_new_bots_labelled_counters_are_there_from_the_first_scrape(fresh: Day):
    trips = fresh.samples.filter(metric="mm_guard_trip_total", ts_ns=fresh.start_ns)
    assert trips["value"].to_list() == [0, 0, 0, 0]
    buckets = fresh.samples.filter(metric="mm_stage_duration_ms_bucket", ts_ns=fresh.start_ns)
    assert buckets.height == 24


def test_profiles_never_share_a_random_stream(fresh: Day):
    other = simulate(DEGRADED, DAY, 7, BotState(start_s=day_start_s(DAY)))
    assert not set(fresh.fills["AAA-USDT"]["exch_ts_ns"]) & set(other.fills["AAA-USDT"]["exch_ts_ns"][:100])
