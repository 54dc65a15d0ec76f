import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.journal import Journal
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.bot import Command, TradingState
from mm_ops.domain.rollback.decision import Record, RollBack
from mm_ops.domain.rollback.drill.notes import SUBJECT, closed
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.response import Responder
from mm_ops.domain.rollback.stop import plan_stop
from mm_ops.watcher import service as service_module
from mm_ops.watcher.service import Service
from mm_ops.watcher.standing import Standing
from mm_ops.watcher.told import metrics_text
from mm_ops_tests.drills import REQUEST
from mm_ops_tests.journal_crash import BODY
from mm_ops_tests.rollback_world import POLICY, MemoryBot, Pages, WallClock, alert

WITHIN_S = 60.0
OFTEN = replace(POLICY, attempts=replace(POLICY.attempts, again_after=timedelta(milliseconds=100)))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(
        str(tmp_path / "journal.sqlite"), tmp_path / "anchor", owner="a", lease=2 * POLICY.attempts.longest
    )
    yield opened
    opened.close()


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
def bot() -> MemoryBot:
    return MemoryBot()


@pytest.fixture
def service(journal: Journal, pages: Pages, bot: MemoryBot) -> Service:
    return Service(journal, Responder(journal, {"paper": bot}, POLICY, WallClock(), pages), say=lambda _: None)


def reached(journal: Journal) -> bool:
    """Whether nothing waits in the journal, within a generous time."""
    end = time.monotonic() + WITHIN_S
    while journal.pending() and time.monotonic() < end:
        time.sleep(0.02)
    return not journal.pending()


def test_a_body_is_dealt_with_though_its_sender_has_left(
    service: Service, journal: Journal, bot: MemoryBot, tmp_path: Path
):
    """The disk is slow, the sender is told to come again, and what reaches the disk after that is not left there."""

    async def send_and_leave() -> None:
        with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as slow:
            slow.execute("begin immediate")
            writing = asyncio.ensure_future(service.take_in(BODY))
            await asyncio.sleep(0.2)
            writing.cancel()
            slow.execute("rollback")

    service.start()
    while not journal.records_after(0):  # one that left before its write was begun is not written at all
        asyncio.run(send_and_leave())
        time.sleep(0.1)
    assert reached(journal)
    assert len(bot.asked) == 4
    service.close(POLICY.attempts.longest)


def test_what_cannot_be_read_keeps_no_other_body_waiting(
    service: Service, journal: Journal, pages: Pages, bot: MemoryBot
):
    journal.take_in(b"of an older watcher", WallClock().now())
    journal.take_in(BODY, WallClock().now())
    service.start()
    assert reached(journal)
    assert len(bot.asked) == 4
    assert any("a payload was not read in full" in page for page in pages.pages)
    service.close(POLICY.attempts.longest)


