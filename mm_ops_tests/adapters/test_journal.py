from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.database import Database
from mm_ops.adapters.journal import Intake, Journal
from mm_ops.domain.errors import IntegrityError, SourceUnavailableError
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.decision import Page, Record, RollBack, Topic
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.stop import Action, ActionResult, ActionState, Outcome, Step, Stop, plan_stop
from mm_ops_tests.rollback_world import HALTED, NOW, alert, open_journal

DECISION = RollBack(bot="paper", round=1, actions=(ActionName.HALT, ActionName.FREEZE_ORDERS), reason="latency")
STOP = plan_stop(DECISION, alert().episode, "SoakLatencyP95High")
LATER = NOW + timedelta(seconds=30)
AFTER_THE_LEASE = NOW + timedelta(minutes=1, microseconds=1)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path) as opened:
        yield opened


def known(journal: Journal, **different: Any):
    one = replace(alert(), **different)
    return journal.history(one, bots=frozenset({"paper"}), bot=HALTED, seen_at=NOW)


def outcome(stop: Stop = STOP, *, confirmed: bool = True) -> Outcome:
    return Outcome(
        stop=stop, confirmed=confirmed, results=(), faults=("x",), timeline=(Step(at=NOW, what="halt: asked"),)
    )


def result(action: Action, state: ActionState = ActionState.CONFIRMED) -> ActionResult:
    return ActionResult(action=action, state=state, at=LATER, attempts=2, observed=HALTED, reason="why")


def test_a_body_is_kept_once_and_counted_as_often_as_it_came(journal: Journal):
    assert [journal.take_in(body, NOW).seen for body in (b"one", b"two", b"one")] == [1, 1, 2]
    assert [(one.body, one.seen) for one in journal.pending()] == [(b"one", 2), (b"two", 1)]


def test_what_came_again_while_it_was_dealt_with_is_pending_again(journal: Journal):
    first = journal.take_in(b"one", NOW)
    journal.take_in(b"one", LATER)
    journal.handled(first.digest, first.seen, LATER)
    (left,) = journal.pending()
    assert (left.seen, left.last_at) == (2, LATER)
    journal.handled(left.digest, left.seen, LATER)
    journal.handled(left.digest, 1, LATER)
    assert journal.pending() == []
    journal.handled("unknown", 1, LATER)


def test_ten_thousand_different_bodies_in_a_burst_are_all_there(journal: Journal, tmp_path: Path):
    waiting: list[Future[Intake]] = [journal.take_in_later(b"%d" % number, NOW) for number in range(10_000)]
    assert {one.result(60).seen for one in waiting} == {1}
    journal.close()
    with open_journal(tmp_path) as again:
        assert {one.body for one in again.pending()} == {b"%d" % number for number in range(10_000)}


def test_a_closed_journal_takes_nothing_in(tmp_path: Path):
    journal = open_journal(tmp_path)
    journal.close()
    with pytest.raises(SourceUnavailableError, match="the journal is closed"):
        journal.take_in(b"late", NOW)


def test_a_stop_belongs_to_one_claim_in_a_process_until_it_ends(journal: Journal):
    assert [journal.claim(STOP, NOW), journal.claim(STOP, NOW)] == [True, False]
    journal.finish(outcome(), LATER)
    assert not journal.claim(STOP, LATER)
    (past,) = known(journal).rollbacks
    assert (past.at, past.finished_at, past.confirmed) == (NOW, LATER, True)


def test_a_restarted_watcher_has_its_own_stop_again_and_another_only_after_the_lease(tmp_path: Path):
    with open_journal(tmp_path) as first:
        assert first.claim(STOP, NOW)
    with open_journal(tmp_path, owner="b") as other:
        assert not other.claim(STOP, LATER)
        assert not other.claim(STOP, LATER), "the refusal must leave nothing behind in the process"
        with open_journal(tmp_path, owner="a") as again:
            assert again.claim(STOP, LATER)
        assert not other.claim(STOP, AFTER_THE_LEASE), "the lease was taken anew 30 s later"
        assert other.claim(STOP, LATER + timedelta(minutes=1, microseconds=1))


