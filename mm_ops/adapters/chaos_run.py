"""Holds drills on a live bot, one after the other: look, do, wait for each outcome as long as it has, undo."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from mm_ops.adapters.chaos_bot import ChaosBot
from mm_ops.domain.chaos.policy import ChaosPolicy, Drill, Expected
from mm_ops.domain.chaos.report import Drilled
from mm_ops.domain.chaos.sight import See, Sight, is_seen
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.bot import Command, SetScale, SetTradingState, TradingState

_LOOK_EVERY_S = 0.02
_QUOTING = "quoting"


class Clock(Protocol):
    """Seconds that never go backwards, and a way to let them pass."""

    def monotonic(self) -> float:
        """Return seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosRun:
    """What every drill of a run needs.

    ``speed`` is how many seconds pass on the bot's clock in one of ours; ``began`` makes the keys of this run's
    commands its own.
    """

    bot: ChaosBot
    policy: ChaosPolicy
    clock: Clock
    seed: int
    began: datetime
    speed: float
    say: Callable[[str], None]

    def hold(self, drills: Sequence[Drill]) -> list[Drilled]:
        """Hold drills in order; after one that leaves the bot in another state than it found it in there is none."""
        done: list[Drilled] = []
        for drill in drills:
            if not self._settles():
                fault = f"the bot does not quote within {self.policy.settles_within:g} s, so nothing was done to it"
                return [*done, Drilled(drill=drill, lasted_s=None, observed={}, fault=fault)]
            done.append(self._hold(drill))
            self.say(f"{drill.name}: {'ok' if not done[-1].reasons else '; '.join(done[-1].reasons)}")
        if done and not self._settles():
            done[-1] = replace(done[-1], fault=done[-1].fault or "the bot does not quote again")
        return done

    def _hold(self, drill: Drill) -> Drilled:
        self.bot.forget()
        lasts = random.Random(f"{self.seed} {drill.name}").uniform(*drill.lasts)  # noqa: S311 - reproducible on purpose
        before = self.bot.look()
        self.say(f"{drill.name}: {', '.join(drill.faults)} for {lasts:.1f} s")
        try:
            self.bot.inject(drill.faults)
        except SourceUnavailableError as error:
            with suppress(SourceUnavailableError):  # it may have been done and not answered
                self.bot.inject({})
            return Drilled(drill=drill, lasted_s=None, observed={}, fault=str(error))
        begun = self.clock.monotonic()
        try:
            self._act(drill, before, "during")
            during = self._watch(drill.during, before, begun, at_least=lasts)
        except BaseException:  # Ctrl-C too: the bot is not left with its faults
            self._undo()
            raise
        fault = self._undo()
        ended = self.clock.monotonic()
        if drill.act == "halt":
            self._act(drill, before, "after")
        after = self._watch(drill.after, before, ended)
        if drill.act == "halt":
            self._resume(drill.name)
        return Drilled(drill=drill, lasted_s=round(lasts, 3), observed={**during, **after}, fault=fault)

    def _watch(
        self, expected: Sequence[Expected], before: Sight, begun: float, at_least: float = 0.0
    ) -> Mapping[str, float | None]:
        """Look until every outcome was seen or its time is over; what is seen too late is told with its time."""
        seen: dict[str, float | None] = dict.fromkeys(item.name for item in expected)
        until = max(item.within for item in expected)
        while True:
            now = self.bot.look()
            passed = (self.clock.monotonic() - begun) * self.speed
            for item in expected:
                if seen[item.name] is None and is_seen(item.see, before, now):
                    seen[item.name] = round(passed, 3)
            if passed >= at_least and (None not in seen.values() or passed > until):
                return seen
            self.clock.sleep(_LOOK_EVERY_S)

    def _act(self, drill: Drill, before: Sight, when: str) -> None:
        command = _command(drill, before)
        if command is not None:
            self.bot.command(command, f"chaos-{self.began:%Y%m%dT%H%M%S.%f}-{drill.name}-{when}")

    def _undo(self) -> str | None:
        """Take every fault away, asking again while the bot does not answer; says why that was not done."""
        until = self.clock.monotonic() + self.policy.settles_within / self.speed
        while True:
            try:
                self.bot.inject({})
            except SourceUnavailableError as error:
                if self.clock.monotonic() > until:
                    return f"the faults could not be taken away: {error}"
                self.clock.sleep(_LOOK_EVERY_S)
            else:
                return None

    def _resume(self, name: str) -> None:
        for state in (TradingState.REDUCING, TradingState.ACTIVE):
            self.bot.command(SetTradingState(state), f"chaos-{self.began:%Y%m%dT%H%M%S.%f}-{name}-{state}")

    def _settles(self) -> bool:
        within = Expected(name=_QUOTING, see=See.QUOTING, within=self.policy.settles_within)
        return self._watch([within], Sight(), self.clock.monotonic())[_QUOTING] is not None


def _command(drill: Drill, before: Sight) -> Command | None:
    match drill.act:
        case "halt":
            return SetTradingState(TradingState.HALTED)
        case "touch":
            return SetScale(1.0 if before.state is None else before.state.strategy_scale)
        case None:
            return None