def test_more_than_is_read_back_at_once_is_dealt_with_all_the_same(
    service: Service, journal: Journal, bot: MemoryBot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service_module, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(service_module, "LOOK_EVERY_S", 0.05)
    for number in range(10):
        journal.take_in(b'{"alerts": []}' + b" " * number, WallClock().now())
    journal.take_in(BODY, WallClock().now())
    service.start()
    assert reached(journal)
    assert len(bot.asked) == 4
    service.close(POLICY.attempts.longest)


def test_a_journal_that_writes_no_more_is_a_fault_of_the_watcher(service: Service):
    service.start()
    assert service.faults == []
    service.close(POLICY.attempts.longest)
    assert "the journal: its writer has ended: restart the watcher" in service.faults


def test_an_open_drill_is_exported_by_its_name_and_a_closed_one_is_not(service: Service, journal: Journal):
    asked = replace(REQUEST, at=service.responder.clock.now(), until=service.responder.clock.now() + timedelta(days=1))
    service.start()
    assert "mm_ops_drill_open{" not in metrics_text(service)
    journal.note_event(SUBJECT, "paper", asked.note, asked.at)
    assert 'mm_ops_drill_open{bot="paper",drill="d1"} 1' in metrics_text(service).splitlines()
    journal.note_event(SUBJECT, "paper", closed("d1"), asked.at)
    assert "mm_ops_drill_open{" not in metrics_text(service)


def test_what_was_begun_and_nobody_is_at_is_finished_without_a_restart(
    service: Service, journal: Journal, pages: Pages, bot: MemoryBot, monkeypatch: pytest.MonkeyPatch
):
    """Its journal failed in the middle of it, or the other watcher has died in it."""
    monkeypatch.setattr(service_module, "LOOK_EVERY_S", 0.05)
    service.responder = replace(service.responder, policy=OFTEN)
    service.start()
    wait_for(lambda: not journal.unfinished())
    for name in ("paper", "gone"):
        decision = RollBack(bot=name, round=1, actions=(ActionName.HALT,), reason="latency")
        assert journal.claim(plan_stop(decision, f"{name}@1", "SoakLatencyP95High"), WallClock().now())
        journal._release(f"{name}@1/1")  # noqa: SLF001 - as when `finish` could not be written
    wait_for(lambda: [stop.bot for stop in journal.unfinished()] == ["gone"])
    assert bot.state.trading_state.value == "HALTED"
    assert [page for page in pages.pages if "begun and not finished is confirmed" in page]
    service.close(POLICY.attempts.longest)


def test_what_waits_is_taken_up_though_a_bot_that_was_being_stopped_hangs(
    service: Service, journal: Journal, bot: MemoryBot
):
    def waits(_bot: MemoryBot, _command: Command, _count: int) -> None:
        let_go.wait(WITHIN_S)

    let_go = threading.Event()
    service.responder = replace(service.responder, bots={"paper": bot, "mute": MemoryBot(fault=waits)})
    decision = RollBack(bot="mute", round=1, actions=(ActionName.HALT,), reason="latency")
    assert journal.claim(plan_stop(decision, "mute@1", "SoakLatencyP95High"), WallClock().now())
    journal._release("mute@1/1")  # noqa: SLF001 - as a process that has died
    journal.take_in(BODY, WallClock().now())
    service.start()
    wait_for(lambda: bot.state.trading_state is TradingState.HALTED)
    assert [(stop.bot, stop.round) for stop in journal.unfinished() if stop.bot != "paper"] == [("mute", 1)]
    let_go.set()
    wait_for(lambda: not journal.unfinished())
    service.close(POLICY.attempts.longest)


class TornJournal(Journal):
    """One of which nothing can be said."""

    @property
    def fault(self) -> str | None:
        raise RuntimeError("can't start new thread")


def test_what_goes_wrong_with_one_look_ends_neither_it_nor_the_others(
    tmp_path: Path, pages: Pages, bot: MemoryBot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service_module, "LOOK_EVERY_S", 0.05)
    clock, said = WallClock(), list[str]()
    torn = TornJournal(str(tmp_path / "torn.sqlite"), tmp_path / "torn.anchor", owner="a", lease=timedelta(minutes=1))
    service = Service(torn, Responder(torn, {"paper": bot}, POLICY, clock, pages), say=said.append)
    service.start()
    wait_for(lambda: service.looks > 1)
    clock.shift = timedelta(seconds=91)
    wait_for(lambda: bool(service.blind))
    assert "watch: a fault of mm_ops: RuntimeError: can't start new thread" in said
    service.close(POLICY.attempts.longest)


def test_a_journal_that_is_lost_is_told_though_it_could_not_be_read_before(
    journal: Journal, pages: Pages, tmp_path: Path
):
    standing = Standing(journal, pages)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as other:
        other.execute("ALTER TABLE resumes RENAME COLUMN confirmed TO gone")
    with pytest.raises(SourceUnavailableError):
        journal.unconfirmed()
    for _ in range(2):
        standing.judge_journal(WallClock().now())
    wait_for(lambda: len(pages.about) == 1)
    assert ("no such column: confirmed" in pages.pages[0], "audit verify" in pages.about[0].todo) == (True, True)
    (tmp_path / "journal.sqlite-wal").unlink()
    for _ in range(2):
        standing.judge_journal(WallClock().now())
    wait_for(lambda: len(pages.about) == 2)
    assert ("-wal was deleted" in pages.pages[1], "bring back" in pages.about[1].todo) == (True, True)


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)], ids=["back", "forward"])
def test_a_clock_that_is_set_neither_hides_that_the_watchdog_is_silent_nor_makes_it_up(
    journal: Journal, pages: Pages, bot: MemoryBot, monkeypatch: pytest.MonkeyPatch, jump: timedelta
):
    monkeypatch.setattr(service_module, "LOOK_EVERY_S", 0.05)
    clock = WallClock()
    service = Service(journal, Responder(journal, {"paper": bot}, POLICY, clock, pages), say=lambda _: None)
    service.start()
    wait_for(lambda: service.looks > 1)
    journal.note(alert("Watchdog"), Record("heard"), clock.now(), clock.now())
    looks = service.looks
    wait_for(lambda: service.looks > looks + 1)
    clock.jump = jump
    looks = service.looks
    wait_for(lambda: service.looks > looks + 1)
    assert service.blind is None
    clock.shift = timedelta(seconds=91)
    wait_for(lambda: bool(service.blind))
    assert [page for page in pages.pages if "blind: the Watchdog" in page]
    service.close(POLICY.attempts.longest)


def wait_for(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)
