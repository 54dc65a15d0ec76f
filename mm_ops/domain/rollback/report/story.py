"""What the journal says of one episode, or of where one bot stands: read, and not judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mm_ops.domain.rollback.bot import BotState, TradingState
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.stop import ActionState, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRecord:
    """One thing that was asked of the bot; ``observed`` is the last state that was read back."""

    name: ActionName
    state: ActionState
    attempts: int
    requested_at: datetime | None
    settled_at: datetime | None
    observed: BotState | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecord:
    """One stop of a bot; ``finished_at`` is ``None`` while it runs, or since its watcher died."""

    episode: str
    round: int
    bot: str
    alert: str
    reason: str
    claimed_at: datetime
    finished_at: datetime | None
    confirmed: bool
    faults: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    actions: tuple[ActionRecord, ...] = ()

    @property
    def answer(self) -> str:
        """What came of it, in one word."""
        if self.finished_at is None:
            return "not ended"
        return "confirmed" if self.confirmed else "unconfirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRecord:
    """One step of the way back, by a named person; ``confirmed`` once it was read back."""

    to: TradingState
    by: str
    why: str
    at: datetime
    confirmed: bool

    @property
    def words(self) -> str:
        """Say who let the bot go on, how far, when and why."""
        return f"resumed to {self.to.value} by {self.by} at {self.at:%Y-%m-%dT%H:%M:%SZ}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One episode: what was heard, each round of its stop, and the way back after it.

    ``received_at`` is when it was heard of first; it is ``None`` where the watcher died before it wrote that down.
    ``labels`` and ``annotations`` are empty where the body that brought the alert is not in the journal.
    """

    episode: str
    starts_at: datetime
    received_at: datetime | None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    rounds: tuple[StopRecord, ...]
    resumes: tuple[ResumeRecord, ...] = ()

    @property
    def last(self) -> StopRecord:
        """The latest round."""
        return self.rounds[-1]

    @property
    def halted_at(self) -> datetime | None:
        """When the bot was first read back as asked; a stop that was not confirmed halted nothing that is known."""
        return next((one.finished_at for one in self.rounds if one.confirmed), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a bot stands by the journal: its latest stop, the way back since, and why nothing may be heard now."""

    bot: str
    stop: StopRecord | None
    resumes: tuple[ResumeRecord, ...] = ()
    blind: Mapping[str, str] = field(default_factory=dict)

    @property
    def resumed(self) -> ResumeRecord | None:
        """The last step of the way back that was read back."""
        return next((one for one in reversed(self.resumes) if one.confirmed), None)


def start_in(episode: str) -> datetime:
    """The start that an episode's name holds."""
    return datetime.fromisoformat(episode.partition("@")[2])
