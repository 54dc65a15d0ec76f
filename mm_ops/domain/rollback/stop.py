"""The stop of one bot: what is planned, what is written down before and after, and what came of it.

An action is ``intended`` before anybody is asked, ``requested`` before the bot is, and then ``confirmed`` by what was
read back, or ``unconfirmed``. The protocols are what the executor needs of the world.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from mm_ops.domain.notify.notice import NOTHING, About
from mm_ops.domain.rollback.bot import BotState, Command
from mm_ops.domain.rollback.decision import RollBack
from mm_ops.domain.rollback.policy import COMMANDS, ActionName


class ActionState(StrEnum):
    """How far an action has come."""

    INTENDED = "intended"
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that is asked of the bot; the key is the same however often it is asked."""

    key: str
    name: ActionName

    @property
    def command(self) -> Command:
        """What the bot is asked."""
        return COMMANDS[self.name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A stop of one bot for one episode."""

    episode: str
    round: int
    bot: str
    alert: str
    reason: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the timeline: what was asked or observed, and when."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What came of an action: ``observed`` is the last state read back, ``reason`` says why it is not confirmed."""

    action: Action
    state: ActionState
    at: datetime
    attempts: int
    observed: BotState | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a stop: confirmed only when every action and every post-condition was read back."""

    stop: Stop
    confirmed: bool
    results: tuple[ActionResult, ...]
    faults: tuple[str, ...]
    timeline: tuple[Step, ...]


class StopLog(Protocol):
    """The journal, as the executor needs it; every call returns only when what it says is on disk."""

    def claim(self, stop: Stop, at: datetime) -> bool:
        """Take the stop for this process, its actions ``intended``; false where another process has it."""
        ...

    def request(self, keys: Collection[str], at: datetime) -> None:
        """Write down that the bot is about to be asked."""
        ...

    def settle(self, results: Collection[ActionResult]) -> None:
        """Write down what came of actions."""
        ...

    def finish(self, outcome: Outcome, at: datetime) -> None:
        """Write down what came of the stop."""
        ...


class Clock(Protocol):
    """The time, in UTC, and how long something takes."""

    def now(self) -> datetime:
        """Return the UTC time, to the microsecond."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards, whatever happens to the clock."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Pager(Protocol):
    """Tells people; it must not raise, and waits for nobody: for a write to the disk, and a second of that at most.

    What it was given is told at least once, even when the process dies then.
    """

    def page(self, reason: str, about: About = NOTHING) -> None:
        """Tell whoever is on call, now."""
        ...

    def tell(self, reason: str, about: About = NOTHING) -> None:
        """Tell the team, when it next looks."""
        ...


@dataclass(frozen=True, slots=True)
class DrillPager:
    """Tells people of a fire drill, so that nobody takes it for a breach. It is a ``Pager``."""

    pager: Pager

    def page(self, reason: str, about: About = NOTHING) -> None:
        """Tell whoever is on call, now."""
        self.pager.page(f"DRILL {reason}", about)

    def tell(self, reason: str, about: About = NOTHING) -> None:
        """Tell the team, when it next looks."""
        self.pager.tell(f"DRILL {reason}", about)


def plan_stop(decision: RollBack, episode: str, alert: str) -> Stop:
    """Plan the stop that a decision asks for; the keys name episode, round and action."""
    actions = tuple(Action(f"{episode}/{decision.round}/{name.value}", name) for name in decision.actions)
    return Stop(
        episode=episode,
        round=decision.round,
        bot=decision.bot,
        alert=alert,
        reason=decision.reason,
        actions=actions,
    )
