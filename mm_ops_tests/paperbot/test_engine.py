import pytest

from mm_ops.paperbot.engine import ORDERS_WHEN_QUOTING, Breaker, BreakerState, Engine


def states(feed_ages: list[float], stale_after_s: float = 2.0) -> list[str]:
    breaker = Breaker(stale_after_s)
    return [breaker.observe(float(now), now - age).value for now, age in enumerate(feed_ages)]


def test_a_fresh_feed_keeps_it_closed():
    assert set(states([0.0, 1.0, 2.0, 0.0])) == {"closed"}


def test_a_stale_feed_opens_it_and_fresh_seconds_close_it():
    found = states([0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert found == ["closed", "open", "open", *["half_open"] * 5, "closed"]


def test_a_relapse_while_half_open_opens_it_again():
    assert states([3.0, 0.0, 3.0, 0.0]) == ["open", "half_open", "open", "half_open"]


def test_orders_are_gone_one_tick_after_it_opens_and_back_after_it_closes():
    engine = Engine(Breaker(1.0))
    seen = []
    for step in range(60):
        now = step * 0.5
        engine.tick(now, last_feed=2.0 if 2.0 <= now < 6.0 else now)
        seen.append((engine.breaker.state, engine.open_orders))
    opened = next(n for n, (state, _) in enumerate(seen) if state is BreakerState.OPEN)
    assert seen[opened + 1][1] == 0
    assert seen[-1] == (BreakerState.CLOSED, ORDERS_WHEN_QUOTING)


@pytest.mark.parametrize("stale_after_s", [0.5, 5.0])
def test_a_longer_limit_opens_later(stale_after_s: float):
    engine = Engine(Breaker(stale_after_s))
    now = 0.0
    while engine.breaker.state is BreakerState.CLOSED:
        now += 0.1
        engine.tick(now, last_feed=0.0)
    assert now == pytest.approx(stale_after_s + 0.1, abs=0.1)
