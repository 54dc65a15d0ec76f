"""Carries out one step of the way back: taken for one person, looked at again, asked for, read back, written down.

The trading state is set last, so that a step that breaks off on the way leaves the bot where it may do less. A stop
that begins meanwhile wins: the bot is halted again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rollback.bot import BotControl, BotState, Command, SetTradingState, TradingState, aim_of, shows
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.rollback.resume import Refused, Resume, ResumeEvidence, plan_resume
from mm_ops.domain.rollback.stop import Clock


class ResumeLog(Protocol):
    """The journal, as a step of the way back needs it."""

    def begin_resume(
        self, bot: str, to: TradingState, *, by: str, why: str, at: datetime, lease: timedelta
    ) -> str | None:
        """Write down that a step begins; or say why it may not."""
        ...

    def note_resume(self, bot: str, to: TradingState, *, by: str, why: str, confirmed: bool, at: datetime) -> None:
        """Write down that it was read back."""
        ...

    def stopped_since(self, bot: str, at: datetime) -> bool:
        """Whether a stop of the bot began since."""
        ...

    def note_event(self, subject: str, key: str, body: Mapping[str, object], at: datetime) -> None:
        """Write down what else must not be lost."""
        ...


@dataclass(frozen=True, slots=True)
class Resumed:
    """The step was read back."""

    state: BotState


@dataclass(frozen=True, slots=True)
class NotResumed:
    """The step was begun and is not confirmed; ``state`` is what the bot showed last."""

    reason: str
    state: BotState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step that somebody asks for."""

    bot: str
    to: TradingState
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Resumer:
    """Everything that a step needs of the world."""

    log: ResumeLog
    control: BotControl
    evidence: Callable[[], ResumeEvidence]
    policy: RollbackPolicy
    clock: Clock

    def preview(self, step: Step) -> Resume | Refused:
        """Say what the step would change, or why it must not be taken; nothing is asked of the bot."""
        evidence = self.evidence()
        return plan_resume(
            step.to, by=step.by, why=step.why, evidence=evidence, policy=self.policy, now=self.clock.now()
        )

    def take(self, step: Step, previewed: Resume) -> Resumed | NotResumed | Refused:
        """Take the step that was previewed, unless something has changed since.

        Raises:
            MmOpsError: the journal cannot be written; before the first command nothing was asked of the bot.
        """
        at = self.clock.now()
        lease = self.policy.attempts.longest
        hindrance = self.log.begin_resume(step.bot, step.to, by=step.by, why=step.why, at=at, lease=lease)
        answer = Refused((hindrance,)) if hindrance else self._take(step, previewed, at)
        self.log.note_event("resume", step.bot, _told(step, previewed, answer), self.clock.now())
        return answer

    def _take(self, step: Step, previewed: Resume, at: datetime) -> Resumed | NotResumed | Refused:
        plan = self.preview(step)
        if isinstance(plan, Refused):
            return plan
        if plan != previewed:
            return Refused(("what would change is not what was previewed: look again",))
        broken = self._command(step, plan.commands, at)
        state = self._read()
        if self.log.stopped_since(step.bot, at):
            return self._halt_again(step, at)
        if state is None:
            return NotResumed(broken or "the bot does not answer: its state is unknown", None)
        unmet = [command for command in plan.commands if not shows(state, command)]
        if broken or unmet:
            return NotResumed(broken or _unmet(state, unmet[0]), state)
        self.log.note_resume(step.bot, step.to, by=step.by, why=step.why, confirmed=True, at=at)
        return Resumed(state)

    def _command(self, step: Step, commands: tuple[Command, ...], at: datetime) -> str:
        """Give the commands in their order; what went wrong, if anything: the rest is not given then."""
        for number, command in enumerate(commands):
            if self.log.stopped_since(step.bot, at):
                return "a stop began"
            key = f"{step.bot}@{at:%Y-%m-%dT%H:%M:%S.%fZ}/resume/{number}"
            answer = call_within(lambda: self.control.apply(command, key), self._within_s)  # noqa: B023 - ends first
            if isinstance(answer, MmOpsError):
                return str(answer)
        return ""

    def _halt_again(self, step: Step, at: datetime) -> NotResumed:
        halt = SetTradingState(TradingState.HALTED)
        key = f"{step.bot}@{at:%Y-%m-%dT%H:%M:%S.%fZ}/resume/halted-again"
        answer = call_within(lambda: self.control.apply(halt, key), self._within_s)
        said = f"not confirmed: {answer}" if isinstance(answer, MmOpsError) else "and read back"
        return NotResumed(f"a stop of {step.bot} began meanwhile: it was halted again, {said}", self._read())

    def _read(self) -> BotState | None:
        answer = call_within(self.control.read, self._within_s)
        return None if isinstance(answer, MmOpsError) else answer

    @property
    def _within_s(self) -> float:
        return self.policy.attempts.attempt.total_seconds()


def _unmet(state: BotState, command: Command) -> str:
    name, expected = aim_of(command)
    return f"{name}: expected {expected}, was {getattr(state, name)}"


def _told(step: Step, plan: Resume, answer: Resumed | NotResumed | Refused) -> dict[str, object]:
    """What the journal keeps of a step: who, why, what was to change, and what came of it."""
    came: dict[str, object] = {"answer": type(answer).__name__}
    match answer:
        case Refused(reasons):
            came["reasons"] = reasons
        case NotResumed(reason, state):
            came |= {"reasons": (reason,), "observed": state}
        case Resumed(state):
            came["observed"] = state
        case _:
            assert_never(answer)
    return {"to": step.to, "by": step.by, "why": step.why, "changes": plan.changes, **came}
