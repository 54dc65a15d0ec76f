"""Real Prometheus, real Alertmanager, the watcher and eight live bots, one fault each, at sixty times the speed.

Each of the eight alerts comes by the rendered rules and the rendered routes. Four stop their bot, four are told while
the bot goes on quoting.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mm_ops_tests.alert_stack import Stack, alert_stack, catalogue_of
from mm_ops_tests.live_paperbot import RunningBot, free_port, running
from mm_ops_tests.live_watcher import TOKEN, RunningWatcher, prepare

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

Faults = dict[str, float | bool]
SCALE = 60
WITHIN_S = 240
STOPPING: dict[str, Faults] = {
    "SoakLatencyP95High": {"latency": 4.0},
    "SoakDeadlineMissRate": {"deadline_misses": True},
    "SoakEdgeDegradation": {"edge_decay": 100.0},
    "SoakMDCacheHitRatio": {"cache_collapse": 0.3},
}
TELLING: dict[str, Faults] = {
    "SoakCircuitBreakerOpen": {"feed_cut": True},
    "SoakGuardTrip": {"guard_trips": 600.0},
    "SoakMakerTakerImbalance": {"taker_flow": 0.32, "edge_decay": 0.0},
    "SoakWSLagHigh": {"ws_lag": 30.0},
}
BOT_OF = {name: f"bot{number}" for number, name in enumerate([*STOPPING, *TELLING])}


@dataclass
class World:
    """What runs, by the alert that each bot is there for."""

    bots: dict[str, RunningBot]
    watcher: RunningWatcher
    stack: Stack

    def decisions(self, alert: str) -> set[str]:
        return {one["decision"] for one in self.watcher.episodes(alert=alert, bot=BOT_OF[alert])}

    def stops(self, alert: str) -> list[dict[str, object]]:
        return [stop for one in self.watcher.episodes(bot=BOT_OF[alert]) for stop in one["stops"]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """All of it, after the faults were planted and every alert was heard."""
    folder: Path = tmp_path_factory.mktemp("end_to_end")
    with ExitStack() as stack:
        bots = {}
        for name in BOT_OF:
            (folder / name).mkdir()
            bots[name] = stack.enter_context(running(folder / name, "--allow-faults", speed=SCALE))
        spared = bots["SoakMakerTakerImbalance"]  # taking costs edge: it must not be stopped for that
        spared.put("/profile", "wider", profile="conservative").raise_for_status()
        port = free_port()
        hook = f"http://127.0.0.1:{port}/alert-hook"
        catalogue = catalogue_of({BOT_OF[name]: bot.url for name, bot in bots.items()}, hook, SCALE)
        prepare(folder, catalogue.fleet)
        watcher = RunningWatcher(folder, port=port)
        watcher.start()
        stack.callback(watcher.stop)
        servers = stack.enter_context(alert_stack(folder, catalogue, TOKEN, SCALE))
        watcher.until(lambda: bool(watcher.episodes(alert="Watchdog")))
        assert [one for one in watcher.episodes() if one["stops"]] == []
        for name, faults in {**STOPPING, **TELLING}.items():
            bots[name].faults(**faults)
        found = World(bots, watcher, servers)
        watcher.until(lambda: all(found.decisions(name) for name in BOT_OF), WITHIN_S)
        yield found


@pytest.mark.parametrize("alert", STOPPING)
def test_a_rollback_alert_stops_its_bot_and_it_sends_no_more_orders(world: World, alert: str):
    bot = world.bots[alert]
    world.watcher.until(lambda: any(stop["confirmed"] for stop in world.stops(alert)))
    state = bot.state()
    assert (state["trading_state"], state["open_orders"], state["strategy_scale"]) == ("HALTED", 0, 0.0)
    assert (state["circuit"], state["orders_frozen"]) == ("open", True)
    sent, ticks = bot.value("mm_orders_sent_total"), bot.value("mm_ticks_total")
    bot.until(lambda: bot.value("mm_ticks_total") > ticks + 200)
    assert bot.value("mm_orders_sent_total") == sent


@pytest.mark.parametrize("alert", STOPPING)
def test_one_breach_is_one_confirmed_stop(world: World, alert: str):
    time.sleep(2 * world.stack.catalogue.alerting.alertmanager.stop.repeat_interval.total_seconds())
    stops = world.stops(alert)
    assert [(stop["confirmed"], stop["round"]) for stop in stops] == [(1, 1)], stops


@pytest.mark.parametrize("alert", TELLING)
def test_another_alert_is_told_while_its_bot_goes_on(world: World, alert: str):
    bot = world.bots[alert]
    assert world.decisions(alert) & {"Page", "Notify", "Record"}
    assert world.stops(alert) == []
    assert bot.state()["trading_state"] == "ACTIVE"
    if alert != "SoakCircuitBreakerOpen":  # its own breaker keeps it from quoting
        sent = bot.value("mm_orders_sent_total")
        bot.until(lambda: bot.value("mm_orders_sent_total") > sent)


@pytest.mark.parametrize("alert", TELLING)
def test_whoever_is_told_is_told_once(world: World, alert: str):
    (episode,) = world.watcher.episodes(alert=alert, bot=BOT_OF[alert])[:1]
    assert "firing" in episode["told"]
    assert world.watcher.log.count(f"{BOT_OF[alert]}: ") >= 1
