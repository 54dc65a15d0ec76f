"""When a task must run again: so long after its last run, when cron would start it, or when a systemd timer would.

Each answers one question, ``next_after``. Clock changes are those of the scheduler that is meant: cron runs a job of
a skipped hour right after it and one of a repeated hour once (Debian's cron); a systemd timer lets a skipped time out
and does not repeat one (systemd 252). Source: cronsim 2.8 and oncalendar 1.1, which Healthchecks uses.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from oncalendar import BaseIterator, OnCalendarError
from pydantic import AfterValidator, Discriminator, Tag
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED
from mm_ops.domain.windows import EPOCH, Duration, format_duration


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Find a time zone.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder of zones is no zone, and opens as none
        raise ValueError(f"expected a time zone such as Europe/Berlin or UTC, was {name!r}") from error


def _cron(expression: str) -> str:
    """Refuse what cron would not read, or would never start."""
    if len(expression.split()) != 5:  # noqa: PLR2004 - minute, hour, day, month, weekday
        raise ValueError(f"expected five fields of cron such as '30 0 * * *', was {expression!r}")
    try:
        fires = next(CronSim(expression, EPOCH), None)
    except CronSimError as error:
        raise ValueError(f"{str(error).lower()} in {expression!r}: expected cron's own form") from error
    if fires is None:
        raise ValueError(f"{expression!r} never fires: no day is like that")
    return expression


def _on_calendar(expression: str) -> str:
    """Refuse what systemd would not read, or what never elapses; one that has elapsed for good is told when asked."""
    calendar, zone = _split_zone(expression)
    try:
        fires = next(BaseIterator(calendar, EPOCH.astimezone(zone or UTC)), None)
    except OnCalendarError as error:
        raise ValueError(f"{str(error).lower()} in {expression!r}: expected systemd's own form") from error
    if fires is None:
        raise ValueError(f"{expression!r} never elapses: no day is like that")
    return expression


def _split_zone(expression: str) -> tuple[str, ZoneInfo | None]:
    """Take a zone off the end of an OnCalendar, as systemd allows it."""
    head, _, last = expression.strip().rpartition(" ")
    if not head or not (last[0].isalpha() and ("/" in last or last.isupper())):
        return expression.strip(), None
    return head, zone_of(last)


def _zone(name: str) -> str:
    zone_of(name)
    return name


Zone = Annotated[str, AfterValidator(_zone)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class _Scheduled:
    """How long after it is due a run may begin, and how long it may take.

    A run that begins up to ``early`` before it is due is that run: clocks differ.
    """

    start: Duration
    finish: Duration
    early: Duration = timedelta(0)

    def __post_init__(self) -> None:
        if self.early > self.start:  # it would count for a later time as well
            most = format_duration(self.start)
            raise ValueError(f"early: expected {most} at most, as start says, was {format_duration(self.early)}")

    @property
    def longest(self) -> timedelta:
        """How long a run may take."""
        return self.finish

    def late_after(self, *, sees_starts: bool) -> timedelta:
        """How long after it is due a task is not late yet: to begin, or to begin and end where no start is seen."""
        return self.start if sees_starts else self.start + self.finish


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class MaxAge:
    """At most so old; counted from the end of the last run. A start makes nothing younger."""

    max_age: Duration
    grace: Duration = timedelta(0)

    def __post_init__(self) -> None:
        if self.max_age <= timedelta(0):
            raise ValueError("max_age: expected more than 0s")

    @property
    def words(self) -> str:
        """How it is due, for people."""
        return f"every {format_duration(self.max_age)}"

    @property
    def longest(self) -> timedelta:
        """How long a run may take: until what was there before it is too old, at most."""
        return self.max_age + self.grace

    def late_after(self, *, sees_starts: bool) -> timedelta:  # noqa: ARG002 - as of a schedule
        """How long it may be too old before it is late."""
        return self.grace

    def next_after(self, moment: datetime) -> datetime | None:
        """When it is too old."""
        return moment + self.max_age


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Cron(_Scheduled):
    """When cron would start it, in a time zone."""

    cron: Annotated[str, AfterValidator(_cron)]
    zone: Zone

    @property
    def words(self) -> str:
        """How it is due, for people."""
        return f"{self.cron} {self.zone}"

    def next_after(self, moment: datetime) -> datetime | None:
        """When cron would start it next, strictly after ``moment``; ``None`` where it would not in 50 years."""
        return _first_after(CronSim(self.cron, moment.astimezone(zone_of(self.zone))), moment)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class OnCalendar(_Scheduled):
    """When a systemd timer would start it; the zone stands in the expression or beside it, and never in both."""

    oncalendar: Annotated[str, AfterValidator(_on_calendar)]
    zone: Zone | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (_split_zone(self.oncalendar)[1] is None) == (self.zone is None):
            raise ValueError(f"zone: expected one time zone, in the expression or beside it, for {self.oncalendar!r}")

    @property
    def words(self) -> str:
        """How it is due, for people."""
        return f"{self.oncalendar} {self.zone or ''}".strip()

    def next_after(self, moment: datetime) -> datetime | None:
        """When it elapses next, strictly after ``moment``; ``None`` where it has elapsed for good."""
        calendar, zone = _split_zone(self.oncalendar)
        return _first_after(BaseIterator(calendar, moment.astimezone(zone or zone_of(self.zone or ""))), moment)


_WAYS = ("max_age", "cron", "oncalendar")


def _way(due: object) -> str | None:
    """Tell which of the three a mapping is by the key that it has; none where it has two of them."""
    found = [way for way in _WAYS if (way in due if isinstance(due, dict) else hasattr(due, way))]
    return f"[{found[0]}]" if len(found) == 1 else None


Due = Annotated[
    Annotated[MaxAge, Tag("[max_age]")] | Annotated[Cron, Tag("[cron]")] | Annotated[OnCalendar, Tag("[oncalendar]")],
    Discriminator(_way, custom_error_type="due", custom_error_message=f"expected one of {', '.join(_WAYS)}"),
]


def _first_after(times: Iterator[datetime], moment: datetime) -> datetime | None:
    """Find the first that really is later: in an hour that comes twice both libraries begin with its first turn."""
    return next((at for one in times if (at := one.astimezone(UTC)) > moment), None)