def test_an_action_goes_from_intended_over_requested_to_what_came_of_it(journal: Journal):
    journal.claim(STOP, NOW)
    states = [[one["state"] for one in journal.actions_of(f"{STOP.episode}/1")]]
    journal.request([action.key for action in STOP.actions], NOW)
    states.append([one["state"] for one in journal.actions_of(f"{STOP.episode}/1")])
    journal.settle([result(STOP.actions[0])])
    journal.settle([result(STOP.actions[1], ActionState.UNCONFIRMED)])
    journal.settle([result(STOP.actions[1], ActionState.UNCONFIRMED)])
    frozen, halted = journal.actions_of(f"{STOP.episode}/1")
    assert states == [["intended"] * 2, ["requested"] * 2]
    assert (halted["state"], halted["attempts"], halted["observed"]["trading_state"]) == ("confirmed", 2, "HALTED")
    assert (frozen["state"], frozen["attempts"], frozen["reason"]) == ("unconfirmed", 4, "why")


def test_every_state_of_an_action_is_in_the_chain(journal: Journal):
    journal.claim(STOP, NOW)
    journal.request([STOP.actions[0].key], NOW)
    journal.settle([result(STOP.actions[0])])
    records = [one["body"] for one in journal.records_after(0) if one["key"] == STOP.actions[0].key]
    assert [one["state"] for one in records] == ["intended", "requested", "confirmed"]
    assert journal.records_after(records[-1]["attempts"], limit=1)[0]["seq"] == 3


def test_an_action_that_nobody_claimed_is_a_fault_and_breaks_no_other_write(journal: Journal):
    waiting = journal.take_in_later(b"beside", NOW)
    with pytest.raises(KeyError, match="was claimed by nobody"):
        journal.request(["nobody/1/halt"], NOW)
    assert waiting.result(5).seen == 1


def test_an_unfinished_stop_is_read_back_as_it_was(journal: Journal):
    journal.claim(STOP, NOW)
    assert journal.unfinished() == [STOP]
    journal.finish(outcome(confirmed=False), LATER)
    assert journal.unfinished() == []
    assert [one.episode for one in journal.unconfirmed()] == [STOP.episode]


def test_only_the_last_stop_of_a_bot_may_be_unconfirmed_and_a_resume_ends_it(journal: Journal):
    second = replace(STOP, round=2, actions=())
    for stop, at in ((STOP, NOW), (second, LATER)):
        journal.claim(stop, at)
        journal.finish(outcome(stop, confirmed=False), at)
    assert [one.round for one in journal.unconfirmed()] == [2]
    words = {"by": "ada", "why": "fixed"}
    journal.note_resume("paper", TradingState.REDUCING, **words, confirmed=False, at=AFTER_THE_LEASE)
    assert len(journal.unconfirmed()) == 1
    assert known(journal).resumed_at is None
    journal.note_resume("paper", TradingState.REDUCING, **words, confirmed=True, at=AFTER_THE_LEASE)
    assert journal.unconfirmed() == []
    assert known(journal).resumed_at == AFTER_THE_LEASE


HOUR = timedelta(hours=1)
"""By so much a clock was ahead, until it was set back."""


def test_a_lease_that_ends_later_than_any_could_was_given_by_another_clock(tmp_path: Path):
    with open_journal(tmp_path) as first, open_journal(tmp_path, owner="b") as other:
        assert first.claim(STOP, NOW + HOUR)
        assert other.claim(STOP, NOW)


@pytest.mark.parametrize("ahead", [HOUR, timedelta(seconds=2)], ids=["set back", "two hosts"])
def test_what_began_later_counts_as_later_whatever_the_clocks_say(journal: Journal, ahead: timedelta):
    words = {"by": "ada", "why": "fixed"}
    journal.claim(STOP, NOW + ahead)
    journal.finish(outcome(), NOW + ahead)
    assert journal.begin_resume("paper", TradingState.REDUCING, **words, at=NOW, lease=LATER - NOW) is None
    assert not journal.stopped_since("paper", NOW), "the stop was before the step"
    journal.note_resume("paper", TradingState.REDUCING, **words, confirmed=True, at=NOW)
    assert journal.standing_stops(NOW, LATER - NOW) == []
    seen = known(journal)
    assert seen.resumed_at is not None
    assert seen.resumed_at > seen.rollbacks[-1].at
    second = replace(STOP, round=2, actions=())
    journal.claim(second, NOW - ahead)
    assert journal.stopped_since("paper", NOW), "the stop began behind the step"
    journal.finish(outcome(second, confirmed=False), NOW - ahead)
    assert [one.round for one in journal.standing_stops(NOW, LATER - NOW)] == [2]
    assert [one.round for one in journal.unconfirmed()] == [2]
    assert [one.round for one in known(journal).rollbacks] == [1, 2]
    seen = known(journal)
    assert seen.resumed_at is not None
    assert seen.resumed_at < seen.rollbacks[-1].at


