"""Two ``mm-ops watch`` on one PostgreSQL, both told of everything at once: one effect; one of them dies: still one."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.database import Database, DatabaseFaultError
from mm_ops.adapters.journal_audit import audit_journal
from mm_ops.adapters.journal_writer import LOCK
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
        bot = stack.enter_context(running(tmp_path, "--allow-faults", speed=1))
        fleet = catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet
        watchers = []
        for owner in ("a", "b"):
            (tmp_path / owner).mkdir()
            flags = ("--journal", server.url, "--anchor", str(tmp_path / owner / "anchor"), "--owner", owner)
            watchers.append(stack.enter_context(watching(tmp_path / owner, fleet, *flags, change=hasty)))
        yield bot, watchers


def hasty(document: dict[str, Any]) -> None:
    document["attempts"].update({"attempt": "500ms", "deadline": "3s", "no_open_orders": "2s", "again_after": "2s"})


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


def test_the_server_is_restarted_in_the_middle_of_a_stop_and_the_bot_is_stopped_once(
    server: Server, pair: tuple[RunningBot, list[RunningWatcher]], tmp_path: Path
):
    bot, watchers = pair
    before = bot.state()["sequence"]
    bot.faults(hang=60.0)
    for watcher in watchers:
        assert watcher.post(LATENCY).status_code == 200
    watchers[0].until(lambda: any(one["stops"] for one in watchers[0].episodes()))
    server.restart_at_once()
    bot.faults()

    def stopped(watcher: RunningWatcher) -> bool:
        """As Alertmanager does, send again until it is taken, and for as long as it fires."""
        if not watcher.post(LATENCY).ok:
            time.sleep(0.2)
            return False
        return settled(watcher) and any(stop["confirmed"] for one in watcher.episodes() for stop in one["stops"])

    for watcher in watchers:
        watcher.until(lambda watcher=watcher: stopped(watcher))  # type: ignore[misc]
    assert (bot.state()["trading_state"], bot.state()["sequence"] - before) == ("HALTED", 4)
    (episode,) = watchers[0].episodes()
    assert len({(stop["episode"], stop["round"]) for stop in episode["stops"]}) == len(episode["stops"])
    for owner in ("a", "b"):
        found = audit_journal(server.url, tmp_path / owner / "anchor")
        assert (found.problems, found.doubts) == ((), ())


def test_a_watcher_that_is_frozen_in_the_middle_of_a_write_keeps_the_other_from_nothing(
    server: Server, pair: tuple[RunningBot, list[RunningWatcher]]
):
    bot, watchers = pair
    frozen = Database(server.url)

    def freeze() -> None:
        with frozen.transaction() as transaction:
            transaction.run("SELECT pg_advisory_xact_lock(:key)", {"key": LOCK})
            watchers[0].until(lambda: watchers[0].post(LATENCY).ok)
            watchers[0].until(lambda: settled(watchers[0]))

    with pytest.raises(DatabaseFaultError):  # the server has ended its session
        freeze()
    frozen.close()
    assert bot.state()["trading_state"] == "HALTED"
