"""Reads the alerts that an Alertmanager has, with what suppresses each.

Silenced and inhibited alerts are read too, and said to be so: a silence is a person's decision, which an alert that
was left out could not show. One alert that cannot be read does not lose the others.
Source: Alertmanager's OpenAPI, ``/api/v2/alerts``; measured with 0.25.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from mm_ops.adapters.alert_server import AlertServer
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.backstop import Posted
from mm_ops.domain.rollback.payload import parse_alert

_BY = {"silencedBy": "silenced by", "inhibitedBy": "inhibited by", "mutedBy": "muted by"}


@dataclass(frozen=True, slots=True)
class PostedAlerts:
    """What it has; ``faults`` name alerts that could not be read."""

    alerts: tuple[Posted, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One Alertmanager. It is an ``AlertSource``."""

    server: AlertServer

    @classmethod
    def at(cls, url: str, timeout: timedelta) -> Self:
        """Name it by its address; ``timeout`` is for a whole answer."""
        return cls(AlertServer("alertmanager", url, timeout))

    def read(self) -> PostedAlerts:
        """Read every alert that is not over.

        Raises:
            SourceUnavailableError: no whole answer in time, or none of an Alertmanager.
        """
        given = self.server.get("/api/v2/alerts")
        if not isinstance(given, list):
            what = f"expected a list of alerts, was {type(given).__name__}"
            raise self.server.refusal(f"{what}; is this the address of an Alertmanager?")
        alerts, faults = [], []
        for number, one in enumerate(given):
            try:
                alerts.append(Posted(parse_alert(one), _suppressed(one)))
            except SchemaError as error:
                faults.append(f"alertmanager: alerts.{number}: {error}")
        return PostedAlerts(tuple(alerts), tuple(faults))

    def firing(self, group: Mapping[str, str]) -> list[Alert]:
        """Read the alerts of a group that nothing suppresses.

        Raises:
            SourceUnavailableError: as :meth:`read`, or one of its alerts could not be read.
        """
        found = self.read()
        if found.faults:
            raise self.server.refusal(found.faults[0])
        free = [one.alert for one in found.alerts if not one.suppressed]
        return [one for one in free if group.items() <= one.labels.items()]


def _suppressed(given: Mapping[str, Any]) -> str:
    """Say what suppresses an alert; one without a state is taken for active, since that stops a bot."""
    status = given.get("status")
    if not isinstance(status, dict) or status.get("state") != "suppressed":
        return ""
    by = [f"{word} {', '.join(map(str, status[name]))}" for name, word in _BY.items() if status.get(name)]
    return "; ".join(by) or "suppressed"
