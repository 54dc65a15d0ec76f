"""Ticks at times that people name, and times as they are written in charts. All UTC."""

from datetime import UTC, datetime, timedelta

from mm_ops.domain.windows import DAY, NS_PER_SECOND, TimeWindow, from_ns

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STEPS_S = (1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_DAY_S = 86_400
_SPARSE_DAYS = (2, 7, 14, 28, 91, 364)


def time_ticks(window: TimeWindow, most: int) -> list[int]:
    """Times at whole seconds, minutes, hours or days, at most about ``most``; the end is one if it falls on one.

    Returns:
        UTC nanoseconds, increasing.
    """
    step = _step_s(window.duration, most) * NS_PER_SECOND
    first = -(-window.start_ns // step) * step
    return list(range(first, window.end_ns + 1, step))


def tick_text(ns: int, *, dated: bool) -> str:
    """Write a tick: the date at midnight and where ``dated``, else the time of day."""
    at = from_ns(ns)
    clock = f"{at:%H:%M}" if ns % (60 * NS_PER_SECOND) == 0 else f"{at:%H:%M:%S}"
    if ns % (_DAY_S * NS_PER_SECOND) == 0:
        return _date(at)
    return f"{_date(at)} {clock}" if dated else clock


def moment(ns: int) -> str:
    """Write a time to the minute, or to the second where it has some: ``19 Nov 14:03``."""
    at = from_ns(ns)
    return f"{_date(at)} {at:%H:%M:%S}" if at.second else f"{_date(at)} {at:%H:%M}"


def moment_with_year(at: datetime) -> str:
    """Write a time with its year, for headings: ``19 Nov 2026 14:03 UTC``."""
    utc = at.astimezone(UTC)
    return f"{_date(utc)} {utc:%Y %H:%M} UTC"


def lasting(duration: timedelta) -> str:
    """Write a length of time in its two largest units: ``2 h 5 min``, ``45 s``."""
    seconds = round(duration.total_seconds())
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than 1 s"


def _date(at: datetime) -> str:
    """Without ``strftime``'s month, which is in the language of the machine."""
    return f"{at.day} {_MONTHS[at.month - 1]}"


def _step_s(duration: timedelta, most: int) -> int:
    wanted = duration.total_seconds() / most
    days = (_DAY_S * n for n in _SPARSE_DAYS)
    steps = (*_STEPS_S, *days)
    return next((step for step in steps if step >= wanted), -(-duration // DAY // most) * _DAY_S)
