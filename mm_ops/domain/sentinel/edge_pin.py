"""A profile that a person holds a bot to, for a time and with a reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.sentinel.edge_policy import PinRules
from mm_ops.domain.windows import format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """From ``at`` on and before ``until``; afterwards the profile stays until the windows say otherwise."""

    profile: str
    by: str
    reason: str
    at: datetime
    until: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether it holds at a time."""
        return self.at <= moment < self.until

    @property
    def words(self) -> str:
        """Who holds it, why, and for how long."""
        return f"pinned to {self.profile} by {self.by} until {self.until:%Y-%m-%dT%H:%M:%SZ}: {self.reason}"


def make_pin(
    profile: str, *, by: str, reason: str, now: datetime, length: timedelta, rules: PinRules, names: tuple[str, ...]
) -> Pin:
    """Make a pin that the policy allows.

    Raises:
        PolicyError: every fault of it, in one line.
    """
    faults = list(_faults(profile, by, reason, length, rules, names))
    if faults:
        raise PolicyError("; ".join(faults))
    return Pin(profile=profile, by=by.strip(), reason=" ".join(reason.split()), at=now, until=now + length)


def _faults(
    profile: str, by: str, reason: str, length: timedelta, rules: PinRules, names: tuple[str, ...]
) -> Iterator[str]:
    if profile not in names:
        yield f"profile: expected one of {', '.join(names)}, was {profile}"
    if not by.strip():
        yield "by: expected the name of a person, was none"
    if len(reason.strip()) < rules.least_reason:
        yield f"reason: expected at least {rules.least_reason} letters, was {len(reason.strip())}"
    if not timedelta(0) < length <= rules.longest:
        yield f"for: expected more than 0s and {format_duration(rules.longest)} at most, was {format_duration(length)}"


def cut_pins(records: Iterator[Mapping[str, Any]] | list[Mapping[str, Any]]) -> tuple[Pin, ...]:
    """Read pins as the journal keeps them, oldest first: one ends at the latest when the next record was written.

    Raises:
        SchemaError: a record is none.
    """
    pins: list[Pin] = []
    for record in records:
        at = _moment(record, "at")
        if pins and pins[-1].until > at:
            pins[-1] = _until(pins[-1], at)
        if record.get("profile") is not None:
            texts = {name: str(record.get(name, "")) for name in ("profile", "by", "reason")}
            pins.append(Pin(**texts, at=at, until=_moment(record, "until")))
    return tuple(pin for pin in pins if pin.at < pin.until)


def _until(pin: Pin, at: datetime) -> Pin:
    return Pin(profile=pin.profile, by=pin.by, reason=pin.reason, at=pin.at, until=at)


def _moment(record: Mapping[str, Any], name: str) -> datetime:
    try:
        return datetime.fromisoformat(record[name])
    except (KeyError, TypeError, ValueError) as error:
        raise SchemaError(f"edge pin: {name}: expected a time, was {record.get(name)!r}") from error
