"""Half-open time windows in UTC, and the grammar of durations.

Time is int64 nanoseconds since 1970 wherever data is compared; ``datetime`` only at the borders.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS_PER_SECOND = 1_000_000_000
DAY = timedelta(days=1)
LAST_MOMENT = datetime(2262, 1, 1, tzinfo=UTC)
"""No window ends later: int64 nanoseconds since 1970 end in April 2262."""

_DURATION = re.compile(
    r"(?:(?P<weeks>\d+)w)?(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?"
    r"(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?(?:(?P<milliseconds>\d+)ms)?",
    re.ASCII,
)
_UNITS = {"weeks": 604_800_000, "days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1000}
_LONGEST = LAST_MOMENT - EPOCH
_LONGEST_TEXT = 64


def parse_duration(text: object) -> timedelta:
    """Read ``36h``, ``1h30m``, ``500ms``: Prometheus' grammar without years; a bare number is refused.

    Raises:
        ValueError: the text is empty, has no unit, is negative, puts the units out of order, or is longer than any
            window can be (292 years).
    """
    short = isinstance(text, str) and 0 < len(text) <= _LONGEST_TEXT
    found = _DURATION.fullmatch(text) if isinstance(text, str) and short else None
    if found is None:
        raise ValueError(f"expected a duration such as 30m, 36h, 7d or 1h30m, was {_shorten(text)}")
    counts = {unit: int(count) for unit, count in found.groupdict().items() if count is not None}
    milliseconds = sum(count * _UNITS.get(unit, 1) for unit, count in counts.items())
    if milliseconds > _LONGEST // timedelta(milliseconds=1):
        raise ValueError(f"expected a duration of at most {_LONGEST.days}d, was {text!r}")
    return timedelta(milliseconds=milliseconds)


def _shorten(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= _LONGEST_TEXT else f"{shown[:_LONGEST_TEXT]}…"


def format_duration(duration: timedelta) -> str:
    """Write a duration as Prometheus reads it: ``72h``, ``1h30m``, ``500ms``; hours are the largest unit."""
    milliseconds = duration // timedelta(milliseconds=1)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta, BeforeValidator(lambda value: value if isinstance(value, timedelta) else parse_duration(value))
]
"""A duration in a policy: written as text, kept as ``timedelta``."""


def to_ns(moment: datetime) -> int:
    """Nanoseconds since 1970, exact to the microsecond that ``datetime`` keeps; a naive time is refused."""
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with a zone, was {moment.isoformat()}")
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def from_ns(ns: int) -> datetime:
    """The UTC time of nanoseconds since 1970, cut to the microsecond that ``datetime`` keeps."""
    return EPOCH + timedelta(microseconds=ns // 1000)


def is_lately(at: datetime, length: timedelta, now: datetime) -> bool:
    """Whether a time is less than a length ago; one of the future, which a clock that was set back leaves, is not."""
    return timedelta(0) <= now - at < length


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """``start`` <= t < ``end``, both with a zone; an empty or reversed window is refused.

    So is one that does not lie from 1970 to 2261: no sample can, since data carries int64 nanoseconds since 1970.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        first, after = to_ns(self.start), to_ns(self.end)
        span = f"{self.start.isoformat()} to {self.end.isoformat()}"
        if first >= after:
            raise ValueError(f"expected start before end, was {span}")
        if first < 0 or after > to_ns(LAST_MOMENT):
            raise ValueError(f"expected a window from 1970-01-01 to {LAST_MOMENT.date()}, was {span}")

    @classmethod
    def of_day(cls, day: date) -> Self:
        """The UTC day."""
        if not EPOCH.date() <= day < LAST_MOMENT.date():
            raise ValueError(f"expected a day from 1970-01-01 to 2261-12-31, was {day}")
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(start, start + DAY)

    @classmethod
    def ending(cls, end: datetime, duration: timedelta) -> Self:
        """The stretch of ``duration`` before ``end``."""
        if duration > end - EPOCH:
            raise ValueError(f"expected a start in 1970 or later, was {format_duration(duration)} before {end}")
        return cls(end - duration, end)

    @property
    def duration(self) -> timedelta:
        """End minus start."""
        return self.end - self.start

    @property
    def start_ns(self) -> int:
        """First nanosecond inside."""
        return to_ns(self.start)

    @property
    def end_ns(self) -> int:
        """First nanosecond after."""
        return to_ns(self.end)

    def days(self) -> list[date]:
        """Every UTC day that the window touches, oldest first."""
        first = self.start.astimezone(UTC).date()
        last = (self.end.astimezone(UTC) - timedelta(microseconds=1)).date()
        return [first + DAY * n for n in range((last - first).days + 1)]

    def __str__(self) -> str:
        return f"{self.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}/{self.end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
