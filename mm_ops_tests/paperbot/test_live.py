"""The bot obeys, and what goes wrong is seen: its counters and gauges over some minutes of its own clock."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest

from mm_ops.paperbot.control import Control
from mm_ops.paperbot.faults import usual
from mm_ops.paperbot.live import LiveBot
from mm_ops.paperbot.live_metrics import expose
from mm_ops.paperbot.profiles import BUCKETS_MS, HEALTHY, Profile
from mm_ops.paperbot.state import BotState

NO_GAPS = replace(HEALTHY, feed_gaps_per_day=0)
BUSY = replace(NO_GAPS, fills_per_day=17_280.0)  # one fill a symbol each 5 s
MINUTE, HOUR = 120, 7200  # steps


def bot(profile: Profile = NO_GAPS, steps: int = 2) -> LiveBot:
    found = LiveBot(profile, 7, BotState(0.0), Control(0))
    run(found, steps)
    return found


def run(found: LiveBot, steps: int) -> None:
    for _ in range(steps):
        found.step()


def held(found: LiveBot) -> list[int]:
    return [abs(symbol.position_lots) for symbol in found.symbols]


def test_an_active_bot_quotes_and_sends():
    found = bot(steps=10 * MINUTE)
    assert found.open_orders in range(2, 5)
    assert found.orders_sent >= 10 * 4 * 4, "four orders renewed every 15 s"


STOPS: dict[str, tuple[str, object]] = {
    "scale 0": ("strategy_scale", 0.0),
    "an open circuit": ("circuit", "open"),
    "a circuit that is watched": ("circuit", "half_open"),
    "HALTED": ("trading_state", "HALTED"),
}


@pytest.mark.parametrize(("field", "value"), STOPS.values(), ids=list(STOPS))
def test_after_a_stop_nothing_stands_nothing_is_sent_and_nothing_fills(field: str, value: object):
    found = bot(BUSY, 10 * MINUTE)
    found.put(field, value, "k")
    assert found.state()[field] == value
    run(found, 1)
    sent, lots = found.orders_sent, held(found)
    assert found.open_orders == 0
    run(found, 10 * MINUTE)
    assert (found.open_orders, found.orders_sent, held(found)) == (0, sent, lots)


def test_frozen_it_sends_nothing_and_what_stands_may_still_fill():
    found = bot(BUSY, 10 * MINUTE + 1)
    found.put("orders_frozen", value=True, key="k")
    sent, standing = found.orders_sent, found.open_orders
    run(found, 1)
    assert found.open_orders >= standing - 2, "a freeze does not cancel"
    run(found, 10 * MINUTE)
    assert (found.orders_sent, found.open_orders) == (sent, 0), "each of the standing orders has filled"
    found.put("orders_frozen", value=False, key="l")
    run(found, 1)
    assert (found.orders_sent, found.open_orders) == (sent + 4, 4)


def test_reducing_it_works_its_position_down_to_nothing_and_stops():
    found = bot(BUSY, 10 * MINUTE)
    assert max(held(found)) > 0
    found.put("trading_state", "REDUCING", "k")
    before = held(found)
    for _ in range(30 * MINUTE):
        found.step()
        after = held(found)
        assert all(later <= earlier for earlier, later in zip(before, after, strict=True))
        before = after
    sent = found.orders_sent
    run(found, MINUTE)
    assert (held(found), found.open_orders, found.orders_sent) == ([0, 0], 0, sent)


def test_it_quotes_again_when_it_is_resumed_in_steps():
    found = bot(BUSY, MINUTE)
    for n, state in enumerate(("HALTED", "REDUCING", "ACTIVE")):
        found.put("trading_state", state, f"k{n}")
        run(found, 1)
    assert found.open_orders == 4


def test_a_circuit_that_was_asked_for_stays_though_the_feed_is_fresh():
    found = bot()
    found.put("circuit", "open", "k")
    run(found, HOUR)
    assert found.circuit == "open"
    found.put("circuit", "closed", "l")
    assert found.circuit == "closed"


def test_a_stale_feed_keeps_the_circuit_open_whatever_is_asked_for():
    found = bot()
    found.suffer(usual(("feed_cut",)))
    run(found, 10)
    sequence = found.control.sequence
    assert (found.circuit, found.open_orders, sequence) == ("open", 0, 1)
    found.put("circuit", "closed", "k")
    assert found.state()["circuit"] == "open"
    found.suffer({})
    run(found, 2)
    assert found.circuit == "half_open"
    run(found, 20)
    assert (found.circuit, found.open_orders, found.control.sequence) == ("closed", 4, 3)


@pytest.mark.parametrize("faults", [{"order_rejects": 1.0}, {"clock_skew": 30.0}])
def test_rejected_orders_do_not_stand_and_open_the_circuit_until_they_are_taken_again(faults: dict[str, float]):
    found = bot()
    run(found, 10)
    found.suffer(faults)
    run(found, 1)
    assert (found.circuit, found.open_orders) == ("closed", 0)
    run(found, 6)
    assert (found.circuit, found.open_orders) == ("open", 0)
    sent = found.orders_sent
    run(found, 6)
    assert found.orders_sent == sent
    found.suffer({"clock_skew": 0.5})
    run(found, 40)
    assert (found.circuit, found.open_orders) == ("closed", 4)


def test_a_gap_of_the_feed_comes_and_goes_by_itself():
    found = bot(replace(HEALTHY, feed_gaps_per_day=48))
    seen = set()
    for _ in range(4 * HOUR):
        found.step()
        seen.add(found.circuit)
    assert seen == {"closed", "open", "half_open"}


def width_bps(found: LiveBot) -> float:
    quote = found.state()["quotes"]["AAA-USDT"]
    return float(1e4 * (quote["ask"] - quote["bid"]) / (quote["ask"] + quote["bid"]) * 2)


def test_it_quotes_as_wide_as_its_profile_says():
    found = bot(steps=2)
    assert width_bps(found) == pytest.approx(8.0, abs=0.2)  # half a spread of 4 bps, on a grid of 0.05 bps
    found.put("profile", "conservative", "a")
    assert width_bps(found) == pytest.approx(12.0, abs=0.2)
    found.put("profile", "conservative", "b", {"spread_factor": 2.5, "max_in_flight": 3, "backoff_ms": 200})
    assert width_bps(found) == pytest.approx(20.0, abs=0.2)
    found.put("profile", "moderate", "c")
    assert width_bps(found) == pytest.approx(8.0, abs=0.2)


def test_no_more_orders_stand_than_its_profile_lets_be_under_way():
    found = bot(steps=2)
    assert found.open_orders == 4
    found.put("profile", "conservative", "a", {"spread_factor": 1.5, "max_in_flight": 3, "backoff_ms": 200})
    run(found, 1)
    assert found.open_orders == 3
    found.put("trading_state", "HALTED", "b")
    run(found, 1)
    assert found.state()["quotes"] == {}


def test_an_overrides_file_names_a_profile_with_its_settings():
    found, wide = bot(), {"spread_factor": 2.0, "max_in_flight": 3, "backoff_ms": 200}
    assert found.override({"profile": "conservative", "profile_settings": wide}) == []
    assert found.state()["profile_settings"] == wide
    assert found.override({"profile_settings": wide}) == ["no field 'profile_settings'"]
    refused = found.override({"profile": "moderate", "profile_settings": {**wide, "spread_factor": 99}})
    assert refused == ["profile_settings: spread_factor: expected 0.1 to 10, was 99"]
    assert found.state()["profile"] == "conservative"


def test_a_wider_profile_gets_fewer_fills_and_more_for_each():
    base, wide = bot(BUSY, 0), bot(BUSY, 0)
    wide.put("profile", "conservative", "k")
    for found in (base, wide):
        run(found, HOUR)
    assert edge(wide) > edge(base) + 1.0, "a half spread of 6 bps instead of 4"
    assert wide.orders_sent < base.orders_sent


def test_the_same_seed_and_commands_give_the_same_bot_however_often_it_is_looked_at():
    one, other = bot(steps=0), bot(steps=0)
    for _ in range(MINUTE):
        one.step()
        other.step()
        expose(other, 0.0)
    assert (one.durations, one.orders_sent, held(one)) == (other.durations, other.orders_sent, held(other))


def over(found: LiveBot) -> float:
    counts = found.durations["tick_total"].counts
    return sum(counts[BUCKETS_MS.index(150.0) + 1 :]) / sum(counts)


def edge(found: LiveBot) -> float:
    value = found.edges["ema24h"].read(found.now_s)
    assert value is not None
    return 1e4 * value


def share(found: LiveBot) -> float:
    value = found.makers.read(found.now_s)
    assert value is not None
    return value


SEEN: dict[str, tuple[Callable[[LiveBot], float], float, Callable[[float], bool]]] = {
    "latency": (over, 0.05, lambda seen: seen > 0.5),
    "deadline_misses": (over, 0.01, lambda seen: 0.02 < seen < 0.05),
    "cache_collapse": (lambda found: found.hits / found.lookups, 0.85, lambda seen: seen < 0.7),
    "edge_decay": (edge, 3.5, lambda seen: seen < 0.0),
    "ws_lag": (lambda found: max(found.lags_ms), 200.0, lambda seen: seen > 200.0),
    "guard_trips": (lambda found: float(sum(found.guard_trips.values())), 0.0, lambda seen: seen > 20),
    "taker_flow": (share, 1.0, lambda seen: seen < 0.85),
    "memory_leak": (lambda found: found.resident_memory_bytes / 2**20, 190.0, lambda seen: seen > 220.0),
    "feed_cut": (lambda found: float(found.open_orders), 4.0, lambda seen: seen == 0.0),
    "order_rejects": (lambda found: float(found.open_orders), 4.0, lambda seen: seen == 0.0),
    "clock_skew": (lambda found: float(found.open_orders), 4.0, lambda seen: seen == 0.0),
}


@pytest.mark.parametrize("name", SEEN)
def test_each_fault_of_the_market_or_machine_is_seen_in_an_hour_and_none_is_there_without(name: str):
    measure, at_most, shows = SEEN[name]
    healthy, ill = bot(BUSY, 0), bot(BUSY, 0)
    ill.suffer(usual((name,)))
    for found in (healthy, ill):
        run(found, HOUR)
    assert measure(healthy) <= at_most
    assert not shows(measure(healthy))
    assert shows(measure(ill))


def test_what_leaked_stays_when_the_leak_is_closed():
    found = bot()
    found.suffer({"memory_leak": 600.0})
    run(found, HOUR)
    found.suffer({})
    run(found, MINUTE)
    assert found.leaked_mb == pytest.approx(600.0)


def test_overrides_set_field_by_field_and_what_is_refused_is_said():
    found = bot()
    refused = found.override({"strategy_scale": 0, "colour": 1, "profile": "x", "trading_state": "HALTED"})
    assert [text.partition(":")[0] for text in refused] == ["no field 'colour'", "profile"]
    assert (found.control.asked.strategy_scale, found.control.asked.trading_state) == (0.0, "HALTED")
    assert found.override({"trading_state": "ACTIVE"}) == [
        "trading_state: HALTED is left by REDUCING only, and then ACTIVE"
    ]


def test_hours_of_trading_leave_nothing_behind():
    found = bot(BUSY, HOUR)
    tracemalloc.start()
    run(found, HOUR // 4)
    before, _ = tracemalloc.get_traced_memory()
    run(found, 2 * HOUR)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 100_000, "2,880 fills; one that is kept is some 300 bytes"
