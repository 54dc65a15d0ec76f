import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_follow import FollowedJournal, JournalPlace, following
from mm_ops.adapters.journal_place import anchor_beside
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, SourceUnavailableError
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.decision import Record
from mm_ops.domain.rollback.drill.judge import Trace
from mm_ops.domain.rollback.drill.notes import SUBJECT
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.report.follow import Cursor
from mm_ops.domain.rollback.response import Pending, Responder
from mm_ops_tests.drills import REQUEST
from mm_ops_tests.rollback_world import NOW, QUICK, MemoryBot, Pages, WallClock, alert, lies

LEASE = timedelta(minutes=1)


def opened(place: JournalPlace) -> Journal:
    return Journal(place.url, anchor_beside(place.url), owner="w", lease=LEASE)


def answer(journal: Journal, bot: MemoryBot, clock: WallClock) -> Responder:
    return Responder(journal, {"paper": bot}, QUICK, clock, Pages())


BODY = (
    b'{"version": "4", "status": "firing", "alerts": [{"status": "firing", "startsAt": "2026-11-25T11:58:30.0004Z", '
    b'"labels": {"alertname": "SoakLatencyP95High", "bot": "paper"}, '
    b'"annotations": {"summary": "p95 is 190 ms", "runbook": "https://wiki/latency"}}]}'
)


@pytest.fixture
def place(tmp_path: Path) -> JournalPlace:
    return JournalPlace(str(tmp_path / "j/journal.sqlite"), named=True)


def stop_by_body(place: JournalPlace, bot: MemoryBot | None = None) -> str:
    """Stop the bot for one body, as the watcher does; gives the episode."""
    clock = WallClock()
    with opened(place) as journal:
        intake = journal.take_in(BODY, clock.now())
        answer(journal, bot or MemoryBot(), clock).take_up(
            Pending(intake.digest, BODY, 1, journal.pending()[0].last_at)
        )
        (one,) = journal.episodes()
    return str(one["episode"])


def test_one_episode_is_told_as_it_was_lived(place: JournalPlace):
    episode = stop_by_body(place)
    with following(place) as journal:
        story = journal.story(episode)
    assert story.starts_at == datetime(2026, 11, 25, 11, 58, 30, tzinfo=UTC)
    assert story.annotations == {"summary": "p95 is 190 ms", "runbook": "https://wiki/latency"}
    assert story.labels == {"alertname": "SoakLatencyP95High", "bot": "paper"}
    (stop,) = story.rounds
    assert story.received_at is not None
    assert story.received_at <= stop.claimed_at
    assert stop.finished_at is not None
    assert (stop.answer, stop.faults) == ("confirmed", ())
    assert [one.name for one in stop.actions] == list(ActionName)
    assert all(one.observed and one.settled_at and one.requested_at for one in stop.actions)
    assert stop.steps[-1].what == "verified: every action reads back, no order is open"


def test_an_unconfirmed_stop_tells_what_was_read_instead(place: JournalPlace):
    episode = stop_by_body(place, MemoryBot(fault=lies))
    with following(place) as journal:
        (stop,) = journal.story(episode).rounds
    assert stop.answer == "unconfirmed"
    halt = stop.actions[0]
    assert halt.observed is not None
    assert (halt.observed.trading_state, halt.attempts > 1) == (TradingState.ACTIVE, True)
    assert stop.faults[0].startswith("halt: trading_state: expected HALTED, was ACTIVE")


def test_what_ended_is_followed_by_a_cursor_that_goes_on_where_it_was(place: JournalPlace):
    with opened(place) as journal:
        first = answer(journal, MemoryBot(), WallClock()).respond(alert(starts_at=NOW), NOW)[1]
    with following(place) as journal:
        ended, end = journal.ended_after(0)
        assert [(one.bot, one.round, one.confirmed) for one in ended] == [("paper", 1, True)]
        assert first is not None
        assert ended[0].episode == first.stop.episode
        assert journal.ended_after(end.seq) == ([], end)
        assert journal.ended_after(ended[0].seq - 1)[0] == ended
        journal.check(end, place)


