"""From the body in the journal to the bot, with a real journal: one effect per episode, and none lost."""

import json
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.journal import Journal
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.bot import BotState, Command, TradingState
from mm_ops.domain.rollback.decision import Notify, Page, Record, RollBack
from mm_ops.domain.rollback.drill.notes import SUBJECT, DrillRequest, closed
from mm_ops.domain.rollback.history import Truth
from mm_ops.domain.rollback.parts import divide
from mm_ops.domain.rollback.payload import parse_payload
from mm_ops.domain.rollback.policy import ActionName, Confirmations, RollbackPolicy
from mm_ops.domain.rollback.response import Responder
from mm_ops.domain.rollback.stop import DrillPager, plan_stop
from mm_ops.domain.verdict import Severity
from mm_ops_tests.rollback_world import (
    ACTIVE,
    NOW,
    POLICY,
    QUICK,
    MemoryBot,
    Pages,
    WallClock,
    alert,
    open_journal,
    refuses,
)

LATENCY = alert()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path) as opened:
        yield opened


def responder(
    journal: Journal,
    bot: MemoryBot,
    pages: Pages,
    policy: RollbackPolicy = QUICK,
    shift: timedelta = timedelta(0),
) -> Responder:
    return Responder(journal, {"paper": bot}, policy, WallClock(shift), pages)


def body(*alerts: Alert, **fields: object) -> bytes:
    plain = [
        {
            "status": "firing" if one.firing else "resolved",
            "labels": dict(one.labels),
            "startsAt": one.starts_at.isoformat(),
            "fingerprint": one.fingerprint,
        }
        for one in alerts
    ]
    return json.dumps({"version": "4", "alerts": plain, **fields}).encode()


def episodes(journal: Journal) -> Mapping[str, str]:
    said = [record["body"] for record in journal.records_after(0) if record["subject"] == "episodes"]
    return {one["episode"]: one["decision"] for one in said}


