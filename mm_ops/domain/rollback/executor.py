"""Carries out one stop: its actions at the same time, each confirmed by reading the bot back, else tried again.

An attempt runs in a thread of its own that can be left behind: a bot that hangs keeps no other action waiting, and
ends no stop later than its deadline. What counts is the state that is read back: a bot that answers "done" and lies
is not done, and one that does it without an answer is. After all actions the bot is read once more, since one that
was restarted meanwhile has forgotten the first while it did the last; what does not show then is not confirmed.
"""

import queue
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mm_ops.domain.errors import EffectNotConfirmedError, MmOpsError, SourceUnavailableError
from mm_ops.domain.rollback.about import about_outcome
from mm_ops.domain.rollback.bot import BotControl, BotState, aim_of, shows
from mm_ops.domain.rollback.bounded import call_within, start
from mm_ops.domain.rollback.policy import Attempts
from mm_ops.domain.rollback.stop import Action, ActionResult, ActionState, Clock, Outcome, Pager, Step, Stop, StopLog
from mm_ops.domain.windows import format_duration

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Executor:
    """Everything a stop needs of the world."""

    log: StopLog
    bot: BotControl
    clock: Clock
    pager: Pager
    attempts: Attempts

    def execute(self, stop: Stop, told: Callable[[Outcome], None] = lambda _: None) -> Outcome | None:
        """Carry out a stop to its outcome, confirmed or paged; ``None`` where another process has it.

        ``told`` is called before the outcome is written down: a process that dies in between does both again.
        """
        if not self.log.claim(stop, self.clock.now()):
            return None
        timeline = _Timeline(self.clock)
        keys = [action.key for action in stop.actions]
        self._write(lambda: self.log.request(keys, self.clock.now()), timeline)
        results = self._act(stop.actions, timeline)
        results, faults = self._verify(stop, results, timeline)
        unconfirmed = [f"{one.action.name.value}: {one.reason}" for one in results if one.reason]
        outcome = Outcome(
            stop=stop,
            confirmed=not (unconfirmed or faults or timeline.faults),
            results=tuple(results),
            faults=(*unconfirmed, *faults, *timeline.faults),
            timeline=tuple(timeline.steps),
        )
        if not outcome.confirmed:
            reason = f"{stop.bot}: the stop for {stop.alert} is not confirmed: {'; '.join(outcome.faults)}"
            self.pager.page(reason, about_outcome(outcome))
        told(outcome)
        self._write(lambda: self.log.finish(outcome, self.clock.now()), timeline)
        return outcome

    def _write(self, write: Callable[[], None], timeline: "_Timeline") -> None:
        """Write down what happened; a journal that fails in the middle of a stop must not keep the rest from it."""
        try:
            write()
        except MmOpsError as error:
            timeline.add(f"not written down: {error}")
            timeline.faults.append(f"the journal: {error}")

    def _act(self, actions: tuple[Action, ...], timeline: "_Timeline") -> list[ActionResult]:
        """Drive all actions at once and write down the results as they come, those that came together at once."""
        done: queue.SimpleQueue[ActionResult] = queue.SimpleQueue()
        for action in actions:
            start(lambda action=action: done.put(self._drive(action, timeline)))  # type: ignore[misc]
        results: dict[str, ActionResult] = {}
        while len(results) < len(actions):
            came = [done.get()]
            while not done.empty():
                came.append(done.get())
            self._write(lambda came=came: self.log.settle(came), timeline)  # type: ignore[misc]
            results |= {one.action.key: one for one in came}
        return [results[action.key] for action in actions]

    def _drive(self, action: Action, timeline: "_Timeline") -> ActionResult:
        """Try one action until it is read back or its deadline has passed."""
        end = self.clock.monotonic() + self.attempts.deadline.total_seconds()
        attempts, undone, reason = 0, 0, ""
        seen: BotState | None = None
        while attempts == 0 or self.clock.monotonic() < end:
            attempts += 1
            timeline.add(f"{action.name.value}: asked, attempt {attempts}")
            key = f"{action.key}/{undone}" if undone else action.key
            tried = self._within(lambda: self.bot.apply(action.command, key), end)  # noqa: B023 - ends first
            back = tried if isinstance(tried, BotState) else self._within(self.bot.read, end)
            if isinstance(back, BotState):
                seen = back
                if shows(back, action.command):
                    timeline.add(f"{action.name.value}: read back")
                    return self._result(action, attempts, seen)
                undone += isinstance(tried, BotState | EffectNotConfirmedError)  # or it would take it for done
            reason = _reason(action, tried, back)
            timeline.add(f"{action.name.value}: {reason}")
            self.clock.sleep(self.attempts.pause.total_seconds())
        return self._result(action, attempts, seen, f"{reason} after {attempts} attempts")

    def _result(self, action: Action, attempts: int, seen: BotState | None, reason: str = "") -> ActionResult:
        state = ActionState.UNCONFIRMED if reason else ActionState.CONFIRMED
        return ActionResult(
            action=action, state=state, at=self.clock.now(), attempts=attempts, observed=seen, reason=reason
        )

    def _verify(
        self, stop: Stop, results: list[ActionResult], timeline: "_Timeline"
    ) -> tuple[list[ActionResult], tuple[str, ...]]:
        """Read the bot once all is done: what it has forgotten is done again, and no order may stay open."""
        state = self._within(self.bot.read, None)
        lost = [one.action for one in results if not one.reason and not _keeps(state, one.action)]
        if lost:
            timeline.add(f"forgotten: {', '.join(action.name.value for action in lost)}")
            again = {one.action.key: one for one in self._act(tuple(lost), timeline)}
            results = [again.get(one.action.key, one) for one in results]
            state = self._within(self.bot.read, None)
        state, faults = self._drain(stop, state, timeline)
        return [self._kept(one, state, timeline) for one in results], faults

    def _drain(
        self, stop: Stop, state: BotState | MmOpsError, timeline: "_Timeline"
    ) -> tuple[BotState | MmOpsError, tuple[str, ...]]:
        """Wait until the bot shows every action and has no order open; gives what it showed last."""
        limit = self.attempts.no_open_orders
        end = self.clock.monotonic() + limit.total_seconds()
        while (fault := _unmet(state, stop)) is not None:
            if self.clock.monotonic() >= end:
                return state, (f"{fault} after {format_duration(limit)}",)
            self.clock.sleep(self.attempts.pause.total_seconds())
            state = self._within(self.bot.read, end)
        timeline.add("verified: every action reads back, no order is open")
        return state, ()

    def _kept(self, result: ActionResult, state: BotState | MmOpsError, timeline: "_Timeline") -> ActionResult:
        """Take back what was confirmed, if the bot shows otherwise in the end."""
        if result.reason or isinstance(state, MmOpsError) or shows(state, result.action.command):
            return result
        name, expected = aim_of(result.action.command)
        reason = f"{name}: expected {expected}, was {getattr(state, name)} in the end"
        lost = self._result(result.action, 0, state, reason)  # attempts add up in the journal
        self._write(lambda: self.log.settle([lost]), timeline)
        return replace(lost, attempts=result.attempts)

    def _within(self, call: Callable[[], T], end: float | None) -> T | MmOpsError:
        """Call for no longer than an attempt may take, and not past the end."""
        limit = self.attempts.attempt.total_seconds()
        left = limit if end is None else max(0.001, min(limit, end - self.clock.monotonic()))
        return call_within(call, left)


@dataclass(frozen=True, slots=True)
class _Timeline:
    clock: Clock
    steps: list[Step] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def add(self, what: str) -> None:
        self.steps.append(Step(at=self.clock.now(), what=what))


def _keeps(state: BotState | MmOpsError, action: Action) -> bool:
    return isinstance(state, BotState) and shows(state, action.command)


def _unmet(state: BotState | MmOpsError, stop: Stop) -> str | None:
    if not isinstance(state, BotState):
        return f"the bot's state is unknown: {state}"
    for action in stop.actions:
        if not shows(state, action.command):
            name, expected = aim_of(action.command)
            return f"{name}: expected {expected}, was {getattr(state, name)}"
    return f"open_orders: expected 0, was {state.open_orders}" if state.open_orders else None


def _reason(action: Action, tried: BotState | MmOpsError, back: BotState | MmOpsError) -> str:
    name, expected = aim_of(action.command)
    if isinstance(back, BotState):
        refused = f" ({tried})" if isinstance(tried, EffectNotConfirmedError | SourceUnavailableError) else ""
        return f"{name}: expected {expected}, was {getattr(back, name)}{refused}"
    return f"{name}: expected {expected}, was unknown: {back}"
