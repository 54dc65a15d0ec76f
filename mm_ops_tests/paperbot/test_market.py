from dataclasses import replace

import numpy as np
import pytest

from mm_ops.paperbot.market import QUOTES_PER_DAY, Quotes, draw_quotes
from mm_ops.paperbot.profiles import HEALTHY, SYMBOLS, Profile

NS = 1_000_000_000
AAA = SYMBOLS[0]
START = 1_700_000 * NS
STILL = replace(HEALTHY, daily_volatility_bps=0.0)
NEVER, NOBODY = np.empty(0, np.int64), np.empty(0, np.int64)


def drawn(profile: Profile, seed: int = 1, at: np.ndarray = NEVER, side: np.ndarray = NOBODY) -> Quotes:
    rng = np.random.default_rng(seed)
    log_mid = float(np.log(2000.0))
    return draw_quotes(rng, profile, AAA, start_ns=START, log_mid=log_mid, impact_ns=at, impact_side=side)


@pytest.mark.parametrize("seed", range(5))
def test_quotes_are_in_order_in_the_day_on_the_grid_and_never_crossed(seed: int):
    quotes = drawn(HEALTHY, seed)
    assert quotes.exch_ts_ns.size == QUOTES_PER_DAY
    assert np.diff(quotes.exch_ts_ns).min() > 0
    assert quotes.exch_ts_ns[0] >= START
    assert quotes.exch_ts_ns[-1] < START + 86_400 * NS
    assert (quotes.bid_px < quotes.ask_px).all()
    for prices in (quotes.bid_px, quotes.ask_px):
        assert np.abs(prices * 100 - np.round(prices * 100)).max() < 1e-6


def test_the_half_spread_is_a_few_bps():
    quotes = drawn(STILL)
    half_bps = 1e4 * (quotes.ask_px - quotes.bid_px) / 2 / quotes.mid
    assert float(np.median(half_bps)) == pytest.approx(4.0, abs=0.1)


def test_a_market_without_volatility_and_fills_stands_still():
    assert np.abs(drawn(STILL).mid - 2000.0).max() <= 0.01


def test_the_mid_moves_against_each_fill_for_good_when_its_impact_arrives():
    bought, sold = START + 1_000 * NS, START + 2_000 * NS
    quotes = drawn(STILL, at=np.array([bought, sold]), side=np.array([1, -1]))
    half_way = (quotes.exch_ts_ns >= bought) & (quotes.exch_ts_ns < sold)
    assert np.abs(quotes.mid[half_way] - 2000.0 * (1 - 0.8e-4)).max() <= 0.01, "0.8 bps down after we bought"
    assert np.abs(quotes.mid[~half_way] - 2000.0).max() <= 0.01, "and up again after we sold"


def test_an_impact_after_the_last_quote_is_in_tomorrows_first_mid():
    late = drawn(STILL, at=np.array([START + 86_402 * NS]), side=np.array([1]))
    assert late.last_log_mid == pytest.approx(np.log(2000.0) - 0.8e-4, abs=1e-12)


def test_a_day_of_log_returns_spreads_by_the_daily_volatility():
    moves = [1e4 * (drawn(HEALTHY, seed).last_log_mid - np.log(2000.0)) for seed in range(40)]
    assert 60 < float(np.std(moves)) < 140, "100 bps, within three standard errors of 40 draws"


def test_a_quote_of_the_same_nanosecond_prevails_at_a_horizon_but_not_at_a_fill():
    one = np.ones(3)
    quotes = Quotes(np.array([10, 20, 30]), one, one, one, one, 0.0)
    times = np.array([9, 10, 11, 20, 35])
    assert quotes.before(times).tolist() == [-1, -1, 0, 0, 2]
    assert quotes.until(times).tolist() == [-1, 0, 0, 1, 2]
