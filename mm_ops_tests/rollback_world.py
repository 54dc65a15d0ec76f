"""What the tests of a rollback share: the project's policy, alerts, a bot in memory with its faults, a real journal."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mm_ops.adapters.journal import Journal
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import EffectNotConfirmedError, SourceUnavailableError
from mm_ops.domain.notify.notice import NOTHING, About
from mm_ops.domain.rollback.alert import Alert, fingerprint_of
from mm_ops.domain.rollback.bot import BotState, Circuit, Command, TradingState, aim_of, fields_of
from mm_ops.domain.rollback.history import History, PastRollback
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops_tests.requirements import PROJECT

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
POLICY = read_policy(PROJECT / "deploy/policies/rollback.yaml", RollbackPolicy)
QUICK = replace(
    POLICY,
    attempts=replace(
        POLICY.attempts,
        attempt=timedelta(milliseconds=150),
        pause=timedelta(milliseconds=5),
        deadline=timedelta(milliseconds=400),
        no_open_orders=timedelta(milliseconds=200),
    ),
)
"""The project's policy with a bot that is given up on within a test's patience."""

ACTIVE = BotState(
    trading_state=TradingState.ACTIVE,
    strategy_scale=1.0,
    circuit=Circuit.CLOSED,
    orders_frozen=False,
    profile="healthy",
    open_orders=4,
    version="1.0.0",
    observed_at=NOW,
    sequence=1,
)
HALTED = replace(
    ACTIVE,
    trading_state=TradingState.HALTED,
    strategy_scale=0.0,
    circuit=Circuit.OPEN,
    orders_frozen=True,
    open_orders=0,
    sequence=5,
)


def alert(
    name: str = "SoakLatencyP95High", /, *, firing: bool = True, starts_at: datetime = NOW, **labels: str
) -> Alert:
    """An alert of the paper bot; an empty label is left out."""
    named = {"alertname": name, "bot": "paper", **labels}
    kept = {key: value for key, value in named.items() if value}
    return Alert(
        name=name,
        labels=kept,
        annotations={},
        firing=firing,
        starts_at=starts_at,
        ends_at=None if firing else starts_at + timedelta(minutes=1),
        fingerprint=fingerprint_of(kept),
    )


def history(**different: Any) -> History:
    """Nothing known but that the alert was seen now and that there is one bot."""
    return replace(History(bots=frozenset({"paper"}), seen_at=NOW, sightings=(True,)), **different)


def past(minutes: float, /, *, episode: str = "another", took: float | None = 3.0, **different: Any) -> PastRollback:
    """A stop claimed so many minutes ago that ended after ``took`` seconds, or has not ended."""
    at = NOW - timedelta(minutes=minutes)
    ended = None if took is None else at + timedelta(seconds=took)
    one = PastRollback(
        episode=episode, round=1, bot="paper", alert="SoakEdgeDegradation", at=at, finished_at=ended, confirmed=True
    )
    return replace(one, **different)


@dataclass
class MemoryBot:
    """A bot in memory: state, latch, idempotency keys; ``fault`` is asked before each command and may break it."""

    state: BotState = ACTIVE
    fault: Callable[["MemoryBot", Command, int], BotState | None] = lambda _bot, _command, _count: None
    mute: bool = False
    effects: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def read(self) -> BotState:
        if self.mute:
            raise SourceUnavailableError("bot: expected an answer, was none")
        with self.lock:
            return self.state

    def apply(self, command: Command, key: str) -> BotState:
        with self.lock:
            self.asked.append(key)
            count = self.asked.count(key)
        lie = self.fault(self, command, count)
        if lie is not None:
            return lie
        return self.do(command, key)

    def do(self, command: Command, key: str) -> BotState:
        with self.lock:
            if key not in self.effects:
                self.effects.append(key)
                self.change(**fields_of(command))
            return self.state

    def change(self, **fields: Any) -> None:
        halted = fields.get("trading_state") is TradingState.HALTED
        after = replace(self.state, **fields, sequence=self.state.sequence + 1)
        self.state = replace(after, open_orders=0) if halted else after


def refuses(_bot: MemoryBot, command: Command, _count: int) -> BotState | None:
    """Answers that it did not."""
    raise EffectNotConfirmedError(f"{aim_of(command)[0]}: refused")


def hangs(_bot: MemoryBot, _command: Command, _count: int) -> BotState | None:
    """Answers long after anybody waits."""
    time.sleep(5)
    raise SourceUnavailableError("too late")


def lies(bot: MemoryBot, command: Command, _count: int) -> BotState | None:
    """Says done, and does nothing."""
    name, value = aim_of(command)
    return replace(bot.state, **{name: value})


def fails_once(_bot: MemoryBot, _command: Command, count: int) -> BotState | None:
    """Is unavailable at first."""
    if count == 1:
        raise SourceUnavailableError("503 once")
    return None


def does_it_without_an_answer(bot: MemoryBot, command: Command, count: int) -> BotState | None:
    """Does what is asked, and the answer is lost."""
    bot.do(command, bot.asked[-1])
    raise SourceUnavailableError(f"answer {count} lost")


@dataclass
class Pages:
    """What people were told."""

    pages: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    about: list[About] = field(default_factory=list)

    def page(self, reason: str, about: About = NOTHING) -> None:
        self.pages.append(reason)
        self.about.append(about)

    def tell(self, reason: str, about: About = NOTHING) -> None:
        self.told.append(reason)
        self.about.append(about)


@dataclass
class WallClock:
    """The real clock from the time at which the alerts of these tests begin.

    ``shift`` is time that has passed; ``jump`` is by how much somebody has set the clock on the wall.
    """

    shift: timedelta = timedelta(0)
    jump: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self.began = time.monotonic()

    def now(self) -> datetime:
        return NOW + self.shift + self.jump + timedelta(seconds=time.monotonic() - self.began)

    def monotonic(self) -> float:
        return time.monotonic() + self.shift.total_seconds()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def open_journal(folder: Path, owner: str = "a") -> Journal:
    """The journal of a folder."""
    return Journal(str(folder / "journal.sqlite"), folder / "journal.anchor", owner=owner, lease=timedelta(minutes=1))
