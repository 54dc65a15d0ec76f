"""A drill from its asking to its end, with a real journal and the real executor; what Prometheus does is played."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.journal import Journal
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.drill.judge import Trace
from mm_ops.domain.rollback.drill.notes import SUBJECT, DrillRequest, find_last, find_open
from mm_ops.domain.rollback.drill.plan import Ground
from mm_ops.domain.rollback.drill.run import Conductor, Drilled
from mm_ops.domain.rollback.response import Responder
from mm_ops.domain.rollback.resume import ResumeEvidence
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.drills import POLICY, REQUEST, evidence, ground, story
from mm_ops_tests.rollback_world import NOW, QUICK, MemoryBot, Pages, WallClock, alert, lies, open_journal

DRILL = alert("RollbackDrill", drill="d1")
SHORT = replace(
    POLICY,
    heard_within=replace(POLICY.heard_within, length=timedelta(milliseconds=300)),
    gone_within=replace(POLICY.gone_within, length=timedelta(milliseconds=300)),
)


@dataclass
class Played:
    """What Prometheus, Alertmanager and the watcher do; the journal, the stop and the bot are real."""

    journal: Journal
    bot: MemoryBot
    clock: WallClock = field(default_factory=WallClock)
    raises: bool | None = True
    heard: bool = True
    posted: bool = True
    before: tuple[str, ...] = ()
    firing: frozenset[str] = frozenset({"Watchdog"})
    stopped_by: str = ""
    dies: bool = False
    fired: int = 0
    traced: Trace | None = None
    said: list[str] = field(default_factory=list)

    def ground(self, _: DrillRequest) -> Ground:
        return ground(evidence=self.evidence(), episodes=self.before)

    def evidence(self) -> ResumeEvidence:
        self.fired += self.is_open or self.fired > 0
        firing = self.firing | ({"RollbackDrill"} if self.is_open or 0 < self.fired < 3 else set())
        state = replace(self.bot.state, observed_at=self.clock.now())
        return evidence(bot=state, firing=firing, at=self.clock.now())

    @property
    def is_open(self) -> bool:
        return find_open("paper", self.journal.notes(SUBJECT, "paper"), self.clock.now()) is not None

    def trace(self, request: DrillRequest) -> Trace | None:
        assert request.bot == "paper"
        if self.dies:
            raise KeyboardInterrupt
        if not (self.raises and self.heard and self.is_open):
            return None
        if self.traced is None:
            self.fired = 1
            outcome = Responder(self.journal, {"paper": self.bot}, QUICK, self.clock, Pages()).respond(
                DRILL, self.clock.now()
            )[1]
            assert outcome is not None
            self.traced = Trace(
                episode=DRILL.episode,
                starts_at=DRILL.starts_at,
                posted_at=NOW if self.posted else None,
                decided="RollBack",
                story=story(self.clock.now(), confirmed=outcome.confirmed, faults=outcome.faults),
            )
        return self.traced

    def fires(self, _: DrillRequest) -> bool | None:
        return self.raises

    def stopped_for(self) -> str | None:
        return self.stopped_by or DRILL.episode

    def conduct(self, request: DrillRequest = REQUEST) -> Drilled:
        asked = replace(request, at=self.clock.now(), until=self.clock.now() + timedelta(minutes=1))
        conductor = Conductor(
            log=self.journal,
            world=self,
            control=self.bot,
            policy=SHORT,
            rollback=QUICK,
            clock=self.clock,
            say=self.said.append,
        )
        return conductor.conduct(asked)

    def events(self) -> list[str]:
        return [note["body"]["event"] for note in reversed(self.journal.notes(SUBJECT, "paper"))]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Played]:
    with open_journal(tmp_path) as journal:
        yield Played(journal, MemoryBot())


def test_a_drill_stops_the_bot_reads_it_back_and_lets_it_go_on_by_name(world: Played):
    drilled = world.conduct()
    assert (drilled.verdict, drilled.reasons, drilled.begun) == (Verdict.PASS, (), True)
    assert drilled.halted is not None
    assert drilled.halted.trading_state is TradingState.HALTED
    assert drilled.resumed == ("REDUCING", "ACTIVE")
    assert drilled.state == world.bot.state
    assert world.bot.state.trading_state is TradingState.ACTIVE
    assert world.events() == ["asked", "closed", "ended"]
    steps = [note["body"] for note in world.journal.notes("resume", "paper")]
    assert {(step["by"], step["why"], step["answer"]) for step in steps} == {
        ("ada", "fire drill d1: the weekly one", "Resumed")
    }
    last = find_last(world.journal.notes(SUBJECT, "paper"))
    assert last is not None
    assert (last.verdict, last.reasons) == (Verdict.PASS, ())
    assert last.detect_to_halt_ms is not None
    assert drilled.trace is not None
    halted_after = drilled.trace.detect_to_halt.total_seconds()  # type: ignore[union-attr]
    assert last.detect_to_halt_ms / 1000 == pytest.approx(halted_after)


def test_while_anything_speaks_against_it_nothing_is_asked_for(world: Played):
    world.before = ("e@1",)
    drilled = world.conduct()
    assert (drilled.verdict, drilled.reasons, drilled.begun) == (
        Verdict.INCONCLUSIVE,
        ("a breach is open: e@1",),
        False,
    )
    assert world.events() == []
    assert world.bot.asked == []


def test_who_was_second_at_the_same_moment_has_asked_for_nothing(world: Played):
    quiet = world.ground(REQUEST)
    world.ground = lambda _: quiet  # type: ignore[method-assign]
    other = replace(REQUEST, name="d0", until=NOW + timedelta(hours=1))
    world.journal.note_event(SUBJECT, "paper", other.note, NOW)
    drilled = world.conduct()
    assert drilled.reasons == ("another drill of the bot was asked for at the same time",)
    assert not drilled.begun
    assert world.bot.asked == []


@pytest.mark.parametrize(
    ("raises", "heard", "verdict"),
    [(True, False, Verdict.FAIL), (False, False, Verdict.INCONCLUSIVE), (None, False, Verdict.INCONCLUSIVE)],
)
def test_an_alert_that_does_not_come_leaves_the_bot_alone(
    world: Played, verdict: Verdict, *, raises: bool | None, heard: bool
):
    world.raises, world.heard = raises, heard
    drilled = world.conduct()
    assert (drilled.verdict, drilled.resumed, drilled.trace) == (verdict, (), None)
    assert world.bot.asked == []
    assert world.events() == ["asked", "closed", "ended"]


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({"posted": False}, "Alertmanager has not brought the alert"),
        ({"stopped_by": "another"}, "not resumed to REDUCING: a stop of the bot has not ended"),
        ({"firing": frozenset({"Watchdog", "SoakMetricAbsent"})}, "not resumed to REDUCING: alerts: SoakMetricAbsent"),
    ],
    ids=["came by the backstop", "a breach has stopped it too", "a cause fires now"],
)
def test_whatever_differs_leaves_the_bot_halted(world: Played, different: dict[str, Any], reason: str):
    late = different.pop("firing", None)
    for name, value in different.items():
        setattr(world, name, value)
    if late is not None:
        quiet = world.ground(REQUEST)
        world.firing = late
        world.ground = lambda _: quiet  # type: ignore[method-assign]
        world.fired = 0
    drilled = world.conduct()
    assert drilled.verdict is Verdict.FAIL
    assert reason in "; ".join(drilled.reasons)
    assert world.bot.state.trading_state is TradingState.HALTED
    assert drilled.resumed == ()


def test_a_bot_that_lies_fails_the_drill_and_is_not_let_go_on(world: Played):
    world.bot.fault = lies
    drilled = world.conduct()
    assert drilled.verdict is Verdict.FAIL
    assert "the stop was not confirmed: halt: trading_state: expected HALTED, was ACTIVE" in drilled.reasons[0]
    assert world.journal.notes("resume", "paper") == []


def test_a_bot_that_does_not_go_on_is_told_as_left_where_it_is(world: Played):
    def stays(bot: MemoryBot, *_: object) -> None:
        if bot.state.trading_state is TradingState.HALTED and world.traced is not None:
            raise SourceUnavailableError("503")

    world.bot.fault = stays
    drilled = world.conduct()
    assert drilled.reasons == ("not resumed to REDUCING: 503",)
    assert drilled.state is not None
    assert drilled.state.trading_state is TradingState.HALTED


def test_a_drill_that_is_broken_off_is_closed_and_has_not_ended(world: Played):
    world.dies = True
    with pytest.raises(KeyboardInterrupt):
        world.conduct()
    assert world.events() == ["asked", "closed"]
    assert world.said[-1] == "broken off, and closed: `mm-ops halt status --bot paper` says how the bot stands"
    last = find_last(world.journal.notes(SUBJECT, "paper"))
    assert last is not None
    assert last.verdict is None


def test_a_bot_that_is_mute_after_the_stop_is_not_known_to_stand_still(world: Played):
    traced = world.trace

    def then_mute(request: DrillRequest) -> Trace | None:
        found = traced(request)
        world.bot.mute = True
        return found

    world.trace = then_mute  # type: ignore[method-assign]
    drilled = world.conduct()
    assert drilled.verdict is Verdict.INCONCLUSIVE
    assert "whether it stands still is not known" in drilled.reasons[0]
    assert (drilled.halted, drilled.resumed) == (None, ())
