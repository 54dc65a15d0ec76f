from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from mm_ops.paperbot.feed import Outage
from mm_ops.paperbot.market import Quotes
from mm_ops.paperbot.profiles import DEGRADED, HEALTHY, SYMBOLS, Profile
from mm_ops.paperbot.trading import Intents, draw_intents, fill_ids, impacts, price_fills

NS = 1_000_000_000
AAA = SYMBOLS[0]


def intents(profile: Profile, seed: int = 1, position: int = 0, outages: list[Outage] | None = None) -> Intents:
    return draw_intents(np.random.default_rng(seed), profile, outages or [], start_ns=0, position_lots=position)


def positions_before(found: Intents, first: int = 0) -> list[int]:
    return [first, *(first + np.cumsum(found.side * found.lots)).tolist()][:-1]


@pytest.mark.parametrize("seed", range(5))
def test_at_the_limit_the_bot_takes_towards_zero_and_below_it_it_makes(seed: int):
    found = intents(replace(HEALTHY, hedge_probability=0.0, position_limit_lots=4), seed)
    before = positions_before(found)
    assert max(map(abs, before)) >= 4, "the limit is reached, so that something is tested"
    for position, side, maker in zip(before, found.side.tolist(), found.maker.tolist(), strict=True):
        assert maker == (abs(position) < 4)
        assert maker or side == -np.sign(position)


@pytest.mark.parametrize("profile", [HEALTHY, DEGRADED], ids=lambda profile: profile.name)
def test_the_position_comes_back_from_wherever_it_was_and_stays_near_its_limit(profile: Profile):
    found = intents(profile, position=12)
    before = positions_before(found, 12)
    assert max(map(abs, before)) <= profile.position_limit_lots + 2, "a fill of 3 lots from just below the limit"
    assert min(before) < 0 < max(before)
    assert found.last_position_lots == before[-1] + found.side[-1] * found.lots[-1]


def test_the_lean_keeps_the_bot_off_its_limit_without_any_hedge():
    found = intents(replace(HEALTHY, hedge_probability=0.0))
    assert 0 < (~found.maker).mean() < 0.05, "forced takers; leaning the wrong way it is 45 %"


def test_fills_are_poisson_in_number_in_order_and_inside_the_day():
    counts = [intents(HEALTHY, seed).exch_ts_ns.size for seed in range(20)]
    assert float(np.mean(counts)) == pytest.approx(2500, abs=40), "within four standard errors of 20 days"
    times = intents(HEALTHY).exch_ts_ns
    assert np.diff(times).min() > 0
    assert times[0] > 0
    assert times[-1] < 86_400 * NS


def test_no_fill_while_the_breaker_keeps_the_bot_out():
    found = intents(HEALTHY, outages=[Outage(1_000.0, 30_000.0, 40_000.0)])
    seconds = found.exch_ts_ns / NS
    assert not ((seconds >= 1_000) & (seconds < 40_000)).any()
    assert (seconds < 1_000).any()
    assert (seconds >= 40_000).any()


def test_every_maker_fill_has_one_impact_within_the_markout_horizon():
    found = intents(HEALTHY)
    arrives, side = impacts(np.random.default_rng(1), HEALTHY, found)
    assert np.diff(arrives).min() >= 0
    assert arrives.size == found.maker.sum()
    assert side.sum() == found.side[found.maker].sum()
    for moment, its_side in zip(arrives[:200].tolist(), side[:200].tolist(), strict=True):
        since_s = (moment - found.exch_ts_ns[found.maker & (found.side == its_side)]) / NS
        assert ((since_s >= 1.0) & (since_s <= 4.0)).any()


def test_makers_fill_at_their_own_side_of_the_touch_and_takers_at_the_other():
    quotes = Quotes(
        np.array([10, 20]), np.array([99.0, 50.0]), np.ones(2), np.array([101.0, 52.0]), np.ones(2), last_log_mid=0.0
    )
    at, side, maker = np.array([20, 20, 20, 20]), np.array([1, 1, -1, -1]), np.array([True, False, True, False])
    wanted = Intents(at, side, np.array([1, 2, 1, 2]), maker, 0)
    fills = price_fills(np.random.default_rng(1), HEALTHY, AAA, wanted, quotes)
    assert fills.price.tolist() == [99.0, 101.0, 101.0, 99.0], "of the quote at 10, not of the one at 20"
    assert fills.mid.tolist() == [100.0] * 4
    assert fills.qty.tolist() == [0.5, 1.0, 0.5, 1.0]
    assert fills.fee == pytest.approx([99 * 0.5 * -0.2e-4, 101 * 4e-4, 101 * 0.5 * -0.2e-4, 99 * 4e-4], rel=1e-12)
    assert (fills.order_ts_ns < fills.exch_ts_ns).all()


def test_identifiers_differ_between_symbols_and_days():
    days = (date(2026, 11, 19), date(2026, 11, 20))
    names = [name for symbol in SYMBOLS for day in days for name in fill_ids(symbol, day, 3)]
    assert names[0] == "AAA-USDT-20261119-000000"
    assert len(set(names)) == 12