def test_an_empty_journal_has_nothing_to_tell(place: JournalPlace):
    with opened(place):
        pass
    with following(place) as journal:
        assert journal.ended_after(0) == ([], Cursor())
        assert journal.standing("paper").stop is None
        with pytest.raises(MissingEvidenceError, match="no stop of that episode"):
            journal.story("x@2026-11-25T11:58:30.000Z")


def test_the_way_back_belongs_to_the_stop_before_it(place: JournalPlace):
    clock = WallClock()
    with opened(place) as journal:
        bot = MemoryBot()
        episodes = []
        for minutes in (0, 20):
            clock.shift = timedelta(minutes=minutes)
            outcome = answer(journal, bot, clock).respond(alert(starts_at=clock.now()), clock.now())[1]
            assert outcome is not None
            episodes.append(outcome.stop.episode)
            bot.change(trading_state=TradingState.REDUCING)
            to, why = TradingState.REDUCING, "the feed is back"
            at = clock.now()
            journal.note_resume("paper", to, by="Ada", why=why, confirmed=False, at=at)
            journal.note_resume("paper", to, by="Ada", why=why, confirmed=minutes == 0, at=at + timedelta(seconds=1))
    with following(place) as followed:
        first, second = (followed.story(one) for one in episodes)
        standing = followed.standing("paper")
    assert [one.confirmed for one in first.resumes] == [False, True]
    assert [one.confirmed for one in second.resumes] == [False, False]
    assert standing.stop == second.last
    assert standing.resumed is None


def test_an_alert_that_came_by_no_body_or_a_broken_one_has_no_labels(place: JournalPlace):
    with opened(place) as journal:
        journal.take_in(b"{", NOW)
        outcome = answer(journal, MemoryBot(), WallClock()).respond(alert(starts_at=NOW), NOW)[1]
        assert outcome is not None
        journal.take_in(BODY, NOW)
    with following(place) as journal_read:
        story = journal_read.story(outcome.stop.episode)
    assert (story.labels, story.annotations) == ({}, {})


def test_a_journal_that_is_not_there_says_who_makes_it(tmp_path: Path):
    for named, said in ((True, r"`mm-ops watch` makes it \(MM_OPS_JOURNAL\)"), (False, "MM_OPS_JOURNAL names another")):
        with (
            pytest.raises(MissingEvidenceError, match=said),
            following(JournalPlace(str(tmp_path / "none.sqlite"), named=named)),
        ):
            pass
    assert not list(tmp_path.iterdir())


def test_a_place_is_a_file_or_a_server():
    assert JournalPlace("postgresql://u:p@h/d", named=True).is_there
    assert JournalPlace("sqlite:////var/j.sqlite", named=True).path == Path("/var/j.sqlite")


def cut_behind(place: JournalPlace, seq: int) -> None:
    with sqlite3.connect(place.path) as connection:
        connection.execute("DELETE FROM audit WHERE seq > ?", (seq,))
    connection.close()


def test_records_that_are_gone_or_others_than_were_read_are_refused(place: JournalPlace):
    stop_by_body(place)
    with following(place) as journal:
        _, end = journal.ended_after(0)
        with pytest.raises(IntegrityError, match=f"audit record {end.seq}: expected the anchored hash"):
            journal.check(Cursor(end.seq, "f" * 64), place)
        with pytest.raises(IntegrityError, match=f"expected at least {end.seq + 9} audit records"):
            journal.check(Cursor(end.seq + 9, end.hash), place)
    cut_behind(place, end.seq - 3)
    with following(place) as journal, pytest.raises(IntegrityError, match=f"expected at least {end.seq} audit records"):
        journal.check(Cursor(), place)


def test_a_file_that_is_no_journal_is_told_apart(place: JournalPlace):
    place.path.parent.mkdir()
    place.path.write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    with following(place) as journal, pytest.raises(IntegrityError, match="damaged"):
        journal.ended_after(0)
    place.path.write_bytes(b"")
    with following(place) as journal, pytest.raises(SourceUnavailableError, match="no such table"):
        journal.standing("paper")


