"""A stop against a bot in memory with every fault, and a real journal on disk."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.journal import Journal
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.bot import BotState, Command, FreezeOrders, SetScale
from mm_ops.domain.rollback.decision import RollBack
from mm_ops.domain.rollback.executor import Executor
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.stop import ActionResult, Outcome, Stop, plan_stop
from mm_ops_tests.rollback_world import (
    ACTIVE,
    NOW,
    QUICK,
    MemoryBot,
    Pages,
    WallClock,
    alert,
    does_it_without_an_answer,
    fails_once,
    hangs,
    lies,
    open_journal,
    refuses,
)

ALL = (ActionName.HALT, ActionName.SCALE_TO_ZERO, ActionName.OPEN_CIRCUIT, ActionName.FREEZE_ORDERS)
STOP = plan_stop(RollBack(bot="paper", round=1, actions=ALL, reason="latency"), alert().episode, "SoakLatencyP95High")
ID = f"{STOP.episode}/1"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path) as opened:
        yield opened


def execute(journal: Journal, bot: MemoryBot, pages: Pages | None = None, stop: Stop = STOP) -> Outcome | None:
    return Executor(journal, bot, WallClock(), pages or Pages(), QUICK.attempts).execute(stop)


def states(journal: Journal) -> dict[str, str]:
    return {row["name"]: row["state"] for row in journal.actions_of(ID)}


def test_a_healthy_bot_is_stopped_by_every_action_once(journal: Journal):
    bot, pages = MemoryBot(), Pages()
    outcome = execute(journal, bot, pages)
    assert outcome is not None
    assert (outcome.confirmed, outcome.faults, pages.pages) == (True, (), [])
    assert sorted(bot.effects) == sorted(action.key for action in STOP.actions)
    assert [result.action.name for result in outcome.results] == list(ALL)
    assert states(journal) == {name.value: "confirmed" for name in ALL}
    assert (bot.state.trading_state.value, bot.state.open_orders) == ("HALTED", 0)
    assert (journal.unfinished(), journal.unconfirmed()) == ([], [])


def test_the_timeline_says_what_was_asked_and_observed_in_order(journal: Journal):
    outcome = execute(journal, MemoryBot())
    assert outcome is not None
    times = [step.at for step in outcome.timeline]
    said = [step.what for step in outcome.timeline]
    assert times == sorted(times)
    assert said.index("halt: asked, attempt 1") < said.index("halt: read back")
    assert said[-1] == "verified: every action reads back, no order is open"


@pytest.mark.parametrize("fault", [refuses, hangs, lies], ids=["refuses", "hangs", "lies"])
def test_a_bot_that_does_nothing_is_never_reported_as_stopped(
    journal: Journal, fault: Callable[[MemoryBot, Command, int], BotState | None]
):
    bot, pages = MemoryBot(fault=fault), Pages()
    outcome = execute(journal, bot, pages)
    assert outcome is not None
    assert not outcome.confirmed
    assert states(journal) == {name.value: "unconfirmed" for name in ALL}
    assert len(pages.pages) == 1
    assert "trading_state: expected HALTED, was ACTIVE" in pages.pages[0]
    assert {"/".join(key.split("/")[:3]) for key in bot.asked} == {action.key for action in STOP.actions}
    assert len(bot.asked) > len(STOP.actions)
    assert bot.effects == []
    (past,) = journal.unconfirmed()
    assert (past.episode, past.round) == (STOP.episode, 1)


@pytest.mark.parametrize("fault", [fails_once, does_it_without_an_answer], ids=["fails once", "without an answer"])
def test_what_reads_back_is_done_whatever_was_answered(
    journal: Journal, fault: Callable[[MemoryBot, Command, int], BotState | None]
):
    bot, pages = MemoryBot(fault=fault), Pages()
    outcome = execute(journal, bot, pages)
    assert outcome is not None
    assert outcome.confirmed
    assert pages.pages == []
    assert len(bot.effects) == len(set(bot.effects)) == 4


def test_a_bot_that_hangs_on_one_command_is_stopped_by_the_others(journal: Journal):
    def deaf_to_scale(bot: MemoryBot, command: Command, count: int) -> BotState | None:
        return hangs(bot, command, count) if isinstance(command, SetScale) else None

    bot, pages = MemoryBot(fault=deaf_to_scale), Pages()
    outcome = execute(journal, bot, pages)
    assert outcome is not None
    assert not outcome.confirmed
    assert states(journal) == {**{name.value: "confirmed" for name in ALL}, "scale_to_zero": "unconfirmed"}
    assert "strategy_scale: expected 0.0, was 1.0" in pages.pages[0]
    assert bot.state.trading_state.value == "HALTED"


def test_a_mute_bot_is_unknown_and_pages(journal: Journal):
    pages = Pages()
    outcome = execute(journal, MemoryBot(mute=True, fault=hangs), pages)
    assert outcome is not None
    assert not outcome.confirmed
    assert {result.observed for result in outcome.results} == {None}
    assert "was unknown" in pages.pages[0]
    assert "the bot's state is unknown" in pages.pages[0]


def test_a_bot_that_was_restarted_midway_is_stopped_again(journal: Journal):
    restarted: list[int] = []

    class Forgetful(MemoryBot):
        def do(self, command: Command, key: str) -> BotState:
            state = super().do(command, key)
            if len(set(self.effects)) == 4 and not restarted:
                restarted.append(1)
                self.effects.clear()
                self.state = replace(ACTIVE, sequence=99)
            return state

    bot, pages = Forgetful(), Pages()
    outcome = execute(journal, bot, pages)
    assert restarted
    assert outcome is not None
    assert outcome.confirmed
    assert pages.pages == []
    assert bot.state.trading_state.value == "HALTED"
    assert len(set(bot.effects)) == 4


def test_what_was_done_and_undone_since_is_asked_for_by_a_key_that_the_bot_has_not_seen(tmp_path: Path):
    """The former watcher died in it, the bot did all that had been asked of it, and somebody let it go on."""
    bot = MemoryBot()
    with open_journal(tmp_path) as former:
        assert former.claim(STOP, NOW)
    for action in STOP.actions:
        bot.apply(action.command, action.key)
    bot.state = replace(ACTIVE, sequence=99)
    with open_journal(tmp_path) as journal:
        outcome = execute(journal, bot)
        assert outcome is not None
        assert outcome.confirmed
        assert {row["name"]: row["attempts"] for row in journal.actions_of(ID)} == {name.value: 2 for name in ALL}
    assert bot.effects[4:] != []
    assert sorted(bot.effects[4:]) == sorted(f"{action.key}/1" for action in STOP.actions)


def test_what_was_not_answered_is_asked_for_by_the_same_key(journal: Journal):
    """It may be on its way, and must not be done twice."""
    bot = MemoryBot(fault=fails_once)
    outcome = execute(journal, bot)
    assert outcome is not None
    assert outcome.confirmed
    assert sorted(bot.asked) == sorted([action.key for action in STOP.actions] * 2)


def test_what_was_read_back_and_does_not_last_is_not_confirmed(journal: Journal):
    class Resumed(MemoryBot):
        def read(self) -> BotState:
            return replace(super().read(), orders_frozen=False)

    pages = Pages()
    outcome = execute(journal, Resumed(), pages)
    assert outcome is not None
    assert not outcome.confirmed
    assert states(journal) == {**{name.value: "confirmed" for name in ALL}, "freeze_orders": "unconfirmed"}
    assert "freeze_orders: orders_frozen: expected True, was False in the end" in pages.pages[0]
    attempts = {row["name"]: row["attempts"] for row in journal.actions_of(ID)}
    assert attempts == {**{name.value: 1 for name in ALL}, "freeze_orders": 2}


def test_orders_that_stay_open_are_no_stop(journal: Journal):
    class Stubborn(MemoryBot):
        def change(self, **fields: object) -> None:
            super().change(**fields)
            self.state = replace(self.state, open_orders=3)

    bot, pages = Stubborn(), Pages()
    outcome = execute(journal, bot, pages)
    assert outcome is not None
    assert not outcome.confirmed
    assert "open_orders: expected 0, was 3 after 200ms" in pages.pages[0]
    assert states(journal) == {name.value: "confirmed" for name in ALL}


def test_orders_may_take_their_time_within_the_limit(journal: Journal):
    class Slow(MemoryBot):
        reads = 0

        def read(self) -> BotState:
            state = super().read()
            self.reads += 1
            return replace(state, open_orders=2) if self.reads < 8 else state

    outcome = execute(journal, Slow())
    assert outcome is not None
    assert outcome.confirmed


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(hours=1)], ids=["back", "forward"])
@pytest.mark.parametrize("fault", [fails_once, refuses], ids=["obeys in the end", "never obeys"])
def test_a_clock_that_is_set_in_the_middle_shortens_and_lengthens_nothing(
    journal: Journal, by: timedelta, fault: Callable[[MemoryBot, Command, int], BotState | None]
):
    clock = WallClock()

    def sets_the_clock(bot: MemoryBot, command: Command, count: int) -> BotState | None:
        clock.jump = by
        return fault(bot, command, count)

    bot, begun = MemoryBot(fault=sets_the_clock), time.monotonic()
    outcome = Executor(journal, bot, clock, Pages(), QUICK.attempts).execute(STOP)
    assert outcome is not None
    assert outcome.confirmed == (fault is fails_once)
    assert {result.attempts >= 2 for result in outcome.results} == {True}
    assert time.monotonic() - begun < 60
    assert (journal.unfinished(), len(bot.effects)) == ([], 4 if fault is fails_once else 0)


def test_a_stop_that_another_process_has_is_left_to_it(journal: Journal, tmp_path: Path):
    with open_journal(tmp_path, owner="b") as other:
        assert other.claim(STOP, WallClock().now())
        bot = MemoryBot()
        assert execute(journal, bot) is None
        assert bot.asked == []


class FullDisk:
    """A journal whose disk is full once the stop has begun."""

    def __init__(self) -> None:
        self.requested: list[str] = []
        self.settled: list[str] = []
        self.finished: list[Outcome] = []

    def claim(self, stop: Stop, at: datetime) -> bool:
        return bool(stop.actions and at)

    def request(self, keys: Collection[str], at: datetime) -> None:
        self.requested += keys if at else ()
        raise SourceUnavailableError("disk is full")

    def settle(self, results: Collection[ActionResult]) -> None:
        self.settled += (one.action.key for one in results)
        raise SourceUnavailableError("disk is full")

    def finish(self, outcome: Outcome, at: datetime) -> None:
        self.finished += [outcome] if at else []
        raise SourceUnavailableError("disk is full")


def test_a_journal_that_fails_midway_does_not_keep_the_bot_from_being_stopped():
    bot, pages, disk = MemoryBot(), Pages(), FullDisk()
    outcome = Executor(disk, bot, WallClock(), pages, QUICK.attempts).execute(STOP)
    assert outcome is not None
    assert bot.state.trading_state.value == "HALTED"
    assert not outcome.confirmed
    assert "the journal: disk is full" in pages.pages[0]
    keys = sorted(action.key for action in STOP.actions)
    assert (sorted(disk.requested), sorted(disk.settled), disk.finished) == (keys, keys, [outcome])


def test_a_stop_may_have_fewer_actions(journal: Journal):
    fewer = plan_stop(
        RollBack(bot="paper", round=1, actions=(ActionName.HALT,), reason="r"), STOP.episode, "SoakLatencyP95High"
    )
    outcome = execute(journal, MemoryBot(), stop=fewer)
    assert outcome is not None
    assert outcome.confirmed
    assert fewer.actions[0].command != FreezeOrders(frozen=True)
    assert QUICK.attempts.deadline == timedelta(milliseconds=400)
