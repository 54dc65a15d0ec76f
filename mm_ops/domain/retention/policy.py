"""``deploy/policies/retention.yaml``: what is kept for how long, and what is never touched."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.retention.sizes import Size
from mm_ops.domain.retention.units import Pattern
from mm_ops.domain.windows import Duration

Count = Annotated[int, Field(ge=1)]
_SHORTEST = timedelta(days=30)
BUCKETS = {"last": None, "daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m", "yearly": "%Y"}
"""What ``keep_<bucket>`` keeps the newest of; a week is that of ISO 8601."""


def _pattern(text: str) -> str:
    Pattern.of(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"expected a time zone such as UTC or Europe/Berlin, was {name!r}") from error
    return name


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Rule:
    """How long units of one kind are kept; one that asks for nothing is refused, since it would keep nothing or all.

    ``ttl`` and ``max_count`` are the most; ``keep_within`` (of the newest) and ``keep_<bucket>`` are what is kept of
    the rest. Ages are of what a unit is about, and not of its files.
    """

    kind: Name
    folders: Annotated[list[Annotated[str, AfterValidator(_pattern)]], Field(min_length=1)]
    ttl: Duration | None = None
    keep_within: Duration | None = None
    keep_last: Count | None = None
    keep_daily: Count | None = None
    keep_weekly: Count | None = None
    keep_monthly: Count | None = None
    keep_yearly: Count | None = None
    max_count: Count | None = None
    source: Source

    @property
    def patterns(self) -> list[Pattern]:
        """The folders' patterns."""
        return [Pattern.of(text) for text in self.folders]

    def keeps(self) -> dict[str, int]:
        """How many of each bucket are kept."""
        return {name: count for name in BUCKETS if (count := getattr(self, f"keep_{name}")) is not None}

    def __post_init__(self) -> None:
        asked = (self.ttl, self.keep_within, self.max_count, *self.keeps().values())
        if all(value is None for value in asked):
            raise ValueError(
                "expected ttl, max_count or some keep_…: a rule that asks for nothing keeps nothing or all"
            )


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class MaxSize:
    """Above ``high`` the oldest units go until ``low`` is left."""

    high: Size
    low: Size
    source: Source

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise ValueError(f"expected 0 < low <= high, was low {self.low} B, high {self.high} B")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class RunsRule:
    """How long Dagster's own runs are kept that nothing asks for: ``most`` go in one night, those in ``spare`` never.

    ``spare`` names jobs, and assets without their bot. While ``delete`` is false they are only planned.
    """

    keep: Duration
    most: Count
    spare: tuple[str, ...]
    delete: bool
    source: Source

    def __post_init__(self) -> None:
        if self.keep < _SHORTEST:
            raise ValueError(
                f"keep: expected at least {_SHORTEST.days}d: sensors look back on runs to begin none twice"
            )


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class RetentionPolicy:
    """What is kept, and what makes a plan doubtful.

    ``settled``: what changed within it is not touched, since somebody may be writing it. ``newest_within``: when
    nothing is that new, the clock is wrong or the nights have stopped, and nothing is rotated. ``quarantine``: how long
    what was rotated out can be brought back. Without ``runs`` Dagster keeps all of its own.
    """

    time_zone: Annotated[str, AfterValidator(_zone)]
    settled: Duration
    newest_within: Duration
    quarantine: Duration
    window_days: Count
    episodes: Duration
    rules: Annotated[list[Rule], Field(min_length=1)]
    max_size: MaxSize | None = None
    runs: RunsRule | None = None
    source: Source

    def __post_init__(self) -> None:
        kinds = [rule.kind for rule in self.rules]
        if len(set(kinds)) != len(kinds):
            raise ValueError(f"kind: expected each once, was {', '.join(kinds)}")
        for name in ("settled", "newest_within", "quarantine"):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name}: expected more than 0 s")