def test_reading_changes_nothing(place: JournalPlace):
    stop_by_body(place)
    before = place.path.read_bytes()
    with following(place) as journal:
        assert isinstance(journal, FollowedJournal)
        journal.standing("paper")
    assert place.path.read_bytes() == before


def drill_body(receiver: str, drill: str = "d1") -> bytes:
    labels = {"alertname": "RollbackDrill", "bot": "paper", "drill": drill}
    one = {"status": "firing", "startsAt": "2026-11-25T12:00:00.001Z", "labels": labels}
    return json.dumps({"version": "4", "receiver": receiver, "alerts": [one]}).encode()


def bring(place: JournalPlace, *bodies: bytes, open_it: bool = True) -> None:
    clock = WallClock(timedelta(seconds=1))
    with opened(place) as journal:
        if open_it:
            journal.note_event(SUBJECT, "paper", REQUEST.note, NOW)
        for body in (*bodies, b"no payload"):
            intake = journal.take_in(body, clock.now())
            answer(journal, MemoryBot(), clock).take_up(Pending(intake.digest, body, 1, clock.now()))


def traced(place: JournalPlace) -> Trace | None:
    with following(place) as journal:
        return journal.trace(REQUEST, "RollbackDrill")


def test_a_drill_is_traced_by_its_name_to_its_stop_and_to_who_brought_it(place: JournalPlace):
    bring(place, drill_body("dagster"), drill_body("backstop"), drill_body("stop"))
    found = traced(place)
    assert found is not None
    assert found.starts_at == NOW + timedelta(milliseconds=1)
    assert found.posted_at is not None
    assert found.story is not None
    assert (found.over, found.story.last.confirmed) == (True, True)
    assert found.detect_to_halt is not None
    with following(place) as journal:
        assert journal.trace(replace(REQUEST, name="d2"), "RollbackDrill") is None
        assert journal.trace(replace(REQUEST, at=NOW + timedelta(hours=1)), "RollbackDrill") is None


def test_what_only_a_backstop_has_brought_was_not_posted(place: JournalPlace):
    bring(place, drill_body("backstop"))
    found = traced(place)
    assert found is not None
    assert found.posted_at is None


def test_a_drill_that_was_heard_and_stopped_nothing_says_what_was_decided(place: JournalPlace):
    bring(place, drill_body("stop"), open_it=False)
    found = traced(place)
    assert found is not None
    assert (found.story, found.over) == (None, True)
    assert found.decided.startswith("Page: RollbackDrill: no such drill is open")


def test_before_anything_was_heard_there_is_no_trace(place: JournalPlace):
    bring(place)
    assert traced(place) is None


def test_a_breach_is_open_until_it_is_resolved_or_was_heard_of_too_long_ago(place: JournalPlace):
    began = NOW - timedelta(minutes=5)
    slow, other = alert(starts_at=began), alert("SoakEdgeDegradation", starts_at=began, bot="idle")
    with opened(place) as journal:
        for one in (slow, other, alert("SoakWSLagHigh", starts_at=began)):
            journal.note(one, Record("told"), NOW, NOW)
        names = {"SoakLatencyP95High", "SoakEdgeDegradation"}
        assert journal.open_breaches("paper", names, NOW) == [f"SoakLatencyP95High, {slow.episode}"]
        assert journal.open_breaches("paper", names, NOW + timedelta(seconds=1)) == []
        journal.note(replace(slow, firing=False), Record("resolved"), NOW, NOW)
        assert journal.open_breaches("paper", names, NOW) == []
        journal.note(slow, Record("Prometheus was cut off from Alertmanager and sends the same start"), NOW, NOW)
        assert journal.open_breaches("paper", names, NOW) == [f"SoakLatencyP95High, {slow.episode}"]


def test_a_watcher_is_set_as_it_said_at_its_latest_start(place: JournalPlace):
    with opened(place) as journal:
        assert journal.modes() == {}
        for owner, dry in (("a", True), ("b", False), ("a", False)):
            journal.note_event("watcher", owner, {"dry_run": dry}, NOW)
        assert journal.modes() == {"a": {"dry_run": False}, "b": {"dry_run": False}}
