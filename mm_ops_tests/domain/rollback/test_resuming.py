"""One step of the way back, with a real journal: one person's, looked at again, read back, and a stop always wins."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.journal import Journal
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.bot import BotState, Command, SetTradingState, TradingState
from mm_ops.domain.rollback.resume import Refused, Resume, ResumeEvidence
from mm_ops.domain.rollback.resuming import NotResumed, Resumed, Resumer, Step
from mm_ops.domain.rollback.stop import Stop
from mm_ops_tests.rollback_world import HALTED, QUICK, MemoryBot, WallClock, lies, open_journal, refuses

REDUCING = Step(bot="paper", to=TradingState.REDUCING, by="ada", why="the feed was moved")
STOP = Stop(episode="e", round=1, bot="paper", alert="SoakLatencyP95High", reason="slow", actions=())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path) as opened:
        yield opened


@dataclass
class World:
    """A halted bot, and what fires."""

    journal: Journal
    bot: MemoryBot
    firing: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.clock = WallClock()
        self.bot.state = HALTED

    def evidence(self) -> ResumeEvidence:
        now = self.clock.now()
        state = None if self.bot.mute else replace(self.bot.state, observed_at=now)
        return ResumeEvidence(bot=state, firing=self.firing, at=now, blind=False, stopping=False)

    def resumer(self) -> Resumer:
        return Resumer(self.journal, self.bot, self.evidence, QUICK, self.clock)

    def take(self, step: Step = REDUCING) -> Resumed | NotResumed | Refused:
        plan = self.resumer().preview(step)
        assert isinstance(plan, Resume)
        return self.resumer().take(step, plan)

    def records(self) -> list[tuple[str, int]]:
        rows = [one["body"] for one in self.journal.records_after(0) if one["subject"] == "resumes"]
        return [(row["to"], row["confirmed"]) for row in rows]

    def noted(self) -> str:
        answer: str = self.journal.notes("resume", "paper")[0]["body"]["answer"]
        return answer


@pytest.fixture
def world(journal: Journal) -> World:
    return World(journal, MemoryBot())


def test_a_step_is_written_down_asked_for_read_back_and_written_down(world: World):
    answer = world.take()
    assert isinstance(answer, Resumed)
    assert (answer.state.trading_state, answer.state.strategy_scale) == (TradingState.REDUCING, 0.25)
    assert answer.state == world.bot.state
    assert world.records() == [("REDUCING", 0), ("REDUCING", 1)]
    assert world.noted() == "Resumed"
    active = replace(REDUCING, to=TradingState.ACTIVE)
    assert isinstance(world.take(active), Resumed)
    assert world.bot.state.trading_state is TradingState.ACTIVE


def test_a_cause_that_fires_again_after_the_preview_refuses_the_step(world: World):
    plan = world.resumer().preview(REDUCING)
    assert isinstance(plan, Resume)
    world.firing = frozenset({"SoakLatencyP95High"})
    answer = world.resumer().take(REDUCING, plan)
    assert answer == Refused(("alerts: SoakLatencyP95High still fires",))
    assert world.bot.asked == []
    assert world.noted() == "Refused"


def test_a_bot_that_has_changed_since_the_preview_is_looked_at_again(world: World):
    plan = world.resumer().preview(REDUCING)
    assert isinstance(plan, Resume)
    world.bot.state = replace(HALTED, strategy_scale=0.1)
    answer = world.resumer().take(REDUCING, plan)
    assert answer == Refused(("what would change is not what was previewed: look again",))
    assert world.bot.asked == []


@pytest.mark.parametrize("fault", [refuses, lies])
def test_a_bot_that_refuses_or_lies_is_not_reported_as_resumed(world: World, fault: Callable[..., BotState | None]):
    world.bot.fault = fault
    answer = world.take()
    assert isinstance(answer, NotResumed)
    assert answer.state is not None
    assert answer.state.trading_state is TradingState.HALTED
    assert world.records() == [("REDUCING", 0)]
    assert world.noted() == "NotResumed"


def test_a_bot_that_dies_between_the_commands_stays_halted_and_is_said_to_be_unknown(world: World):
    def dies(bot: MemoryBot, _: Command, __: int) -> BotState | None:
        if len(bot.asked) == 3:
            bot.mute = True
            raise SourceUnavailableError("bot: the connection was lost")
        return None

    world.bot.fault = dies
    answer = world.take()
    assert answer == NotResumed("bot: the connection was lost", None)
    assert world.bot.state.trading_state is TradingState.HALTED
    assert len(world.bot.asked) == 3


def test_a_bot_that_dies_after_the_last_command_is_unknown(world: World):
    def dies(bot: MemoryBot, command: Command, _: int) -> BotState | None:
        bot.mute = isinstance(command, SetTradingState)
        return None

    world.bot.fault = dies
    assert world.take() == NotResumed("the bot does not answer: its state is unknown", None)


@pytest.mark.parametrize("at", [1, 3, 4])
def test_a_stop_that_begins_meanwhile_wins(world: World, at: int):
    def stop(bot: MemoryBot, _: Command, __: int) -> BotState | None:
        if len(bot.asked) == at:
            assert world.journal.claim(STOP, world.clock.now())
        return None

    world.bot.fault = stop
    answer = world.take()
    assert isinstance(answer, NotResumed)
    assert "began meanwhile: it was halted again, and read back" in answer.reason
    assert world.bot.state.trading_state is TradingState.HALTED
    assert world.records() == [("REDUCING", 0)]


def test_a_stop_that_begins_meanwhile_and_a_bot_that_does_not_halt_is_said(world: World):
    def stop(bot: MemoryBot, _: Command, __: int) -> BotState | None:
        if len(bot.asked) == 4:
            assert world.journal.claim(STOP, world.clock.now())
        if len(bot.asked) == 5:
            raise SourceUnavailableError("bot: the connection was lost")
        return None

    world.bot.fault = stop
    answer = world.take()
    assert isinstance(answer, NotResumed)
    assert answer.reason.endswith("halted again, not confirmed: bot: the connection was lost")


def test_while_a_stop_runs_no_step_begins(world: World):
    plan = world.resumer().preview(REDUCING)
    assert isinstance(plan, Resume)
    assert world.journal.claim(STOP, world.clock.now() - timedelta(seconds=5))
    answer = world.resumer().take(REDUCING, plan)
    assert isinstance(answer, Refused)
    assert "a stop of paper that began at 2026-11-25T11:59:5" in answer.reasons[0]
    assert world.bot.asked == []


def test_two_people_at_once_are_one_step(world: World, tmp_path: Path):
    with open_journal(tmp_path, owner="b") as second:
        worlds = [world.resumer(), replace(world.resumer(), log=second)]
        plans = [one.preview(REDUCING) for one in worlds]
        barrier = threading.Barrier(2)
        answers: list[object] = []

        def take(resumer: Resumer, plan: Resume | Refused, by: str) -> None:
            assert isinstance(plan, Resume)
            barrier.wait()
            answers.append(resumer.take(replace(REDUCING, by=by), plan))

        threads = [
            threading.Thread(target=take, args=(*pair, by))
            for *pair, by in zip(worlds, plans, ("ada", "bob"), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(type(one).__name__ for one in answers) == ["Refused", "Resumed"]
    assert len(world.bot.asked) == 4


def test_a_step_that_came_to_nothing_may_be_tried_again_when_its_lease_has_run_out(world: World):
    world.bot.fault = refuses
    world.take()
    world.bot.fault = lambda _bot, _command, _count: None
    again = world.take()
    assert isinstance(again, Refused)
    assert "that ada began at 2026-11-25T12:00:" in again.reasons[0]
    world.clock = WallClock(QUICK.attempts.longest + timedelta(seconds=1))
    assert isinstance(world.take(), Resumed)
