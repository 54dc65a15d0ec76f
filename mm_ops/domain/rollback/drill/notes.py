"""What the journal says of drills: asked for, closed, ended; each a note of one bot, told apart by the drill's name.

One drill of a bot is open at a time. Which one follows from the order of the notes alone, so that everybody who reads
them agrees: who asks while another is open has asked for nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mm_ops.domain.verdict import Verdict

SUBJECT = "drill"
LATEST = 60
"""Notes of a bot that are read: a drill leaves three."""

Notes = Sequence[Mapping[str, Any]]
"""As the journal gives them, newest first: ``at`` and ``body`` of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRequest:
    """Who asks for a drill of which bot, when and why; nothing acts on it from ``until`` on."""

    name: str
    bot: str
    by: str
    why: str
    at: datetime
    until: datetime

    @property
    def note(self) -> dict[str, object]:
        """What the journal keeps of it."""
        return {"event": "asked", "drill": self.name, "by": self.by, "why": self.why, "until": self.until.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDrill:
    """The latest drill of a bot; ``verdict`` is ``None`` where it has not ended. Times in milliseconds."""

    name: str
    by: str
    at: datetime
    verdict: Verdict | None = None
    detect_to_halt_ms: float | None = None
    reasons: tuple[str, ...] = ()


def drill_name(bot: str, at: datetime) -> str:
    """Name a drill: ``paper-20261125T120000.000000Z``."""
    return f"{bot}-{at:%Y%m%dT%H%M%S.%fZ}"


def closed(name: str) -> dict[str, object]:
    """The note that nothing must act on a drill any more."""
    return {"event": "closed", "drill": name}


def find_open(bot: str, notes: Notes, now: datetime) -> DrillRequest | None:
    """Find the drill of a bot that is open now."""
    found: DrillRequest | None = None
    for note in reversed(notes):
        body, at = note["body"], _moment(note["at"])
        if body["event"] == "asked" and (found is None or found.until <= at):
            found = DrillRequest(
                name=body["drill"], bot=bot, by=body["by"], why=body["why"], at=at, until=_moment(body["until"])
            )
        elif body["event"] == "closed" and found is not None and body["drill"] == found.name:
            found = None
    if found is None or not timedelta(0) < found.until - now <= 2 * (found.until - found.at):
        return None  # over, or asked for so far ahead that a clock was set back since
    return found


def find_asked(notes: Notes, why: str) -> str | None:
    """Find the drill that was asked for with these words, by its name."""
    asked = (note["body"] for note in notes if note["body"]["event"] == "asked")
    return next((str(body["drill"]) for body in asked if body["why"] == why), None)


def find_last(notes: Notes) -> LastDrill | None:
    """Find the latest drill that was asked for, with what came of it."""
    asked = next((note for note in notes if note["body"]["event"] == "asked"), None)
    if asked is None:
        return None
    name = asked["body"]["drill"]
    last = LastDrill(name=name, by=asked["body"]["by"], at=_moment(asked["at"]))
    for note in notes:
        body = note["body"]
        if body["event"] == "ended" and body["drill"] == name:
            return LastDrill(
                name=name,
                by=last.by,
                at=last.at,
                verdict=Verdict(body["verdict"]),
                detect_to_halt_ms=body["detect_to_halt_ms"],
                reasons=tuple(body["reasons"]),
            )
    return last


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
