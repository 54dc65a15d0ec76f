"""Alertmanager's webhook body, in every version seen: 3 and 4, and before there were versions.

Only what each alert says of itself is used: the group's status is "firing" while one alert fires, and common labels
were seen that no alert has. One alert that cannot be read does not lose the others: it becomes a fault, which pages.
Source: Alertmanager's documentation, "Webhook receiver"; bodies of 2016 to 2026.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.rollback.alert import Alert, fingerprint_of

MOST_ALERTS = 10_000
"""Of one body; a body of 1 MB holds about 2,000 of the smallest that Alertmanager writes."""

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_ZERO_YEAR = 1
_WIDTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What one body says; ``faults`` name alerts that could not be read, ``truncated`` counts those left out.

    Either says that the alerts are not all: they must be read again from Alertmanager's API, where all of the group
    have the labels ``group``. ``receiver`` is the one that it says it was sent to.
    """

    alerts: tuple[Alert, ...]
    faults: tuple[str, ...]
    truncated: int
    group: Mapping[str, str] = field(default_factory=dict)
    receiver: str = ""

    @property
    def complete(self) -> bool:
        """Whether every alert of the group is here."""
        return not self.faults and self.truncated == 0


def parse_payload(body: bytes) -> Payload:
    """Read one body.

    Raises:
        SchemaError: it is no JSON object with a list of alerts, or has more than ``MOST_ALERTS``.
    """
    document = _load(body)
    if not isinstance(document, dict):
        raise SchemaError(f"payload: expected an object, was {type(document).__name__}")
    given = document.get("alerts")
    if not isinstance(given, list):
        raise SchemaError(f"payload: alerts: expected a list, was {type(given).__name__}")
    if len(given) > MOST_ALERTS:
        raise SchemaError(f"payload: alerts: expected at most {MOST_ALERTS}, was {len(given)}")
    payload = _read_alerts(given, _truncated(document.get("truncatedAlerts", 0)), _group(document))
    receiver = document.get("receiver")
    return replace(payload, receiver=receiver) if isinstance(receiver, str) else payload


def _read_alerts(given: Sequence[Any], truncated: int, group: Mapping[str, str]) -> Payload:
    alerts, faults = [], []
    for number, one in enumerate(given):
        try:
            alerts.append(parse_alert(one))
        except SchemaError as fault:
            faults.append(f"payload: alerts.{number}: {fault}")
    return Payload(alerts=tuple(alerts), faults=tuple(faults), truncated=truncated, group=group)


def parse_alert(given: Any) -> Alert:
    """Read one alert, of a body or of Alertmanager's API.

    Any status but ``resolved`` counts as firing, and so does none: to be wrong that way stops a bot, the other loses
    a breach.

    Raises:
        SchemaError: no name or no start (so no episode), or labels that are not texts.
    """
    if not isinstance(given, dict):
        raise SchemaError(f"expected an object, was {type(given).__name__}")
    labels = _texts(given, "labels")
    if not labels.get("alertname"):
        raise SchemaError("labels.alertname: expected a name, was none")
    starts_at = _time(given, "startsAt")
    if starts_at is None:
        raise SchemaError("startsAt: expected a time, was none")
    firing = given.get("status") != "resolved"
    return Alert(
        name=labels["alertname"],
        labels=labels,
        annotations=_texts(given, "annotations"),
        firing=firing,
        starts_at=starts_at,
        ends_at=None if firing else _time(given, "endsAt"),
        fingerprint=fingerprint_of(labels),  # not the one that is given: two bots' alerts with one would be one episode
    )


def _load(body: bytes) -> Any:
    try:
        return json.loads(body)
    except RecursionError as error:
        raise SchemaError("payload: expected JSON, was nested too deep") from error
    except ValueError as error:  # also of bytes that are no UTF-8, and of numbers with thousands of digits
        raise SchemaError(f"payload: expected JSON: {' '.join(str(error).split())[:_WIDTH]}") from error


def _truncated(given: Any) -> int:
    """Count the alerts left out; what is no count says that some may be."""
    return given if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else 1


def _group(document: Mapping[str, Any]) -> Mapping[str, str]:
    """Read what the alerts of the group have in common; what cannot be read narrows nothing down."""
    try:
        return _texts(document, "groupLabels")
    except SchemaError:
        return {}


def _texts(given: Mapping[str, Any], field: str) -> dict[str, str]:
    texts = given.get(field) or {}
    if not isinstance(texts, dict):
        raise SchemaError(f"{field}: expected an object, was {type(texts).__name__}")
    for name, text in texts.items():
        if not isinstance(text, str):
            raise SchemaError(f"{field}.{_shorten(name)}: expected a text, was {type(text).__name__}")
        if not (_encodable(name) and _encodable(text)):
            raise SchemaError(f"{field}.{_shorten(name)}: expected text that can be stored, was NUL or half a pair")
    return dict(texts)


def _encodable(text: str) -> bool:
    """Half a surrogate pair has no bytes in UTF-8, and PostgreSQL stores no NUL in a text."""
    return not any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in text)


def _time(given: Mapping[str, Any], field: str) -> datetime | None:
    """Read a time of RFC 3339 to the microsecond; Go's zero time means none."""
    text = given.get(field)
    if text is None or text == "":
        return None
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise SchemaError(f"{field}: expected a time of RFC 3339, was {_shorten(text)}")
    try:
        moment = _moment(found)
    except (ValueError, OverflowError) as error:
        raise SchemaError(f"{field}: expected a time of the calendar, was {_shorten(text)}") from error
    return None if moment.year <= _ZERO_YEAR else moment


def _moment(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(found[n]) for n in range(1, 7))
    microsecond = int((found[7] or "").ljust(9, "0")[:6])
    zone = UTC
    if found[8] is None:
        ahead = timedelta(hours=int(found[10]), minutes=int(found[11]))
        zone = timezone(-ahead if found[9] == "-" else ahead)
    return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(UTC)


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