def test_a_body_is_read_decided_acted_upon_and_done(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    journal.take_in(body(LATENCY, alert("SoakWSLagHigh")), NOW)
    answering = responder(journal, bot, pages)
    assert answering.work_off() == 1
    assert answering.work_off() == 0
    assert bot.state.trading_state.value == "HALTED"
    assert pages.pages == [
        "paper: stopped (halt, scale_to_zero, open_circuit, freeze_orders), confirmed: paper: SoakLatencyP95High fires"
    ]
    assert pages.told == ["paper: SoakWSLagHigh fires"]
    assert episodes(journal)[LATENCY.episode] == "RollBack"


@pytest.mark.parametrize("seed", range(5))
def test_duplicates_in_any_order_are_one_effect(journal: Journal, seed: int):
    bot, pages = MemoryBot(), Pages()
    answering = responder(journal, bot, pages)
    sequence = [LATENCY] * 8 + [replace(LATENCY, firing=False)] * 4
    random.Random(seed).shuffle(sequence)
    for one in sequence:
        answering.respond(one, NOW)
    assert sorted(bot.asked) == sorted(f"{LATENCY.episode}/1/{name}" for name in QUICK.alerts[0].actions)
    assert len([page for page in pages.pages if "stopped" in page]) == 1


def test_a_thousand_duplicates_at_once_are_one_effect(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    answering = responder(journal, bot, pages)
    barrier = threading.Barrier(20)
    outcomes: list[object] = []

    def flood() -> None:
        barrier.wait()
        for _ in range(50):
            _, outcome = answering.respond(LATENCY, NOW)
            if outcome is not None:
                outcomes.append(outcome)

    threads = [threading.Thread(target=flood) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1
    assert len(bot.asked) == 4
    assert len(pages.pages) == 1


def test_two_watchers_on_one_journal_stop_the_bot_once(journal: Journal, tmp_path: Path):
    bot, pages = MemoryBot(), Pages()
    with open_journal(tmp_path, owner="b") as second:
        barrier = threading.Barrier(2)
        outcomes: list[object] = []

        def watch(of: Journal) -> None:
            barrier.wait()
            outcomes.append(responder(of, bot, pages).respond(LATENCY, NOW)[1])

        threads = [threading.Thread(target=watch, args=(of,)) for of in (journal, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len([outcome for outcome in outcomes if outcome is not None]) == 1
    assert len(bot.asked) == 4


def test_a_bot_that_comes_alive_again_is_stopped_in_another_round(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    responder(journal, bot, pages).respond(LATENCY, NOW)
    bot.state = replace(ACTIVE, sequence=50)
    later = timedelta(minutes=1)
    decision, outcome = responder(journal, bot, pages, shift=later).respond(LATENCY, NOW + later)
    assert isinstance(decision, RollBack)
    assert outcome is not None
    assert (decision.round, outcome.confirmed) == (2, True)
    assert "did not last" in pages.pages[-1]
    assert bot.state.trading_state.value == "HALTED"


def test_a_second_cause_within_the_cooldown_pages_and_says_so(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    answering = responder(journal, bot, pages)
    answering.respond(LATENCY, NOW)
    decision, _ = answering.respond(alert("SoakMDCacheHitRatio"), NOW)
    assert isinstance(decision, Page)
    assert len(bot.asked) == 4
    bot.state = ACTIVE
    decision, outcome = answering.respond(alert("SoakEdgeDegradation", symbol="BTCUSDT"), NOW)
    assert isinstance(decision, RollBack)
    assert outcome is not None
    assert "concerns symbol BTCUSDT" in pages.pages[-1]
    assert "a second stop within 15m" in pages.pages[-1]


def test_a_third_stop_says_that_it_is_one_too_many(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    for number in range(3):
        bot.state = ACTIVE
        later = timedelta(minutes=20 * number)
        responder(journal, bot, pages, shift=later).respond(alert(starts_at=NOW + later), NOW + later)
    assert ["too many" in page for page in pages.pages] == [False, False, True]


def test_a_person_is_told_once_an_episode(journal: Journal):
    pages = Pages()
    answering = responder(journal, MemoryBot(), pages)
    decisions = [answering.respond(alert("SoakGuardTrip"), NOW)[0] for _ in range(3)]
    assert [type(one) for one in decisions] == [Page, Record, Record]
    assert len(pages.pages) == 1
    assert isinstance(answering.respond(alert("SoakWSLagHigh"), NOW)[0], Notify)


def test_what_cannot_be_read_is_told_and_written_down(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    journal.take_in(b"<html>", NOW)
    journal.take_in(json.dumps({"alerts": [7], "truncatedAlerts": 2}).encode(), NOW)
    answering = responder(journal, bot, pages)
    assert answering.work_off() == 2
    assert answering.work_off() == 0
    assert "payload: expected JSON" in pages.pages[0]
    assert (
        "payload: alerts.0: expected an object, was int; 2 alerts were left out of a payload, and no" in pages.pages[1]
    )
    assert [record["subject"] for record in journal.records_after(0)].count("payload") == 2


@dataclass
class Source:
    """An Alertmanager in memory."""

    alerts: list[Alert] | SourceUnavailableError
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def firing(self, group: Mapping[str, str]) -> list[Alert]:
        self.asked.append(group)
        if isinstance(self.alerts, SourceUnavailableError):
            raise self.alerts
        return self.alerts


def test_what_a_payload_left_out_is_read_from_alertmanager_and_acted_upon(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    told = alert("SoakGuardTrip")
    source = Source([told, LATENCY])
    journal.take_in(body(told, truncatedAlerts=1, groupLabels={"bot": "paper"}), NOW)
    replace(responder(journal, bot, pages), source=source).work_off()
    assert source.asked == [{"bot": "paper"}]
    assert bot.state.trading_state.value == "HALTED"
    assert not [page for page in pages.pages if "left out" in page]
    assert [record["subject"] for record in journal.records_after(0)].count("payload") == 0
    assert sorted(episodes(journal).values()) == ["Page", "RollBack"]


def test_nothing_is_read_again_for_a_payload_that_is_whole(journal: Journal):
    source = Source([])
    journal.take_in(body(LATENCY), NOW)
    replace(responder(journal, MemoryBot(), Pages()), source=source).work_off()
    assert source.asked == []


def test_what_was_left_out_and_cannot_be_read_is_paged(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    source = Source(SourceUnavailableError("alertmanager: connection refused"))
    journal.take_in(body(LATENCY, truncatedAlerts=3), NOW)
    replace(responder(journal, bot, pages), source=source).work_off()
    assert bot.state.trading_state.value == "HALTED"
    assert pages.pages[-1] == (
        "a payload was not read in full: 3 alerts were left out of a payload, and could not be read: "
        "alertmanager: connection refused"
    )


@dataclass
class Says:
    """A Prometheus in memory."""

    truth: Truth
    bot: MemoryBot
    halted_when_asked: list[bool] = field(default_factory=list)

    def truth_of(self, alert: Alert, now: datetime) -> Truth:
        assert alert.starts_at <= now
        self.halted_when_asked.append(self.bot.state.trading_state.value == "HALTED")
        if self.truth is Truth.UNREACHABLE:
            raise SourceUnavailableError("prometheus: connection refused")
        return self.truth


TRUTHS = {
    Truth.FIRES: [],
    Truth.UNKNOWN: [
        "paper: was stopped for SoakLatencyP95High; Prometheus does not know that it fires: forged, or of "
    ],
    Truth.UNREACHABLE: ["paper: was stopped for SoakLatencyP95High; unconfirmed: Prometheus does not answer"],
}


@pytest.mark.parametrize("truth", TRUTHS)
def test_a_hard_alert_is_acted_on_first_and_confirmed_after(journal: Journal, truth: Truth):
    bot, pages = MemoryBot(), Pages()
    says = Says(truth, bot)
    replace(responder(journal, bot, pages), truth=says).respond(LATENCY, NOW)
    assert says.halted_when_asked == [True]
    after = [page for page in pages.pages if "was stopped for" in page]
    assert [page.startswith(said) for page, said in zip(after, TRUTHS[truth], strict=True)] == [True] * len(after)
    assert [one["body"] for one in journal.notes("confirmation", LATENCY.episode)] == [{"truth": truth.value}]


@pytest.mark.parametrize("truth", [*Truth, None])
def test_a_soft_alert_waits_until_prometheus_knows_it(journal: Journal, truth: Truth | None):
    bot, pages = MemoryBot(), Pages()
    says = None if truth is None else Says(truth, bot)
    first = replace(QUICK.alerts[0], cause=Severity.SOFT, confirmations=Confirmations(needed=1, of=1))
    policy = replace(QUICK, alerts=(first, *QUICK.alerts[1:]))
    answering = replace(responder(journal, bot, pages, policy), truth=says)
    decisions = [answering.respond(LATENCY, NOW)[0] for _ in range(2)]
    if truth is Truth.FIRES:
        assert isinstance(decisions[0], RollBack)
        assert says is not None
        assert says.halted_when_asked[0] is False
        assert not [page for page in pages.pages if "was stopped for" in page]
    else:
        assert [type(one) for one in decisions] == [Page, Record]
        assert bot.asked == []


def test_what_no_policy_says_to_confirm_is_not(journal: Journal):
    bot = MemoryBot()
    says = Says(Truth.UNKNOWN, bot)
    policy = replace(QUICK, alerts=(replace(QUICK.alerts[0], confirm=None), *QUICK.alerts[1:]))
    replace(responder(journal, bot, Pages(), policy), truth=says).respond(LATENCY, NOW)
    assert says.halted_when_asked == []


def test_what_was_begun_before_a_restart_is_finished_with_the_same_keys(tmp_path: Path):
    stop = plan_stop(
        RollBack(bot="paper", round=1, actions=QUICK.alerts[0].actions, reason="latency"), LATENCY.episode, LATENCY.name
    )
    bot, pages = MemoryBot(), Pages()
    with open_journal(tmp_path) as first:
        assert first.claim(stop, NOW)
        first.request([action.key for action in stop.actions], NOW)
        bot.apply(stop.actions[0].command, stop.actions[0].key)
    with open_journal(tmp_path) as again:
        (outcome,) = responder(again, bot, pages).recover()
        assert outcome.confirmed
        assert outcome.stop.actions == stop.actions
        assert sorted(bot.effects) == sorted(action.key for action in stop.actions)
        assert responder(again, bot, pages).recover() == []


@pytest.mark.parametrize("dry", [True, False])
def test_what_was_begun_and_nobody_is_at_is_taken_over_for_our_own_bots(tmp_path: Path, *, dry: bool):
    actions, bot, pages = QUICK.alerts[0].actions, MemoryBot(), Pages()
    with open_journal(tmp_path) as first:
        for name in ("paper", "gone"):
            decision = RollBack(bot=name, round=1, actions=actions, reason="latency")
            assert first.claim(plan_stop(decision, f"{name}@1", LATENCY.name), NOW)
    with open_journal(tmp_path) as again:
        replace(responder(again, bot, pages), dry_run=dry).take_over()
        assert [stop.bot for stop in again.unfinished()] == (["paper", "gone"] if dry else ["gone"])
    assert (len(bot.effects), len(pages.pages)) == ((0, 0) if dry else (4, 1))


def test_what_was_not_confirmed_before_a_restart_is_tried_in_a_new_round(tmp_path: Path):
    bot, pages = MemoryBot(fault=refuses), Pages()
    with open_journal(tmp_path) as first:
        responder(first, bot, pages).respond(LATENCY, NOW)
    bot.fault = lambda _bot, _command, _count: None
    with open_journal(tmp_path) as again:
        (outcome,) = responder(again, bot, pages).recover()
        assert (outcome.stop.round, outcome.confirmed) == (2, True)


@pytest.mark.parametrize("shift", [timedelta(minutes=61), timedelta(minutes=59)])
def test_an_old_failure_is_not_tried_at_the_start_before_the_bot_is_read(tmp_path: Path, shift: timedelta):
    bot, pages = MemoryBot(fault=refuses), Pages()
    with open_journal(tmp_path) as first:
        responder(first, bot, pages).respond(LATENCY, NOW)
        tried = responder(first, bot, pages, shift=shift).recover()
        assert len(tried) == int(shift < QUICK.max_event_age.length)


def forget(bot: MemoryBot) -> None:
    """The bot is started again and has forgotten that it was halted."""
    bot.state = ACTIVE


LATER = timedelta(minutes=10)


def test_a_bot_that_forgets_that_it_was_stopped_is_stopped_again_and_told(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    responder(journal, bot, pages).respond(LATENCY, NOW)
    later = responder(journal, bot, pages, shift=LATER)
    assert later.hold() == [], "it stands"
    forget(bot)
    (outcome,) = later.hold()
    assert (outcome.stop.round, outcome.confirmed, bot.state.trading_state.value) == (2, True, "HALTED")
    assert pages.pages[-1] == (
        "paper: was stopped for SoakLatencyP95High and resumed by nobody, but reads back ACTIVE: "
        "it was stopped again, confirmed"
    )
    assert "halt resume" in pages.about[-1].todo
    assert later.hold() == []


@pytest.mark.parametrize("shift", [timedelta(minutes=59), timedelta(minutes=61), timedelta(days=9)])
def test_a_bot_whose_stop_never_worked_is_stopped_when_it_answers_again(journal: Journal, shift: timedelta):
    bot, pages = MemoryBot(fault=refuses), Pages()
    responder(journal, bot, Pages()).respond(LATENCY, NOW)
    bot.fault = lambda _bot, _command, _count: None
    (outcome,) = responder(journal, bot, pages, shift=shift).hold()
    assert (outcome.confirmed, bot.state.trading_state.value) == (True, "HALTED")
    assert pages.pages[-1].startswith("paper: was NOT confirmed as stopped for SoakLatencyP95High and resumed by nobod")


@pytest.mark.parametrize("fault", [None, refuses])
def test_a_bot_that_forgets_a_drill_is_only_told_and_of_a_stop_that_failed_the_drill_tells(
    journal: Journal, fault: Callable[..., BotState | None] | None
):
    bot, pages = MemoryBot() if fault is None else MemoryBot(fault=fault), Pages()
    ask_for_a_drill(journal)
    responder(journal, bot, Pages()).respond(alert("RollbackDrill", drill="d1"), NOW)
    forget(bot)
    assert responder(journal, bot, pages, shift=LATER).hold() == []
    assert (bot.state, len(pages.pages)) == (ACTIVE, int(fault is None))
    assert all(page.startswith("DRILL paper: was stopped for RollbackDrill and resumed by") for page in pages.pages)


def test_a_bot_that_hangs_keeps_no_other_s_stop_waiting_after_a_restart(tmp_path: Path):
    """Each waits for the other: one after the other would never end."""
    meet = threading.Barrier(2, timeout=60)

    def meets(_bot: MemoryBot, _command: Command, _count: int) -> None:
        meet.wait()

    both = {name: MemoryBot(fault=meets) for name in ("paper", "other")}
    patient = replace(QUICK, attempts=POLICY.attempts)
    with open_journal(tmp_path) as first:
        for name in both:
            decision = RollBack(bot=name, round=1, actions=(ActionName.HALT,), reason="latency")
            assert first.claim(plan_stop(decision, f"{name}@1", LATENCY.name), NOW)
    for how in ("recover", "hold"):
        with open_journal(tmp_path) as again:
            told = replace(responder(again, both["paper"], Pages(), patient, LATER * (how == "hold")), bots=both)
            found = getattr(told, how)()
            assert [(one.confirmed, one.results[0].attempts) for one in found] == [(True, 1)] * 2
        for bot in both.values():
            forget(bot)


def test_a_bot_that_somebody_resumes_is_let_go_on(journal: Journal):
    bot = MemoryBot()
    responder(journal, bot, Pages()).respond(LATENCY, NOW)
    for confirmed in (False, True):  # begun, and then read back
        journal.note_resume("paper", TradingState.REDUCING, by="ada", why="fixed", confirmed=confirmed, at=NOW + LATER)
        forget(bot)
        assert responder(journal, bot, Pages(), shift=LATER).hold() == []


def test_a_step_of_the_way_back_that_came_to_nothing_lets_no_bot_go_on(journal: Journal):
    bot = MemoryBot()
    responder(journal, bot, Pages()).respond(LATENCY, NOW)
    journal.note_resume("paper", TradingState.REDUCING, by="ada", why="fixed", confirmed=False, at=NOW)
    forget(bot)
    (outcome,) = responder(journal, bot, Pages(), shift=LATER).hold()
    assert (outcome.confirmed, bot.state.trading_state.value) == (True, "HALTED")


def test_a_bot_that_does_not_answer_keeps_no_other_from_being_stopped_again(journal: Journal):
    both = {"mute": MemoryBot(), "paper": MemoryBot()}
    told = replace(responder(journal, both["paper"], Pages()), bots=both)
    for name in both:
        told.respond(alert(bot=name), NOW)
    for bot in both.values():
        forget(bot)
    both["mute"].mute = True
    (outcome,) = replace(responder(journal, both["paper"], Pages(), shift=LATER), bots=both).hold()
    assert (outcome.stop.bot, outcome.confirmed) == ("paper", True)


LEFT_ALONE: dict[str, dict[str, Any]] = {
    "one that does not answer": {"mute": True},
    "one that was stopped a moment ago": {"shift": timedelta(seconds=1)},
    "one whose alert left the policy": {"policy": replace(QUICK, alerts=QUICK.alerts[1:])},
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_a_bot_is_not_stopped_again_on_a_guess(journal: Journal, name: str):
    how: dict[str, Any] = {"shift": LATER, "policy": QUICK, "mute": False, **LEFT_ALONE[name]}
    bot = MemoryBot()
    responder(journal, bot, Pages()).respond(LATENCY, NOW)
    forget(bot)
    bot.mute = how["mute"]
    pages = Pages()
    assert responder(journal, bot, pages, how["policy"], how["shift"]).hold() == []
    assert (bot.state, len(pages.pages)) == (ACTIVE, int("left the policy" in name)), "that one is told"


@pytest.mark.parametrize("dry", [True, False])
def test_where_nothing_may_be_done_that_a_bot_forgot_is_told(journal: Journal, *, dry: bool):
    bot, pages = MemoryBot(), Pages()
    responder(journal, bot, Pages()).respond(LATENCY, NOW)
    forget(bot)
    off = replace(QUICK, auto_rollback=replace(QUICK.auto_rollback, enabled=dry))
    assert replace(responder(journal, bot, pages, off, LATER), dry_run=dry).hold() == []
    assert (bot.state, len(pages.pages)) == (ACTIVE, 1)
    assert pages.pages[0].endswith("reads back ACTIVE; nothing was asked of it")


def test_what_a_former_watcher_began_is_only_told_where_the_automation_is_off(tmp_path: Path):
    off = replace(QUICK, auto_rollback=replace(QUICK.auto_rollback, enabled=False))
    stop = plan_stop(
        RollBack(bot="paper", round=1, actions=QUICK.alerts[0].actions, reason="latency"), LATENCY.episode, LATENCY.name
    )
    bot, pages = MemoryBot(), Pages()
    with open_journal(tmp_path) as first:
        assert first.claim(stop, NOW)
        assert responder(first, bot, pages, off).recover() == []
        responder(first, bot, pages, off).take_over()
    assert (bot.asked, len(pages.pages)) == ([], 1)
    assert (
        "paper: a stop for SoakLatencyP95High was begun and has not ended; auto_rollback.enabled is false"
        in (pages.pages[0])
    )


class Mute(Pages):
    """Nobody can be told what is no page."""

    def tell(self, *_: object) -> None:
        raise RuntimeError("the channel is broken")


def test_one_alert_that_cannot_be_dealt_with_keeps_no_stop_waiting_and_the_body_stays(journal: Journal):
    bot = MemoryBot()
    journal.take_in(body(alert("SoakWSLagHigh"), LATENCY, alert("SoakWSLagHigh", venue="b")), NOW)
    with pytest.raises(RuntimeError, match="the channel is broken"):
        responder(journal, bot, Mute()).work_off()
    assert bot.state.trading_state.value == "HALTED"
    assert len(journal.pending()) == 1
    assert responder(journal, bot, Pages()).work_off() == 1
    assert journal.pending() == []


def test_a_body_of_two_bots_is_done_when_the_last_of_its_parts_is(journal: Journal):
    bots = {"paper": MemoryBot(), "other": MemoryBot()}
    told = replace(responder(journal, bots["paper"], Pages()), bots=bots)
    journal.take_in(body(alert(), alert(bot="other"), alert("SoakWSLagHigh")), NOW)
    (pending,) = journal.pending()
    parts = [part for _, part in divide(parse_payload(pending.body), QUICK, bots)]
    seen = []
    for part in parts:
        told.take_up(replace(pending, part=part))
        seen.append((len(journal.pending()), *(len(bot.asked) for bot in bots.values()), len(journal.episodes())))
    assert seen == [(1, 4, 0, 1), (1, 4, 4, 2), (0, 4, 4, 3)]


def test_a_history_that_cannot_be_read_keeps_no_bot_from_being_stopped_once(journal: Journal, tmp_path: Path):
    bot = MemoryBot()
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as other:
        other.execute("ALTER TABLE resumes RENAME COLUMN confirmed TO gone")
    told = responder(journal, bot, Pages())
    _, outcome = told.respond(LATENCY, NOW)
    assert outcome is not None
    assert (outcome.confirmed, len(bot.asked)) == (True, 4)
    assert journal.read_fault == "journal: not available: no such column: confirmed"
    with pytest.raises(SourceUnavailableError, match="it could not be read whether paper stands still"):
        told.respond(LATENCY, NOW)  # the claim knows that it was stopped, and nobody that it lasted
    assert len(bot.asked) == 4
    for one in (alert("SoakWSLagHigh"), alert(firing=False), alert("Never")):
        with pytest.raises(SourceUnavailableError, match="no such column: confirmed"):
            told.respond(one, NOW)


def test_two_bots_whose_alerts_claim_one_fingerprint_are_both_stopped(journal: Journal):
    bots, pages = {"paper": MemoryBot(), "beta": MemoryBot()}, Pages()
    claimed = [replace(alert(bot=name), fingerprint="0000000000000001") for name in bots]
    journal.take_in(body(*claimed), NOW)
    Responder(journal, bots, QUICK, WallClock(), pages).work_off()
    assert [bot.state.trading_state.value for bot in bots.values()] == ["HALTED", "HALTED"]


def test_an_unfinished_stop_of_an_alert_that_left_the_policy_is_not_tried_in_a_new_round(tmp_path: Path):
    bot, pages = MemoryBot(fault=refuses), Pages()
    with open_journal(tmp_path) as first:
        responder(first, bot, pages).respond(LATENCY, NOW)
        assert responder(first, bot, pages, replace(QUICK, alerts=QUICK.alerts[1:])).recover() == []


def test_a_stop_of_a_bot_that_left_the_fleet_is_told(tmp_path: Path):
    stop = plan_stop(RollBack(bot="gone", round=1, actions=QUICK.alerts[0].actions, reason="r"), "e", LATENCY.name)
    pages = Pages()
    with open_journal(tmp_path) as journal:
        assert journal.claim(stop, NOW)
    with open_journal(tmp_path) as journal:
        assert responder(journal, MemoryBot(), pages).recover() == []
    assert pages.pages == ["gone: a stop for SoakLatencyP95High was begun, but there is no such bot in bots.yaml now"]


def test_a_bot_that_does_not_answer_is_not_taken_for_halted(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    answering = responder(journal, bot, pages)
    answering.respond(LATENCY, NOW)
    bot.mute = True
    decision, _ = answering.respond(LATENCY, NOW)
    assert isinstance(decision, Page)
    assert "does not answer" in decision.reason


def test_a_dry_run_tells_what_it_would_do_and_commands_nobody(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    dry = replace(responder(journal, bot, pages), dry_run=True)
    decision, outcome = dry.respond(LATENCY, NOW)
    assert isinstance(decision, Record)
    assert decision.reason.startswith("dry run, nothing was asked: paper would be stopped")
    assert (outcome, bot.asked, dry.recover()) == (None, [], [])
    assert pages.about[0].todo == "nothing was asked of the bot: decide whether to stop it by hand"


def test_what_people_are_told_of_a_stop_has_its_evidence_and_what_was_read_back(journal: Journal):
    pages = Pages()
    said = {"summary": "paper: 204 ms", "limit": "≤ 150 ms", "runbook": "deploy/runbooks/SoakLatencyP95High.md"}
    responder(journal, MemoryBot(), pages).respond(replace(LATENCY, annotations=said), NOW)
    (about,) = pages.about
    assert (about.evidence, about.runbook, about.grave) == ("limit ≤ 150 ms", said["runbook"], True)
    assert about.state.startswith("HALTED, scale 0, circuit open, orders frozen, 0 open orders")


class CountedBot(MemoryBot):
    """Counts how often it is read."""

    reads = 0

    def read(self) -> BotState:
        self.reads += 1
        return super().read()


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (alert("SoakWSLagHigh"), False),
        (alert("SoakLatencyP95High", firing=False), False),
        (alert("NobodyKnows"), False),
        (alert("SoakTicksStalled"), True),
        (alert("SoakLatencyP95High", symbol="another"), True),
    ],
    ids=["only told", "resolved", "in no policy", "caused by a halt", "stops"],
)
def test_a_bot_that_was_stopped_is_read_only_where_its_state_decides(journal: Journal, *, said: Alert, read: bool):
    """A bot that hangs would else keep every alert that names it waiting."""
    bot = CountedBot()
    answering = responder(journal, bot, Pages())
    answering.respond(LATENCY, NOW)
    before = bot.reads
    answering.respond(said, NOW)
    assert (bot.reads > before) == read


def ask_for_a_drill(journal: Journal, name: str = "d1") -> None:
    asked = DrillRequest(name=name, bot="paper", by="ada", why="the weekly one", at=NOW, until=NOW + timedelta(hours=1))
    journal.note_event(SUBJECT, "paper", asked.note, NOW)


def test_a_drill_that_is_open_stops_the_bot_and_everything_told_of_it_says_so(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    ask_for_a_drill(journal)
    drill = alert("RollbackDrill", drill="d1")
    decision, outcome = responder(journal, bot, pages).respond(drill, NOW)
    assert isinstance(decision, RollBack)
    assert outcome is not None
    assert outcome.confirmed
    assert bot.state.trading_state.value == "HALTED"
    assert pages.pages
    assert all(page.startswith("DRILL paper: stopped") for page in pages.pages)


def test_a_drill_of_another_name_or_that_was_closed_stops_nothing(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    ask_for_a_drill(journal)
    answering = responder(journal, bot, pages)
    assert isinstance(answering.respond(alert("RollbackDrill", drill="forged"), NOW)[0], Page)
    journal.note_event(SUBJECT, "paper", closed("d1"), NOW)
    assert isinstance(answering.respond(alert("RollbackDrill", drill="d1"), NOW)[0], Page)
    assert bot.asked == []
    assert {page.partition(": no such")[0] for page in pages.pages} == {"DRILL paper: RollbackDrill"}


def test_a_drill_whose_stop_is_not_confirmed_is_not_begun_again_by_the_next_watcher(journal: Journal):
    bot, pages = MemoryBot(fault=refuses), Pages()
    ask_for_a_drill(journal)
    responder(journal, bot, pages).respond(alert("RollbackDrill", drill="d1"), NOW)
    assert "DRILL paper: the stop for RollbackDrill is not confirmed" in pages.pages[0]
    asked = len(bot.asked)
    assert responder(journal, bot, pages).recover() == []
    assert len(bot.asked) == asked
    responder(journal, bot, pages).respond(alert(), NOW)
    assert len(bot.asked) > asked, "a breach is stopped for all that"


def test_what_is_told_to_the_team_of_a_drill_is_marked_too():
    pages = Pages()
    DrillPager(pages).tell("it is over")
    assert pages.told == ["DRILL it is over"]


def test_a_breach_whose_stop_was_not_confirmed_is_stopped_again_by_the_next_watcher(journal: Journal):
    bot, pages = MemoryBot(fault=refuses), Pages()
    responder(journal, bot, pages).respond(alert(), NOW)
    bot.fault = lambda _bot, _command, _count: None
    (outcome,) = responder(journal, bot, pages).recover()
    assert (outcome.confirmed, outcome.stop.round) == (True, 2)
    assert "SoakLatencyP95High was not confirmed before the restart" in pages.pages[-1]
