"""Whose clock is right: what a server's ``Date`` says about its clock, ours, and a window that has not ended there.

A sample's time is the server's. A window that is read before it has ended there lacks samples, and once it is stored
nobody asks for them again; and by a clock that is wrong, what is read is another window than the one that is meant.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

MOST_SKEW = timedelta(seconds=5)
"""Both clocks may be this far apart. Source: our reasoning: a ``Date`` is to the second (RFC 9110, section 5.6.7), as
is our own time, so less than 2 s may be none; 5 s is a third of the scrape interval, and far from what NTP leaves
(RFC 5905: tens of milliseconds)."""

SETTLED = timedelta(minutes=1)
"""How long after a window's end its samples are all there. Source: our reasoning: the last scrape begins within one
interval (15 s) and ends within its timeout (Prometheus' default is 10 s); twice that, and some."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When an answer was made: by the server's ``Date``, and between which moments of our own clock.

    ``None`` where the header is absent, or no clock of ours is known.
    """

    date: str | None
    sent: datetime | None
    received: datetime | None


def find_clock_fault(stamp: Stamp, end: datetime, settled: timedelta = SETTLED) -> str | None:
    """Say why a window that ends then cannot be read yet, or not by these clocks; ``None`` where it can.

    A server that is late by less than it took to answer is not told from one that was slow. Without a ``Date`` it is
    our own clock, where there is one, by which the window must have ended.
    """
    if stamp.date is None:
        return _find_early(stamp.sent, end, "our clock; the server sent no Date", settled)
    there = _read_date(stamp.date)
    if there is None:
        return f"Date: expected a time such as Sat, 21 Nov 2026 00:01:00 GMT, was {stamp.date[:40]!r}"
    return _find_skew(stamp, there) or _find_early(there, end, "the server's clock", settled)


def _find_skew(stamp: Stamp, there: datetime) -> str | None:
    if stamp.sent is None or stamp.received is None:
        return None
    here = min(max(there, stamp.sent), stamp.received)
    skew = abs(there - here)
    if skew <= MOST_SKEW:
        return None
    side = "ahead of" if there > here else "behind"
    return (
        f"its clock is {skew.total_seconds():g} s {side} ours ({there:%Y-%m-%dT%H:%M:%SZ} there, "
        f"{here:%Y-%m-%dT%H:%M:%SZ} here), at most {MOST_SKEW.total_seconds():g} s are tolerated; "
        "set both by NTP, and ask again"
    )


def _find_early(now: datetime | None, end: datetime, whose: str, settled: timedelta) -> str | None:
    if now is None or end <= now - settled:
        return None
    return (
        f"the window up to {end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} has not ended by {whose} "
        f"({now:%Y-%m-%dT%H:%M:%SZ}), or less than {settled.total_seconds():g} s ago; ask again later"
    )


def _read_date(text: str) -> datetime | None:
    """Read what is written exactly as it must be: the parser is made for mail, and finds a time in almost anything."""
    try:
        moment = parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if format_datetime(moment, usegmt=True) == text else None
