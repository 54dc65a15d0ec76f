"""What letting bots go on and drilling them share: the policy, the bots' controls, the journal, Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mm_ops.adapters.bot_controls import controls_of
from mm_ops.adapters.environment import Environment, WallClock
from mm_ops.adapters.fleet_file import read_sound_bots
from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_follow import FollowedJournal, JournalPlace, following
from mm_ops.adapters.journal_place import DEFAULT
from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.prometheus_alerts import PrometheusAlerts
from mm_ops.adapters.resume_evidence import EvidenceOf
from mm_ops.domain.bots import Bot, Fleet
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.policy import AlertingPolicy
from mm_ops.domain.rollback.bot import BotControl
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.rollback.report.follow import Cursor
from mm_ops.domain.rollback.stop import Clock


@dataclass(frozen=True, slots=True)
class Desk:
    """The bots of a deployment, and where their stops are written down; ``beside`` is where anchors lie.

    ``faults`` are what is wrong with entries of bots.yaml: their bots are not here, the others can be commanded.
    """

    policy: RollbackPolicy
    fleet: Fleet
    controls: dict[str, BotControl]
    place: JournalPlace
    beside: Path
    prometheus: PrometheusAlerts
    clock: Clock
    faults: tuple[str, ...] = ()

    @classmethod
    def read(cls, environment: Environment, *, journal: str | None = None, prometheus: str | None = None) -> "Desk":
        """Read the policies; ``journal`` and ``prometheus`` name others than they and the environment do.

        Raises:
            PolicyError: a policy is impossible.
        """
        folder, clock = environment.policies, WallClock()
        policy = read_policy(folder / "rollback.yaml", RollbackPolicy)
        read = read_sound_bots(folder / "bots.yaml")
        listen = read_policy(folder / "alerting.yaml", AlertingPolicy).prometheus.listen
        place = JournalPlace.of(environment, journal)
        return cls(
            policy,
            read.fleet,
            controls_of(read.fleet, environment.path, clock.now, within=policy.attempts.attempt),
            place,
            place.path if place.is_file else environment.path(DEFAULT),
            PrometheusAlerts.at(prometheus or f"http://{listen}", policy.backstop.timeout),
            clock,
            read.faults,
        )

    def names(self, chosen: str | None) -> list[str]:
        """The bots that are asked about.

        Raises:
            PolicyError: there is none, or none of that name.
        """
        known = ", ".join(self.controls) or "none"
        if not self.controls or (chosen is not None and chosen not in self.controls):
            wanted = f"bots.yaml: expected {chosen or 'a bot'} with a control; there are: {known}"
            raise PolicyError("; ".join((wanted, *self.faults)))
        return [chosen] if chosen else list(self.controls)

    def one(self, chosen: str | None) -> str:
        """The bot that is meant.

        Raises:
            PolicyError: there are several, or another may be in a broken entry, and none was named.
        """
        names = self.names(chosen)
        if chosen is None and (len(names) > 1 or self.faults):
            raise PolicyError("; ".join((f"--bot: expected one of {', '.join(names)}, was none", *self.faults)))
        return names[0]

    def bot(self, name: str) -> Bot:
        """What bots.yaml says of a bot."""
        return next(bot for bot in self.fleet.bots if bot.name == name)

    def evidence(self, opened: FollowedJournal, bot: str) -> EvidenceOf:
        """What is known of a bot, from where it is asked."""
        return EvidenceOf(bot, self.controls[bot], self.prometheus, opened, self.policy, self.clock)

    @contextmanager
    def opened(self) -> Iterator[FollowedJournal]:
        """The journal, to be read; one that lost records says nothing about what was stopped.

        Raises:
            IntegrityError: its chain does not go through the watcher's anchor.
        """
        with following(self.place) as found:
            found.check(Cursor(), self.place)
            yield found

    @contextmanager
    def written(self, who: str) -> Iterator[Journal]:
        """The journal, to be written beside the watcher: by an anchor of its own, since each anchors what it wrote."""
        anchor = self.beside.with_name(f"{self.beside.name}.anchor.{who}")
        with Journal(self.place.url, anchor, owner=who, lease=self.policy.attempts.longest) as journal:
            yield journal
