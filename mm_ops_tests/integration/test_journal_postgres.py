"""Two watchers on one PostgreSQL that the test starts: one effect, one chain, nothing acknowledged is lost."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.database import Database
from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_archive import archive_journal
from mm_ops.adapters.journal_audit import audit_journal
from mm_ops.domain.errors import IntegrityError, SourceUnavailableError
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.response import Responder
from mm_ops_tests.postgres_server import Server, serving
from mm_ops_tests.rollback_world import ACTIVE, NOW, POLICY, MemoryBot, Pages, WallClock, alert

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("psycopg2", reason="the driver psycopg2 is not installed (extra postgres)")
    with serving() as started:
        yield started


@pytest.fixture
def url(server: Server) -> str:
    """An empty database."""
    return server.empty()


def watcher(url: str, folder: Path, owner: str) -> Journal:
    return Journal(url, folder / f"{owner}.anchor", owner=owner, lease=timedelta(minutes=1))


def sound(url: str, folder: Path, *owners: str) -> int:
    """The number of records, where every watcher's anchor agrees with them."""
    found = [audit_journal(url, folder / f"{owner}.anchor") for owner in owners]
    assert [(one.problems, one.doubts) for one in found] == [((), ())] * len(owners)
    return found[0].records


def test_two_active_watchers_stop_the_bot_once_however_often_they_are_told(url: str, tmp_path: Path):
    bot, pages = MemoryBot(), Pages()
    outcomes: list[object] = []
    with watcher(url, tmp_path, "a") as first, watcher(url, tmp_path, "b") as second:
        barrier = threading.Barrier(8)

        def flood(journal: Journal) -> None:
            responder = Responder(journal, {"paper": bot}, POLICY, WallClock(), pages)
            barrier.wait()
            outcomes.extend(responder.respond(alert(), NOW)[1] for _ in range(10))

        threads = [threading.Thread(target=flood, args=((first, second)[number % 2],)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len([one for one in outcomes if one is not None]) == 1
    assert len(bot.asked) == 4
    assert sound(url, tmp_path, "a", "b") > 80


def test_two_watchers_write_one_chain(url: str, tmp_path: Path):
    with watcher(url, tmp_path, "a") as first, watcher(url, tmp_path, "b") as second:
        bodies = [b"%d" % number for number in range(500)]
        waiting = [one.take_in_later(body, NOW) for body in bodies for one in (first, second)]
        assert sorted(one.result(60).seen for one in waiting) == [1] * 500 + [2] * 500
        assert {one.body for one in first.pending()} == set(bodies)
    assert sound(url, tmp_path, "a", "b") == 1000


def test_what_was_acknowledged_outlives_a_server_that_is_restarted_at_once(server: Server, url: str, tmp_path: Path):
    acknowledged: list[bytes] = []
    refused = 0
    with watcher(url, tmp_path, "a") as journal:
        stop = threading.Timer(0.2, server.restart_at_once)
        stop.start()
        for number in range(3000):
            body = b"body %d" % number
            try:
                journal.take_in(body, NOW)
                acknowledged.append(body)
            except SourceUnavailableError:
                refused += 1
            if not stop.is_alive() and refused:
                break
        stop.join()
        journal.take_in(b"afterwards", NOW)
        assert set(acknowledged) <= {one.body for one in journal.pending()}
    assert refused, "the restart fell between two writes and proved nothing"
    sound(url, tmp_path, "a")


def test_a_chain_that_was_changed_in_the_database_is_found_and_not_written_on(url: str, tmp_path: Path):
    with watcher(url, tmp_path, "a") as journal:
        for number in range(5):
            journal.take_in(b"%d" % number, NOW)
    database = Database(url)
    with database.transaction() as journal:
        journal.run("DELETE FROM audit WHERE seq = 5")
    database.close()
    problems = audit_journal(url, tmp_path / "a.anchor").problems
    assert "audit: expected at least 5 records as anchored, was 4: the end was cut" in problems
    with pytest.raises(IntegrityError, match="expected at least 5 audit records"):
        watcher(url, tmp_path, "a")


def test_a_stop_that_did_not_last_is_done_again_by_the_other_watcher(url: str, tmp_path: Path):
    bot, pages = MemoryBot(), Pages()
    with watcher(url, tmp_path, "a") as first, watcher(url, tmp_path, "b") as second:
        Responder(first, {"paper": bot}, POLICY, WallClock(), pages).respond(alert(), NOW)
        bot.state = replace(ACTIVE)
        later = timedelta(hours=1)
        Responder(second, {"paper": bot}, POLICY, WallClock(later), pages).respond(alert(), NOW + later)
        assert [
            one.round for one in second.history(alert(), bots=frozenset({"paper"}), bot=None, seen_at=NOW).rollbacks
        ] == [1, 2]
    sound(url, tmp_path, "a", "b")


def test_a_step_of_a_host_that_is_fast_hides_no_stop_of_one_that_is_slow(url: str, tmp_path: Path):
    bot, pages, words = MemoryBot(), Pages(), {"by": "ada", "why": "fixed"}
    fast = NOW + timedelta(seconds=5)
    with watcher(url, tmp_path, "a") as slow, watcher(url, tmp_path, "b") as desk:
        assert desk.begin_resume("paper", TradingState.REDUCING, **words, at=fast, lease=timedelta(seconds=9)) is None
        assert not desk.stopped_since("paper", fast)
        Responder(slow, {"paper": bot}, POLICY, WallClock(), pages).respond(alert(), NOW)
        assert desk.stopped_since("paper", fast)
        desk.note_resume("paper", TradingState.REDUCING, **words, confirmed=True, at=fast)
        assert len(slow.standing_stops(NOW, timedelta(seconds=9))) == 1
    sound(url, tmp_path, "a", "b")


def test_what_is_old_is_archived_beside_two_watchers_that_go_on(url: str, tmp_path: Path):
    old = NOW - timedelta(days=100)
    with watcher(url, tmp_path, "a") as first, watcher(url, tmp_path, "b") as second:
        Responder(first, {"paper": MemoryBot()}, POLICY, WallClock(old - NOW), Pages()).respond(alert(), old)
        first.note_event("blind", "watchdog", {"blind": True, "reason": "since then"}, old)
        for journal in (first, second):
            journal.take_in(f"from {id(journal)}".encode(), NOW)
        with watcher(url, tmp_path, "c") as third:
            made = archive_journal(third, tmp_path / "archives", NOW - timedelta(days=90), NOW)
        assert made is not None
        second.note_event("after", "x", {}, NOW)
        first.note_event("after", "y", {}, NOW)
        assert first.blind() == {"watchdog": "since then"}
        assert [stop["confirmed"] for one in second.episodes() for stop in one["stops"]] == [1]
    for owner in ("a", "b", "c"):
        found = audit_journal(url, tmp_path / f"{owner}.anchor", tmp_path / "archives")
        assert (found.problems, found.doubts) == ((), ())
