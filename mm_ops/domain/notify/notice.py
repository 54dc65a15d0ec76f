"""One thing that people must know, with everything that helps them to act on it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Told(StrEnum):
    """Who is told: whoever is on call, at once; or the team, when it next looks."""

    ONCALL = "oncall"
    TEAM = "team"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known beside the words; empty where nothing is.

    ``evidence`` is the value and its limit, ``state`` what was read back of the bot and when, ``todo`` what a person
    must do, ``release`` which version is live and which to go back to. What is ``grave`` comes first where several
    things are told at once.
    """

    bot: str = ""
    alert: str = ""
    episode: str = ""
    evidence: str = ""
    state: str = ""
    todo: str = ""
    release: str = ""
    runbook: str = ""
    grave: bool = False


NOTHING = About()
"""Nothing is known beside the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is to be told, and since when; ``spared`` is the channel that it says has failed."""

    at: datetime
    told: Told
    what: str
    about: About = NOTHING
    spared: str = ""

    @property
    def key(self) -> int:
        """The same for what says the same of the same breach to the same people, within one process.

        Many of them are remembered for ten minutes: a number takes a fifth of what the words do.
        """
        return hash((self.told, self.about.bot, self.about.episode, self.what))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A notice that one channel has not delivered; ``former`` where a process that has ended took it in."""

    number: int
    notice: Notice
    former: bool = False
