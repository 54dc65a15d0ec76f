"""Reads the alerts that fire in a Prometheus, under the labels with which Alertmanager gets them.

``external_labels`` are added on the way, so they are read from the server's configuration; ``alert_relabel_configs``
could change anything on the way, and are refused. Nothing here needs a data frame: the watcher stays small.
Source: Prometheus' HTTP API, ``/api/v1/rules``, ``/api/v1/query``; measured with 2.42.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import yaml

from mm_ops.adapters.alert_server import AlertServer
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.rollback.alert import Alert, cut_to_millisecond
from mm_ops.domain.rollback.backstop import Active
from mm_ops.domain.rollback.history import Truth
from mm_ops.domain.rollback.payload import parse_alert

_MARGIN = timedelta(minutes=10)
"""How much later than its hold an alert may begin to fire: a restart of Prometheus, an evaluation that was missed."""

_LONGEST = timedelta(hours=1)
"""How long ago an alert may have fired and still be known."""


@dataclass(frozen=True, slots=True)
class ActiveAlerts:
    """What fires; ``faults`` name rules that cannot be evaluated and alerts that could not be read."""

    alerts: tuple[Active, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrometheusAlerts:
    """One Prometheus."""

    server: AlertServer

    @classmethod
    def at(cls, url: str, timeout: timedelta) -> Self:
        """Name it by its address; ``timeout`` is for each answer."""
        return cls(AlertServer("prometheus", url, timeout))

    def read(self) -> ActiveAlerts:
        """Read every alert that fires.

        Raises:
            SourceUnavailableError: no whole answer in time, or none of a Prometheus; its configuration relabels alerts.
        """
        added = self._external_labels()
        groups = self._data("/api/v1/rules", type="alert").get("groups")
        if not isinstance(groups, list):
            raise self.server.refusal("expected data.groups, was none; is this the address of a Prometheus?")
        found: dict[str, Active] = {}
        faults: list[str] = []
        for rule in _rules(groups):
            faults += [f"prometheus: rule {rule.get('name')}: {rule['lastError']}"] if rule.get("lastError") else []
            for given in rule.get("alerts") or ():
                try:
                    active = _active(given, rule, added)
                except SchemaError as error:
                    faults.append(f"prometheus: rule {rule.get('name')}: {error}")
                    continue
                if active is not None:
                    found.setdefault(active.alert.fingerprint, active)
        return ActiveAlerts(tuple(found.values()), tuple(faults))

    def fired_at(self, active: Active) -> datetime | None:
        """Find when an alert began to fire: the first sample of that since its ``activeAt``, if it is there.

        A rule without a hold fires at once; its first samples are missing where the server had just been started.

        Raises:
            SourceUnavailableError: no whole answer in time.
        """
        since = active.alert.starts_at
        if not active.hold:
            return since
        span = active.hold + _MARGIN
        times = self._fired(active.alert.labels, since + span, span + timedelta(seconds=1))
        return min((one for one in times if one >= cut_to_millisecond(since)), default=None)

    def truth_of(self, alert: Alert, now: datetime) -> Truth:
        """Say whether these labels were seen firing since the alert began, or within the last hour of that.

        Raises:
            SourceUnavailableError: no whole answer in time.
        """
        span = min(max(now - alert.starts_at, timedelta(0)) + timedelta(minutes=1), _LONGEST)
        return Truth.FIRES if self._fired(alert.labels, now + timedelta(seconds=1), span) else Truth.UNKNOWN

    def _fired(self, labels: Mapping[str, str], end: datetime, span: timedelta) -> list[datetime]:
        added = self._external_labels()
        wanted = {name: text for name, text in labels.items() if added.get(name) != text}
        pairs = (f"{name}={json.dumps(text, ensure_ascii=False)}" for name, text in sorted(wanted.items()))
        query = f'ALERTS{{alertstate="firing",{",".join(pairs)}}}[{math.ceil(span.total_seconds())}s]'
        series = self._data("/api/v1/query", query=query, time=f"{end.timestamp():.3f}").get("result")
        try:
            return [_moment(sample[0]) for one in series or () for sample in one["values"]]
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise self.server.refusal(f"expected series of ALERTS, was something else: {error!r}") from error

    def _external_labels(self) -> dict[str, str]:
        """Read what is added to the labels of each alert that is sent."""
        text = self._data("/api/v1/status/config").get("yaml")
        try:
            document = yaml.safe_load(text) if isinstance(text, str) else None
        except yaml.YAMLError as error:
            raise self.server.refusal("its configuration is no YAML; is this the address of a Prometheus?") from error
        if not isinstance(document, dict):
            raise self.server.refusal("expected its configuration, was none; is this the address of a Prometheus?")
        if (document.get("alerting") or {}).get("alert_relabel_configs"):
            raise self.server.refusal("alert_relabel_configs: expected none: what Alertmanager gets cannot be known")
        added = (document.get("global") or {}).get("external_labels") or {}
        return {str(name): str(text) for name, text in added.items()}

    def _data(self, path: str, **parameters: str) -> dict[str, Any]:
        given = self.server.get(path, **parameters)
        data = given.get("data") if isinstance(given, dict) and given.get("status") == "success" else None
        if not isinstance(data, dict):
            raise self.server.refusal(f"expected an answer with data at {path}; is this the address of a Prometheus?")
        return data


def _rules(groups: list[Any]) -> Iterator[dict[str, Any]]:
    for group in groups:
        rules = group.get("rules") if isinstance(group, dict) else None
        yield from (rule for rule in rules or () if isinstance(rule, dict) and rule.get("type") == "alerting")


def _active(given: Any, rule: Mapping[str, Any], added: Mapping[str, str]) -> Active | None:
    """Read one alert of a rule; ``None`` where it does not fire."""
    if not isinstance(given, dict) or not isinstance(given.get("labels"), dict):
        raise SchemaError("expected an alert with labels, was none")
    if given.get("state") != "firing":
        return None
    labels = {**added, **given["labels"]}
    hold = rule.get("duration", 0)
    if not isinstance(hold, int | float) or isinstance(hold, bool) or not 0 <= hold < timedelta.max.total_seconds():
        raise SchemaError(f"duration: expected seconds, was {hold!r}")
    fields = {"labels": labels, "annotations": given.get("annotations"), "startsAt": given.get("activeAt")}
    return Active(parse_alert({**fields, "status": "firing"}), timedelta(seconds=hold))


def _moment(seconds: Any) -> datetime:
    """Read a time of a sample: milliseconds, written as seconds."""
    milliseconds = round(float(seconds) * 1000)
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)
