"""One alert as it arrives: at least once, late, in any order, in a firing group although resolved.

An episode is one breach: the fingerprint of its labels and the moment it began, cut to the millisecond, since the
webhook writes nanoseconds where Alertmanager's API writes milliseconds. The fingerprint is FNV-1a (64 bits) over the
sorted labels, each name and each value followed by the byte 255.

Source: prometheus/common, ``model.LabelSet.Fingerprint``; FNV: Fowler, Noll and Vo, draft-eastlake-fnv.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

BOT_LABEL = "bot"
_OFFSET, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF
_SEPARATOR = b"\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of a payload; ``ends_at`` is ``None`` while it fires."""

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    firing: bool
    starts_at: datetime
    ends_at: datetime | None
    fingerprint: str

    @property
    def episode(self) -> str:
        """The identity of the breach: ``927b7cc600263da2@2026-11-23T14:52:50.687Z``."""
        start = cut_to_millisecond(self.starts_at).astimezone(UTC)
        return f"{self.fingerprint}@{start:%Y-%m-%dT%H:%M:%S}.{start.microsecond // 1000:03d}Z"

    @property
    def bot(self) -> str | None:
        """The bot that the alert names; without the label it names none."""
        return self.labels.get(BOT_LABEL) or None


def cut_to_millisecond(moment: datetime) -> datetime:
    """Cut a time as Alertmanager's API does."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Compute the fingerprint that Alertmanager gives to these labels: 16 hexadecimal digits."""
    value = _OFFSET
    for name in sorted(labels):
        for byte in name.encode() + _SEPARATOR + labels[name].encode() + _SEPARATOR:
            value = ((value ^ byte) * _PRIME) & _MASK
    return f"{value:016x}"
