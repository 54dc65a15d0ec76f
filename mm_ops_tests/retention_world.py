"""Units and rules for the tests of retention."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from mm_ops.domain.retention.policy import MaxSize, RetentionPolicy, Rule
from mm_ops.domain.retention.units import Folder, Unit
from mm_ops_tests.builders import WORDS

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)


def rule(**asked: Any) -> Rule:
    return Rule(**{"kind": "day", "folders": ["{bot}/{day}"], "source": WORDS, **asked})


def policy(*rules: Rule, **different: Any) -> RetentionPolicy:
    usual: dict[str, Any] = {
        "time_zone": "UTC",
        "settled": timedelta(days=1),
        "newest_within": timedelta(days=3),
        "quarantine": timedelta(days=7),
        "window_days": 9,
        "episodes": timedelta(days=90),
        "source": WORDS,
    }
    return RetentionPolicy(**{**usual, "rules": list(rules), **different})


def size_between(low: int, high: int) -> MaxSize:
    return MaxSize(high=f"{high}K", low=f"{low}K", source=WORDS)  # type: ignore[arg-type]


def unit(of: date | datetime, bot: str = "paper", size: int = 1024, changed: datetime | None = None) -> Unit:
    """A day's folder, last changed the day after unless it is said otherwise."""
    at = of if isinstance(of, datetime) else datetime(of.year, of.month, of.day, tzinfo=UTC)
    name = f"{bot}/{at:%Y-%m-%d}" if at.hour == at.minute == 0 else f"{bot}/{at:%Y-%m-%dT%H%M}"
    folder = Folder(name, size, 1, changed or at + timedelta(days=1))
    return Unit("day", name, bot, at, (folder,))


def days(first: date, last: date, **different: Any) -> list[Unit]:
    return [unit(first + timedelta(days=number), **different) for number in range((last - first).days + 1)]
