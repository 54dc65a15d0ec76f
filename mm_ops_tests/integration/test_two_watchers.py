"""Two ``mm-ops watch`` on one PostgreSQL, both told of everything at once: one effect; one of them dies: still one."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from mm_ops.adapters.journal_audit import audit_journal
from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_paperbot import RunningBot, running
from mm_ops_tests.live_watcher import RunningWatcher, watching
from mm_ops_tests.postgres_server import Server, serving
from mm_ops_tests.watcher.alerts import LATENCY

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("psycopg2", reason="the driver psycopg2 is not installed (extra postgres)")
    with serving() as started:
        yield started


@pytest.fixture
def pair(server: Server, tmp_path: Path) -> Iterator[tuple[RunningBot, list[RunningWatcher]]]:
    server.empty()
    with ExitStack() as stack:
        bot = stack.enter_context(running(tmp_path, speed=1))
        fleet = catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet
        watchers = []
        for owner in ("a", "b"):
            (tmp_path / owner).mkdir()
            flags = ("--journal", server.url, "--anchor", str(tmp_path / owner / "anchor"), "--owner", owner)
            watchers.append(stack.enter_context(watching(tmp_path / owner, fleet, *flags)))
        yield bot, watchers


def settled(watcher: RunningWatcher) -> bool:
    stops = [stop for episode in watcher.episodes() for stop in episode["stops"]]
    return bool(stops) and all(stop["finished_at"] for stop in stops) and not watcher.get("/state")["waiting"]["bodies"]


def test_both_are_told_a_hundred_times_and_the_bot_is_stopped_once(
    server: Server, pair: tuple[RunningBot, list[RunningWatcher]], tmp_path: Path
):
    bot, watchers = pair
    before = bot.state()["sequence"]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: watchers[n % 2].post(LATENCY).status_code, range(200)))
    assert set(answers) == {200}
    for watcher in watchers:
        watcher.until(lambda watcher=watcher: settled(watcher))  # type: ignore[misc]
        (episode,) = watcher.episodes()
        assert [(stop["round"], stop["confirmed"]) for stop in episode["stops"]] == [(1, 1)]
    assert (bot.state()["trading_state"], bot.state()["sequence"] - before) == ("HALTED", 4)
    for owner in ("a", "b"):
        found = audit_journal(server.url, tmp_path / owner / "anchor")
        assert (found.problems, found.doubts) == ((), ())


def test_one_dies_and_the_other_stops_the_bot(pair: tuple[RunningBot, list[RunningWatcher]]):
    bot, watchers = pair
    before = bot.state()["sequence"]
    watchers[0].stop(signal.SIGKILL)
    assert watchers[1].post(LATENCY).status_code == 200
    watchers[1].until(lambda: settled(watchers[1]))
    watchers[0].start()
    assert watchers[0].post(LATENCY).status_code == 200
    watchers[0].until(lambda: settled(watchers[0]))
    assert (bot.state()["trading_state"], bot.state()["sequence"] - before) == ("HALTED", 4)
