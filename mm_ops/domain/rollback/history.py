"""What is known when an alert is judged: read from the journal and from the bot, never guessed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mm_ops.domain.rollback.bot import BotState, TradingState


class Truth(StrEnum):
    """What Prometheus says of an alert that somebody has sent: that it fires, nothing, or no word at all."""

    FIRES = "fires"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRollback:
    """One stop of a bot: claimed, and once it has ended (``finished_at``), confirmed or not.

    ``round`` counts the stops of one episode from 1; a second round is needed when the first was not confirmed or did
    not last.
    """

    episode: str
    round: int
    bot: str
    alert: str
    at: datetime
    finished_at: datetime | None
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The fleet's names, this episode and its bot.

    ``seen_at`` is when the alert was received last, ``fired_before`` whether this episode was ever seen firing,
    ``sightings`` whether the last ones of the same labels fired (oldest first, the one judged included). ``told`` are
    the topics of this episode that a person knows of. ``rollbacks`` are the bot's, oldest first. ``bot`` is ``None``
    where it did not answer. ``truth`` is ``None`` where Prometheus was not asked. ``drill_open`` is whether the fire
    drill that the alert names is open for its bot. ``unread`` says that the journal could not be
    read: what seems never to have been may have been.
    """

    bots: frozenset[str]
    seen_at: datetime
    fired_before: bool = False
    sightings: tuple[bool, ...] = ()
    told: frozenset[str] = frozenset()
    rollbacks: tuple[PastRollback, ...] = ()
    resumed_at: datetime | None = None
    bot: BotState | None = None
    truth: Truth | None = None
    drill_open: bool = False
    unread: bool = False

    @property
    def halted(self) -> bool:
        """Whether the bot reads back HALTED; one that did not answer does not."""
        return self.bot is not None and self.bot.trading_state is TradingState.HALTED

    def last_of(self, episode: str) -> PastRollback | None:
        """The latest stop for this episode."""
        return next((one for one in reversed(self.rollbacks) if one.episode == episode), None)

    def last_of_others(self, episode: str) -> PastRollback | None:
        """The latest stop of the bot for any other episode."""
        return next((one for one in reversed(self.rollbacks) if one.episode != episode), None)
