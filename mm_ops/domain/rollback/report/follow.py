"""From what the journal gained to the runs that report it: one for each stop, and one more when its quarter is over.

A stop is reported at once, and once more when the time after it has passed that its report shows. The cursor holds
how far the journal was read, and which stops wait for their second report; lost, everything is asked for again, under
the same keys, but for what is old and has its report.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from mm_ops.domain.errors import IntegrityError

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A stop that has ended: the record ``seq`` of the journal says so, and ``hash`` is that record's."""

    seq: int
    hash: str
    bot: str
    episode: str
    round: int
    alert: str
    confirmed: bool
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A run to ask for; ``whole`` is the second one, and ``late`` says that the stop is older than acting allows."""

    bot: str
    episode: str
    round: int
    alert: str
    confirmed: bool
    whole: bool
    late: bool = False

    @property
    def run_key(self) -> str:
        """One for each stop, and one for its second report."""
        return f"{self.episode}/{self.round}{'/whole' if self.whole else ''}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stop whose second report is due at a time."""

    ask: Ask
    due: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """The journal was read up to the record ``seq``, whose hash is ``hash``."""

    seq: int = 0
    hash: str = GENESIS
    waiting: tuple[Waiting, ...] = field(default=())

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read what :meth:`encode` wrote; nothing is the beginning.

        Raises:
            IntegrityError: it is something else.
        """
        if not text:
            return cls()
        try:
            found = json.loads(text)
            waiting = [Waiting(Ask(**one["ask"]), datetime.fromisoformat(one["due"])) for one in found["waiting"]]
            return cls(int(found["seq"]), str(found["hash"]), tuple(waiting))
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(f"cursor of the sensor: not as it was written: {text[:60]}; reset it") from error

    def encode(self) -> str:
        """Write it as text."""
        waiting = [
            {"ask": {name: getattr(one.ask, name) for name in Ask.__slots__}, "due": one.due.isoformat()}
            for one in self.waiting
        ]
        return json.dumps({"seq": self.seq, "hash": self.hash, "waiting": waiting}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """The runs to ask for, the cursor behind them, and what is told of what has none."""

    asks: tuple[Ask, ...]
    cursor: Cursor
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a plan goes by; ``reported`` says whether a stop has its report."""

    bots: Collection[str]
    most: int
    around: timedelta
    old_after: timedelta
    reported: Callable[[str, str, int], bool]


def plan_runs(before: Cursor, ended: Sequence[Ended], end: Cursor, rules: Rules, now: datetime) -> Plan:
    """Plan the runs of one tick.

    Args:
        before: how far the journal was read.
        ended: the stops that ended since, oldest first.
        end: the last record of the journal; only ``seq`` and ``hash`` count.
        rules: limits.
        now: the time.
    """
    asks: list[Ask] = []
    waiting, remarks = list(before.waiting), []
    reached = before
    for one in ended:
        late = now - one.finished_at > rules.old_after
        if one.bot not in rules.bots:
            remarks.append(f"{one.bot}: was stopped for {one.alert}, and is no bot of bots.yaml: it has no report")
        elif late and rules.reported(one.bot, one.episode, one.round):
            remarks.append(f"{one.bot}: the stop for {one.alert} of {one.finished_at:%Y-%m-%d} has its report")
        elif len(asks) == rules.most:
            remarks.append("more have ended: they are reported at the next ticks")
            break
        else:
            ask = Ask(
                bot=one.bot,
                episode=one.episode,
                round=one.round,
                alert=one.alert,
                confirmed=one.confirmed,
                whole=False,
                late=late,
            )
            asks.append(ask)
            if now < one.finished_at + rules.around:
                waiting.append(Waiting(replace(ask, whole=True), one.finished_at + rules.around))
        reached = Cursor(one.seq, one.hash)
    else:
        reached = end
    known = [one for one in waiting if one.ask.bot in rules.bots]
    due = [one for one in known if one.due <= now][: rules.most - len(asks)]
    left = tuple(one for one in known if one not in due)
    return Plan((*asks, *(one.ask for one in due)), replace(reached, waiting=left), tuple(remarks))