def test_a_step_of_before_the_clock_was_set_back_keeps_nobody_waiting(journal: Journal):
    words = {"by": "ada", "why": "fixed"}
    lease = timedelta(seconds=30)
    assert journal.begin_resume("paper", TradingState.REDUCING, **words, at=NOW + HOUR, lease=lease) is None
    assert journal.begin_resume("paper", TradingState.REDUCING, **words, at=NOW, lease=lease) is None
    refused = journal.begin_resume("paper", TradingState.REDUCING, **words, at=LATER, lease=lease)
    assert refused == "a step to REDUCING that ada began at 2026-11-25T12:00:00.000000Z has not ended"


def test_history_remembers_what_was_seen_and_told(journal: Journal):
    assert (known(journal).fired_before, known(journal).told, known(journal).sightings) == (False, frozenset(), (True,))
    journal.note(alert(), Page(Topic.STALE, "old"), NOW, NOW)
    journal.note(alert(firing=False), Record("over"), LATER, LATER)
    journal.note(alert(), Page(Topic.SWITCHED_OFF, "off"), LATER, LATER)
    seen = known(journal)
    assert seen.fired_before
    assert seen.told == {"stale", "switched_off"}
    assert seen.sightings == (True, False, True, True)
    other = known(journal, starts_at=NOW + timedelta(hours=1))
    assert (other.fired_before, other.told) == (False, frozenset())
    assert other.sightings == seen.sightings, "confirmations count sightings of the same labels, in any episode"


def test_sightings_do_not_grow_for_ever(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mm_ops.adapters.journal_rows.SIGHTINGS_KEPT", 2)
    for firing in (True, True, False, True):
        journal.note(alert(firing=firing), Record("x"), NOW, NOW)
    assert known(journal).sightings == (False, True, True), "the last two, and the one that is judged"


def test_an_event_may_not_pass_for_a_row(journal: Journal):
    journal.note_event("payload", "digest", {"faults": ["x"]}, NOW)
    with pytest.raises(ValueError, match="subject: expected none of the tables, was stops"):
        journal.note_event("stops", "x", {}, NOW)


def edit(folder: Path, statement: str) -> None:
    database = Database(str(folder / "journal.sqlite"))
    with database.transaction() as journal:
        journal.run(statement)
    database.close()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM audit WHERE seq = 2", "expected at least 2 audit records as anchored, was 1"),
        ("UPDATE audit SET hash = 'x' WHERE seq = 2", "audit record 2: expected the anchored hash, was x"),
    ],
)
def test_a_journal_whose_end_was_changed_does_not_open(tmp_path: Path, statement: str, message: str):
    with open_journal(tmp_path) as journal:
        journal.take_in(b"one", NOW)
        journal.take_in(b"two", NOW)
    edit(tmp_path, statement)
    with pytest.raises(IntegrityError, match=message):
        open_journal(tmp_path)


def test_a_damaged_file_does_not_open(tmp_path: Path):
    with open_journal(tmp_path) as journal:
        for number in range(200):
            journal.take_in(b"%d" % number * 50, NOW)
    path = tmp_path / "journal.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\x5a" * 8192 + content[12288:])
    with pytest.raises(IntegrityError, match="journal: "):
        open_journal(tmp_path)


def test_a_file_that_is_no_journal_does_not_open(tmp_path: Path):
    (tmp_path / "journal.sqlite").write_bytes(b"<html>" * 1000)
    with pytest.raises(IntegrityError, match="not a database"):
        open_journal(tmp_path)


def test_a_full_disk_refuses_what_does_not_fit_and_keeps_what_does(tmp_path: Path):
    with open_journal(tmp_path) as journal:
        journal.take_in(b"before", NOW)
        with journal._database.transaction() as disk:  # noqa: SLF001 - a full disk, as SQLite itself knows it
            (pages,) = disk.row("PRAGMA page_count") or (0,)
            disk.run(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(SourceUnavailableError, match="database or disk is full"):
            journal.take_in(b"x" * 1_000_000, NOW)
        assert [one.body for one in journal.pending()] == [b"before"]
