"""Conducts a drill: asked for in the journal, awaited, read back, closed, judged, and the bot let go on.

Nothing here stops the bot: the alert does, on its own way. The bot is let go on by the steps of a resume, and only when
everything was as it should be; else it stays as it is, and the drill says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rollback.bot import BotControl, BotState, TradingState
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.drill.judge import Trace, judge_drill
from mm_ops.domain.rollback.drill.notes import LATEST, SUBJECT, DrillRequest, closed, find_open
from mm_ops.domain.rollback.drill.plan import Ground, refuse_drill
from mm_ops.domain.rollback.drill.policy import DrillPolicy
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.rollback.resume import Refused, ResumeEvidence
from mm_ops.domain.rollback.resuming import NotResumed, Resumed, ResumeLog, Resumer, Step
from mm_ops.domain.rollback.stop import Clock
from mm_ops.domain.verdict import Verdict

LOOK_EVERY_S = 0.2
_BACK = (TradingState.REDUCING, TradingState.ACTIVE)


class DrillLog(ResumeLog, Protocol):
    """The journal, to be written."""

    def notes(self, subject: str, key: str, limit: int) -> list[dict[str, Any]]:
        """Read the latest notes, newest first."""
        ...


class DrillWorld(Protocol):
    """What is known of the bot, its alerts and its stops."""

    def ground(self, request: DrillRequest) -> Ground:
        """Read what the drill would begin on."""
        ...

    def evidence(self) -> ResumeEvidence:
        """Read what a resume rests on."""
        ...

    def trace(self, request: DrillRequest) -> Trace | None:
        """Read what the journal has of the drill's alert; ``None`` where nothing."""
        ...

    def fires(self, request: DrillRequest) -> bool | None:
        """Ask Prometheus for the drill's alert; ``None`` where it does not say."""
        ...

    def stopped_for(self) -> str | None:
        """The episode of the bot's latest stop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """What came of a drill; ``begun`` is whether it was asked for at all.

    ``halted`` was read after the stop; ``resumed`` are the steps of the way back that were read back, ``state`` what
    the bot said after the last.
    """

    request: DrillRequest
    verdict: Verdict
    reasons: tuple[str, ...]
    begun: bool
    trace: Trace | None = None
    halted: BotState | None = None
    closed_at: datetime | None = None
    resumed: tuple[str, ...] = ()
    state: BotState | None = None

    @property
    def left(self) -> str:
        """How the bot was left, as it was read last."""
        last = self.state or self.halted
        return "not known" if last is None else last.trading_state.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Conductor:
    """Everything that a drill needs of the world."""

    log: DrillLog
    world: DrillWorld
    control: BotControl
    policy: DrillPolicy
    rollback: RollbackPolicy
    clock: Clock
    say: Callable[[str], None] = lambda _: None

    def conduct(self, request: DrillRequest) -> Drilled:
        """Conduct one drill.

        Raises:
            MmOpsError: the journal cannot be read or written; the drill acts no more from ``until`` on, and a bot that
                it has halted stays so.
        """
        against = refuse_drill(request, self.world.ground(request), self.rollback, self.clock.now())
        if not against:
            against = self._open(request)
        if against:
            return Drilled(request=request, verdict=Verdict.INCONCLUSIVE, reasons=against, begun=False)
        try:
            self.say(f"drill {request.name} is open: waiting for Prometheus to raise it")
            trace = self._await(request)
            halted = self._read()
            fires = self.world.fires(request) if trace is None else True
        except BaseException:
            self.say(f"broken off, and closed: `mm-ops halt status --bot {request.bot}` says how the bot stands")
            raise
        finally:
            self._note(request, closed(request.name))
        closed_at = self.clock.now()
        found = judge_drill(trace, fires=fires, state=halted, policy=self.policy)
        drilled = Drilled(
            request=request,
            verdict=found.verdict,
            reasons=found.reasons,
            begun=True,
            trace=trace,
            halted=halted,
            closed_at=closed_at,
        )
        return self._end(self._let_go(drilled, trace) if found.verdict is Verdict.PASS and trace else drilled)

    def _open(self, request: DrillRequest) -> tuple[str, ...]:
        """Ask for it; whoever was first has it."""
        self._note(request, request.note)
        found = find_open(request.bot, self.log.notes(SUBJECT, request.bot, LATEST), self.clock.now())
        mine = found is not None and found.name == request.name
        return () if mine else ("another drill of the bot was asked for at the same time",)

    def _await(self, request: DrillRequest) -> Trace | None:
        """Wait until the alert was heard, and then until what it asks for is over; give what there is at the end."""
        end = self.clock.monotonic() + self.policy.heard_within.length.total_seconds()
        trace: Trace | None = None
        while True:
            found = self.world.trace(request)
            if found is not None and trace is None:
                end = self.clock.monotonic() + 2 * self.rollback.attempts.longest.total_seconds()
                self.say(f"heard of; {found.decided}")
            trace = found or trace
            if (trace is not None and trace.over) or self.clock.monotonic() >= end:
                return trace
            self.clock.sleep(LOOK_EVERY_S)

    def _let_go(self, drilled: Drilled, trace: Trace) -> Drilled:
        """Take the way back step by step; whatever is in the way leaves the bot where it is."""
        request, taken = drilled.request, list[str]()
        resumer = Resumer(self.log, self.control, lambda: self._own(trace), self.rollback, self.clock)
        self.say("as it should be: waiting until the alert is gone, then the bot is let go on")
        for to in _BACK:
            step = Step(bot=request.bot, to=to, by=request.by, why=f"fire drill {request.name}: {request.why}")
            answer = self._step(resumer, step)
            if not isinstance(answer, Resumed):
                reasons = answer.reasons if isinstance(answer, Refused) else (answer.reason,)
                kept = tuple(f"not resumed to {to.value}: {reason}" for reason in reasons)
                return replace(drilled, verdict=Verdict.FAIL, reasons=kept, resumed=tuple(taken), state=self._read())
            taken.append(to.value)
        return replace(drilled, resumed=tuple(taken), state=self._read())

    def _step(self, resumer: Resumer, step: Step) -> Resumed | NotResumed | Refused:
        """Take a step once nothing speaks against it, which the drill's own alert does for a while."""
        end = self.clock.monotonic() + self.policy.gone_within.length.total_seconds()
        while True:
            plan = resumer.preview(step)
            if not isinstance(plan, Refused):
                return resumer.take(step, plan)
            if self.clock.monotonic() >= end:
                return plan
            self.clock.sleep(LOOK_EVERY_S)

    def _own(self, trace: Trace) -> ResumeEvidence:
        """What a resume rests on; a stop for anything but the drill is nothing that a drill may undo."""
        found = self.world.evidence()
        return replace(found, stopping=found.stopping or self.world.stopped_for() != trace.episode)

    def _end(self, drilled: Drilled) -> Drilled:
        took = None if drilled.trace is None else drilled.trace.detect_to_halt
        body = {
            "event": "ended",
            "drill": drilled.request.name,
            "verdict": drilled.verdict.value,
            "detect_to_halt_ms": None if took is None else took.total_seconds() * 1000,
            "reasons": list(drilled.reasons),
            "resumed": list(drilled.resumed),
        }
        self._note(drilled.request, body)
        return drilled

    def _note(self, request: DrillRequest, body: Mapping[str, object]) -> None:
        self.log.note_event(SUBJECT, request.bot, body, self.clock.now())

    def _read(self) -> BotState | None:
        answer = call_within(self.control.read, self.rollback.attempts.attempt.total_seconds())
        return None if isinstance(answer, MmOpsError) else answer
