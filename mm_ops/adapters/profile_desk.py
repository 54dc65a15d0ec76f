"""How a bot's trading profile is asked for, pinned and told of: shared by the edge's sentinel and by a person."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.journal_follow import FollowedJournal
from mm_ops.adapters.notifier import Notifier
from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.rollback_desk import Desk
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.errors import MissingEvidenceError, MmOpsError, SourceUnavailableError
from mm_ops.domain.notify.policy import NotifyPolicy
from mm_ops.domain.rollback.bot import BotState
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.stop import Pager
from mm_ops.domain.sentinel.edge_pin import Pin, cut_pins
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy, check_edge_sentinel
from mm_ops.domain.sentinel.edge_profiles import Profiles
from mm_ops.domain.sentinel.edge_switch import Effect, Order, Switcher, SwitchLog

PINS = "edge_pin"
"""The subject of the journal's records of pins."""
PINS_READ = 50
WHO = "edge"


@dataclass(frozen=True, slots=True)
class ProfileDesk:
    """One bot by its name, and what commanding its profile needs."""

    bot: str
    policy: EdgeSentinelPolicy
    profiles: Profiles
    desk: Desk
    environment: Environment

    @classmethod
    def of(cls, environment: Environment, bot: str, desk: Desk | None = None) -> Self:
        """Read the policies.

        Raises:
            PolicyError: one is impossible, or names what another does not have.
        """
        policy, profiles, _ = read_edge_policies(environment.policies)
        return cls(bot, policy, profiles, desk or Desk.read(environment), environment)

    @property
    def is_reachable(self) -> bool:
        """Whether bots.yaml says a way to the bot."""
        return self.bot in self.desk.controls

    def read(self) -> BotState | MmOpsError | None:
        """What the bot says of itself, or why that is not known; nothing where bots.yaml says no way to it."""
        control = self.desk.controls.get(self.bot)
        return None if control is None else call_within(control.read, self.desk.policy.attempts.attempt.total_seconds())

    def pins(self) -> tuple[Pin, ...] | MmOpsError:
        """What persons pinned, oldest first; nothing where there is no journal, and why not where it cannot be read."""
        try:
            with self.desk.opened() as journal:
                return read_pins(journal, self.bot)
        except MissingEvidenceError:
            return ()
        except MmOpsError as error:
            return error

    @contextmanager
    def log(self) -> Iterator[SwitchLog | None]:
        """The journal, or nothing where it does not open."""
        with ExitStack() as stack:
            try:
                journal: SwitchLog | None = stack.enter_context(self.desk.written(WHO))
            except MmOpsError:
                journal = None
            yield journal

    @contextmanager
    def pager(self, log: SwitchLog | None, say: Callable[[str], None]) -> Iterator[Pager]:
        """Tell people as the watcher does; what is not told at the end is in what was said, and in the journal."""
        clock = self.desk.clock
        note = None if log is None else lambda subject, key, body: log.note_event(subject, key, body, clock.now())
        policy = read_policy(self.environment.policies / "notify.yaml", NotifyPolicy)
        notifier = Notifier(policy, None, clock, say=say, secret=self.environment.secret, note=note)
        notifier.start()
        try:
            yield notifier
        finally:
            notifier.close()

    def order(self, profile: str, reason: str, by: str = "edge sentinel") -> Order:
        """What the bot is to be asked."""
        return Order(
            bot=self.bot,
            profile=profile,
            settings=self.profiles.of(profile),
            reason=reason,
            careful=profile == self.policy.degradation.profile,
            by=by,
        )

    def switch(self, order: Order, log: SwitchLog | None) -> Effect:
        """Ask, read back, write down.

        Raises:
            SourceUnavailableError: bots.yaml says no way to the bot.
        """
        control = self.desk.controls.get(self.bot)
        if control is None:
            raise SourceUnavailableError(f"bots.yaml: {self.bot}: no control, so no profile can be asked for")
        return Switcher(control, log, self.desk.clock, self.desk.policy.attempts).apply(order)


def read_pins(journal: FollowedJournal, bot: str) -> tuple[Pin, ...]:
    """Read the newest records of pins."""
    return cut_pins([record["body"] for record in reversed(journal.notes(PINS, bot, PINS_READ))])


def read_edge_policies(folder: Path) -> tuple[EdgeSentinelPolicy, Profiles, EmaPolicy]:
    """Read what the sentinel decides by, checked against one another.

    Raises:
        PolicyError: one is impossible, or names what another does not have.
    """
    policy = read_policy(folder / "edge_sentinel.yaml", EdgeSentinelPolicy)
    profiles, ema = read_policy(folder / "profiles.yaml", Profiles), read_policy(folder / "ema.yaml", EmaPolicy)
    check_edge_sentinel(policy, profiles, ema)
    return policy, profiles, ema
