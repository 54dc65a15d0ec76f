"""What the bot exports must be what its fills, quotes and ticks say: computed again here, the slow way."""

import itertools
import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mm_ops.paperbot.recording import record
from mm_ops_tests.paperbot.recorded import NS, SYMBOLS, fills, grown, quotes, samples, series

DAYS = (date(2026, 11, 19), date(2026, 11, 20))
START = 1_795_132_800 * NS  # 2026-11-20T00:00:00Z
BOUNDS = ("5.0", "10.0", "25.0", "50.0", "75.0", "100.0", "150.0", "200.0", "300.0", "500.0", "1000.0", "+Inf")
PLAIN = (
    *("mm_ticks_total", "mm_deadline_miss_total", "mm_md_cache_hit_total", "mm_md_cache_miss_total"),
    *("mm_orders_sent_total", "mm_edge_bps_ema1h", "mm_edge_bps_ema24h", "mm_maker_share_ratio", "mm_ws_lag_max_ms"),
    *("mm_ws_lag_p95_ms", "mm_orders_open", "mm_strategy_scale", "mm_order_age_p95_ms", "up"),
    *("process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"),
)
LABELLED = (
    ("mm_guard_trip_total", "guard", ("max_position", "price_band", "loss_limit", "drift")),
    ("mm_circuit_breaker_state", "state", ("open", "half_open", "closed")),
    ("mm_trading_state", "state", ("ACTIVE", "REDUCING", "HALTED")),
    ("mm_position", "symbol", SYMBOLS),
    ("mm_profile", "profile", ("base",)),
    ("mm_build_info", "version", ("1.0.0",)),
    ("mm_stage_duration_ms_sum", "stage", ("tick_total", "fetch_md")),
    ("mm_stage_duration_ms_count", "stage", ("tick_total", "fetch_md")),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    record(folder, profile="healthy", end=DAYS[-1], days=2, seed=7, progress=lambda _: None)
    return folder


@pytest.fixture(scope="module")
def today(root: Path) -> pl.DataFrame:
    return samples(root, DAYS[-1])


def agreed_series() -> set[tuple[str, str]]:
    found: list[tuple[str, dict[str, str]]] = [(metric, {}) for metric in PLAIN]
    found += [(metric, {label: value}) for metric, label, values in LABELLED for value in values]
    stages = itertools.product(("tick_total", "fetch_md"), BOUNDS)
    found += [("mm_stage_duration_ms_bucket", {"stage": stage, "le": le}) for stage, le in stages]
    return {
        (metric, json.dumps({"bot": "paper", **labels}, sort_keys=True, separators=(",", ":")))
        for metric, labels in found
    }


def test_exactly_the_agreed_series_are_there_each_at_every_scrape(today: pl.DataFrame):
    counts = today.group_by("metric", "labels").len()
    assert set(counts.select("metric", "labels").rows()) == agreed_series()
    assert counts["len"].unique().to_list() == [5760]
    grid = START + np.arange(5760) * 15 * NS
    assert (today["ts_ns"].to_numpy().reshape(-1, 5760) == grid).all()


def slow_edge(root: Path, at_ns: int, half_life_s: float) -> float:
    money = notional = 0.0
    for symbol in SYMBOLS:
        quoted = quotes(root, DAYS, symbol)
        times, mids = quoted["exch_ts_ns"].to_numpy(), quoted["mid"].to_list()
        columns = ("exch_ts_ns", "sign", "price", "qty", "fee")
        for filled_ns, sign, price, qty, fee in fills(root, DAYS, symbol).select(columns).iter_rows():
            closed_ns = filled_ns + 5 * NS
            if closed_ns <= at_ns:
                weight = 2 ** (-(at_ns - closed_ns) / NS / half_life_s)
                later = mids[int(np.searchsorted(times, closed_ns, side="right")) - 1]
                money += weight * (sign * (later - price) * qty - fee)
                notional += weight * mids[int(np.searchsorted(times, filled_ns, side="left")) - 1] * qty
    return 1e4 * money / notional


@pytest.mark.parametrize("scrape", [0, 1, 2, 2880, 5759], ids=lambda scrape: f"scrape {scrape}")
def test_the_edge_of_an_hour_is_what_an_obvious_loop_over_fills_gives_also_just_after_midnight(
    root: Path, today: pl.DataFrame, scrape: int
):
    expected = slow_edge(root, START + scrape * 15 * NS, 3600.0)
    # what the bot earned before yesterday weighs at most 2^-24 of the sum
    assert series(today, "mm_edge_bps_ema1h")[scrape] == pytest.approx(expected, rel=2e-6)


def test_the_edge_of_a_day_lies_near_that_of_the_hours(today: pl.DataFrame):
    hours, day = series(today, "mm_edge_bps_ema1h"), series(today, "mm_edge_bps_ema24h")
    assert hours.min() < day.min() <= day.max() < hours.max()
    assert np.abs(np.diff(day)).max() < np.abs(np.diff(hours)).max()


def test_the_maker_share_is_the_decayed_notional_made_of_all_traded(root: Path, today: pl.DataFrame):
    made = traded = 0.0
    at_ns = START + 5759 * 15 * NS
    for symbol in SYMBOLS:
        quoted, filled = quotes(root, DAYS, symbol), fills(root, DAYS, symbol)
        at = filled["exch_ts_ns"].to_numpy()
        mid = quoted["mid"].to_numpy()[np.searchsorted(quoted["exch_ts_ns"].to_numpy(), at, side="left") - 1]
        weight = mid * filled["qty"].to_numpy() * 2.0 ** (-(at_ns - at) / NS / 3600.0) * (at <= at_ns)
        made += float(weight[(filled["liquidity"] == "maker").to_numpy()].sum())
        traded += float(weight.sum())
    assert series(today, "mm_maker_share_ratio")[-1] == pytest.approx(made / traded, rel=1e-9)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_position_moves_by_the_fills_also_over_midnight(root: Path, today: pl.DataFrame, symbol: str):
    gauge = np.concatenate(
        [series(samples(root, DAYS[0]), "mm_position", symbol=symbol)[-1:], series(today, "mm_position", symbol=symbol)]
    )
    filled = fills(root, DAYS, symbol)
    at, signed = filled["exch_ts_ns"].to_numpy(), (filled["sign"] * filled["qty"]).to_numpy()
    grid = START + np.arange(-1, 5760) * 15 * NS
    running = np.concatenate([[0.0], np.cumsum(signed)])[np.searchsorted(at, grid, side="right")]
    assert gauge - gauge[0] == pytest.approx(running - running[0], abs=1e-9)


def test_the_order_age_is_the_p95_of_the_newest_200_fills(root: Path, today: pl.DataFrame):
    filled = pl.concat([fills(root, DAYS, symbol) for symbol in SYMBOLS]).sort("exch_ts_ns", maintain_order=True)
    known = filled.filter(pl.col("exch_ts_ns") <= START + 5759 * 15 * NS).tail(200)
    ages = ((known["exch_ts_ns"] - known["order_ts_ns"]) / 1e6).to_numpy()
    assert series(today, "mm_order_age_p95_ms")[-1] == pytest.approx(float(np.percentile(ages, 95)), rel=1e-12)


def test_missed_deadlines_are_the_ticks_above_the_bound_of_150_ms(today: pl.DataFrame):
    ticks = grown(today, "mm_stage_duration_ms_count", stage="tick_total")
    within = grown(today, "mm_stage_duration_ms_bucket", stage="tick_total", le="150.0")
    assert grown(today, "mm_ticks_total") == ticks == 5759 * 30
    assert grown(today, "mm_deadline_miss_total") == ticks - within


def test_the_sum_of_a_histogram_lies_between_the_bounds_of_its_buckets(today: pl.DataFrame):
    for stage in ("tick_total", "fetch_md"):
        counts = np.diff([0, *(grown(today, "mm_stage_duration_ms_bucket", stage=stage, le=le) for le in BOUNDS)])
        assert counts[-1] == 0, "nothing above the last finite bound, so that there is an upper end"
        bounds = np.array([0.0, *map(float, BOUNDS[:-1])])
        total = grown(today, "mm_stage_duration_ms_sum", stage=stage)
        assert counts[:-1] @ bounds[:-1] < total < counts[:-1] @ bounds[1:]


def test_every_tick_looks_up_the_cache_and_every_lookup_hits_or_misses(today: pl.DataFrame):
    lookups = grown(today, "mm_md_cache_hit_total") + grown(today, "mm_md_cache_miss_total")
    assert lookups == 2 * grown(today, "mm_ticks_total")


def test_exactly_one_state_is_on_and_an_open_breaker_has_no_orders(today: pl.DataFrame):
    breaker = {
        state: series(today, "mm_circuit_breaker_state", state=state) for state in ("open", "half_open", "closed")
    }
    trading = [series(today, "mm_trading_state", state=state) for state in ("ACTIVE", "REDUCING", "HALTED")]
    assert set(np.sum([*breaker.values()], axis=0)) == set(np.sum(trading, axis=0)) == {1.0}
    assert (breaker["open"] == 1).any(), "there is an outage today, so that something is tested"
    assert ((series(today, "mm_orders_open") > 0) == (breaker["closed"] == 1)).all()


def test_no_fill_comes_without_an_order_also_over_midnight(root: Path, today: pl.DataFrame):
    yesterday = samples(root, DAYS[0])
    within = (pl.col("exch_ts_ns") > START - 15 * NS) & (pl.col("exch_ts_ns") <= START + 5759 * 15 * NS)
    found = [fills(root, DAYS, symbol).filter(within)["exch_ts_ns"] for symbol in SYMBOLS]
    assert sum(int((times < START).sum()) for times in found) > 0, "one after yesterday's last scrape"
    sent = series(today, "mm_orders_sent_total")[-1] - series(yesterday, "mm_orders_sent_total")[-1]
    assert sent == sum(times.len() for times in found) + series(today, "mm_orders_open").sum()
