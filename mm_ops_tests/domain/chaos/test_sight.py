from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mm_ops.domain.chaos.sight import See, Sight, is_seen
from mm_ops.domain.rollback.bot import BotState, Circuit, TradingState

STATE = BotState(
    trading_state=TradingState.ACTIVE,
    strategy_scale=1.0,
    circuit=Circuit.CLOSED,
    orders_frozen=False,
    profile="base",
    open_orders=4,
    version="1.0.0",
    observed_at=datetime(2026, 11, 25, tzinfo=UTC),
    sequence=1,
)
BEFORE = Sight(state=STATE, misses=3.0, started_s=100.0, skew_s=0.0)


@pytest.mark.parametrize("see", list(See))
def test_what_cannot_be_read_shows_nothing(see: See):
    assert not is_seen(see, Sight(), Sight())
    assert not is_seen(see, BEFORE, Sight())


@pytest.mark.parametrize(
    ("see", "now"),
    [
        (See.CIRCUIT_OPEN, replace(BEFORE, state=replace(STATE, circuit=Circuit.OPEN))),
        (See.NO_OPEN_ORDERS, replace(BEFORE, state=replace(STATE, open_orders=0))),
        (See.DEADLINE_MISSES, replace(BEFORE, misses=4.0)),
        (See.CLOCK_OFF, replace(BEFORE, skew_s=-1.5)),
        (See.RESTARTED, replace(BEFORE, started_s=101.0)),
        (See.UNCONFIRMED, replace(BEFORE, confirmed=False)),
        (See.HALTED, replace(BEFORE, confirmed=True, state=replace(STATE, trading_state=TradingState.HALTED))),
    ],
)
def test_each_thing_is_seen_where_it_is_and_not_before(see: See, now: Sight):
    assert is_seen(see, BEFORE, now)
    assert not is_seen(see, BEFORE, BEFORE)


@pytest.mark.parametrize(
    "change",
    [
        {"open_orders": 0},
        {"circuit": Circuit.HALF_OPEN},
        {"trading_state": TradingState.REDUCING},
    ],
)
def test_a_bot_quotes_when_it_may_and_orders_stand(change: dict[str, object]):
    assert is_seen(See.QUOTING, BEFORE, BEFORE)
    assert not is_seen(See.QUOTING, BEFORE, replace(BEFORE, state=replace(STATE, **change)))  # type: ignore[arg-type]


def test_a_clock_is_right_within_a_second():
    assert is_seen(See.CLOCK_RIGHT, BEFORE, replace(BEFORE, skew_s=1.0))
    assert not is_seen(See.CLOCK_RIGHT, BEFORE, replace(BEFORE, skew_s=1.01))


def test_a_halt_that_was_not_confirmed_is_none():
    halted = replace(STATE, trading_state=TradingState.HALTED)
    assert not is_seen(See.HALTED, BEFORE, replace(BEFORE, confirmed=False, state=halted))
    assert not is_seen(See.HALTED, BEFORE, replace(BEFORE, confirmed=True))
