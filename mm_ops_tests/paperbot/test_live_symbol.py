import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from mm_ops.paperbot.live_symbol import Leave, LiveFill, LiveSymbol
from mm_ops.paperbot.profiles import HEALTHY, SYMBOLS, Profile

AAA = SYMBOLS[0]
MID = 2000.005
LOG_MID = math.log(MID)
STILL = replace(HEALTHY, daily_volatility_bps=0.0, fills_per_day=172_800.0)  # a fill in each step, and no noise


def symbol(position: int = 0) -> LiveSymbol:
    return LiveSymbol(AAA, LOG_MID, position)


def traded(one: LiveSymbol, profile: Profile = STILL, leave: Leave = Leave.QUOTE, *, frozen: bool = False) -> LiveFill:
    fill = one.trade(np.random.default_rng(1), profile, 100.0, leave, 1.0, frozen=frozen)
    assert fill is not None
    return fill


def test_the_touch_is_the_spread_around_the_mid_on_the_tick_grid():
    assert symbol().touch(4.0) == (1999.2, 2000.81)
    assert symbol().touch(0.01) == (2000.0, 2000.01), "0.002 either side, outwards to the next tick"


def test_a_maker_fills_at_our_side_of_the_touch_and_gets_its_rebate():
    one = symbol()
    fill = traded(one, replace(STILL, hedge_probability=0.0))
    assert fill.maker
    assert one.position_lots == fill.side * fill.lots
    assert (fill.price < 2000.0) == (fill.side == 1)
    assert fill.qty == fill.lots * 0.5
    assert fill.fee == pytest.approx(-0.2e-4 * fill.price * fill.qty)


def test_at_the_limit_it_takes_towards_zero_at_the_other_side():
    one = symbol(12)
    fill = traded(one)
    assert (fill.side, fill.maker) == (-1, False)
    assert fill.price < 2000.0, "a sale that takes hits the bid"
    assert fill.fee == pytest.approx(4e-4 * fill.price * fill.qty)


def test_frozen_it_takes_nothing_since_that_needs_a_new_order():
    rng = np.random.default_rng(1)
    assert symbol(12).trade(rng, STILL, 0.0, Leave.QUOTE, 1.0, frozen=True) is None


@pytest.mark.parametrize("position", [1, -1, 5, -12])
def test_reducing_it_ends_at_zero_and_never_beyond(position: int):
    one, rng, seen = symbol(position), np.random.default_rng(1), [position]
    while one.position_lots:
        one.trade(rng, STILL, 0.0, Leave.REDUCE, 1.0, frozen=False)
        seen.append(one.position_lots)
    assert all(abs(later) < abs(earlier) for earlier, later in itertools.pairwise(seen))
    assert all(lots * position >= 0 for lots in seen)
    assert one.trade(rng, STILL, 0.0, Leave.REDUCE, 1.0, frozen=False) is None


def test_without_leave_or_at_scale_zero_nothing_fills():
    rng = np.random.default_rng(1)
    assert symbol().trade(rng, STILL, 0.0, Leave.NOTHING, 1.0, frozen=False) is None
    assert symbol().trade(rng, STILL, 0.0, Leave.QUOTE, 0.0, frozen=False) is None


def test_half_the_scale_is_half_the_fills():
    def fills(scale: float) -> int:
        rng, one = np.random.default_rng(1), symbol()
        busy = replace(STILL, fills_per_day=17_280.0)
        return sum(one.trade(rng, busy, 0.0, Leave.QUOTE, scale, frozen=False) is not None for _ in range(10_000))

    assert fills(1.0) == pytest.approx(1000, rel=0.1)
    assert fills(0.5) == pytest.approx(500, rel=0.15)


def test_the_mid_moves_against_a_maker_fill_when_its_impact_arrives():
    one = symbol()
    fill = traded(one, replace(STILL, hedge_probability=0.0, impact_delay_s=(2.0, 2.0)))
    rng = np.random.default_rng(1)
    one.walk(rng, STILL, 101.9)
    assert one.log_mid == LOG_MID
    one.walk(rng, STILL, 102.0)
    one.walk(rng, STILL, 103.0)
    assert one.log_mid == pytest.approx(LOG_MID - fill.side * 0.8e-4, abs=1e-15), "once"


def test_a_fill_closes_after_its_horizon_with_its_markout_less_its_fee():
    one = symbol()
    fill = traded(one, replace(STILL, hedge_probability=0.0))
    assert list(one.close_due(104.9, 4.0)) == []
    ((money, notional),) = one.close_due(105.0, 4.0)
    assert money == pytest.approx(fill.side * (MID - fill.price) * fill.qty - fill.fee)
    assert notional == fill.notional
    assert list(one.close_due(106.0, 4.0)) == []
