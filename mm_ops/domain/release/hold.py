"""Is a promotion held because alerts of the bot may not be heard? Nobody promotes what nobody could stop."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mm_ops.domain.windows import format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What the watcher's journal says of a bot.

    ``blind`` are the reasons why nothing may be heard, ``last_beat`` when the heartbeat was heard last, ``holding`` the
    alerts that ask to hold promotions, were heard of lately, and are not over.
    """

    blind: Mapping[str, str]
    last_beat: datetime | None
    holding: tuple[str, ...] = ()


def find_holds(hearing: Hearing, *, required: bool, silent_after: timedelta, now: datetime) -> Iterator[str]:
    """Say every reason to hold; without ``required`` a watcher need not run, and what it said last still counts."""
    yield from (f"held: {reason}" for _, reason in sorted(hearing.blind.items()))
    yield from (f"held: an alert asks for it and is not over: {alert}" for alert in hearing.holding)
    last = hearing.last_beat
    if required and not hearing.blind and (last is None or now - last > silent_after):
        heard = "never" if last is None else f"last at {last:%Y-%m-%dT%H:%M:%SZ}"
        limit = format_duration(silent_after)
        yield f"held: the watcher has heard the heartbeat {heard}, expected every {limit} at most: does it run?"
