"""How the gates are watched live, as ``deploy/policies/alerting.yaml`` states it."""

from collections import Counter
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, MetricName, Name, Source
from mm_ops.domain.soak.policy import AlertName
from mm_ops.domain.windows import Duration

DRILL_METRIC = "mm_ops_drill_open"
"""What the watcher exports while a fire drill is asked for: 1, with the labels ``bot`` and ``drill``, its name."""

DRILL_LABEL = "drill"

Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+:\d{1,5}$")]
"""Host and port, as Prometheus names a target."""

RecordName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*:[a-z0-9_]+:[a-z0-9_]+$")]
"""``level:metric:operation``. Source: Prometheus' documentation, "Recording rules", naming."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Record:
    """A value that an alert compares, stored under a name; the alert's window is appended: ``mm:x:ratio_5m``."""

    sli: Name
    name: RecordName


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Condition:
    """An alert that has no limit: something is not there, and has not been for ``hold``."""

    name: AlertName
    hold: Duration
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Stalled:
    """A counter that must grow, and did not within ``window``, for ``hold``."""

    name: AlertName
    metric: MetricName
    window: Duration
    hold: Duration
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class NoData:
    """What is raised when evidence is missing; each asks to hold, since a gate that sees nothing fires nothing."""

    absent: Condition
    not_finite: Condition
    stalled: Stalled
    target_down: Condition


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Watchdog:
    """The alert that always fires."""

    name: AlertName
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DrillAlert:
    """The alert of a fire drill, raised by what the watcher exports while one is asked for; ``job`` scrapes that."""

    name: AlertName
    job: Name
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Target:
    """Where a bot serves its metrics."""

    bot: Name
    address: Address
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class PrometheusPolicy:
    """How bots are scraped and alerts are sent; ``listen``, ``resend_delay``, ``for_grace_period`` become flags."""

    listen: Address
    job: Name
    metrics_path: Annotated[str, StringConstraints(pattern=r"^/\S*$")]
    scrape_timeout: Duration
    alertmanagers: Annotated[tuple[Address, ...], Field(min_length=1)]
    resend_delay: Duration
    for_grace_period: Duration
    targets: tuple[Target, ...]
    source: Source

    def __post_init__(self) -> None:
        doubled = [bot for bot, count in Counter(target.bot for target in self.targets).items() if count > 1]
        if doubled:
            raise ValueError(f"targets: expected every bot once, was twice: {', '.join(doubled)}")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Timing:
    """When a group of alerts is sent first, when after a change, and when again without one."""

    group_wait: Duration
    group_interval: Duration
    repeat_interval: Duration
    source: Source

    def __post_init__(self) -> None:
        for name in ("group_interval", "repeat_interval"):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name}: expected more than 0s, or Alertmanager refuses the file")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class AlertmanagerPolicy:
    """Where alerts go, with which credentials, and when: those that stop, the heartbeat, those that tell."""

    hook: Annotated[str, StringConstraints(pattern=r"^https?://\S+/alert-hook$")]
    credentials_file: Annotated[str, StringConstraints(min_length=1)]
    resolve_timeout: Duration
    stop: Timing
    heartbeat: Timing
    notify: Timing
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class AlertingPolicy:
    """Everything that is watched beside the gates' own alerts."""

    records: tuple[Record, ...]
    no_data: NoData
    watchdog: Watchdog
    drill: DrillAlert
    prometheus: PrometheusPolicy
    alertmanager: AlertmanagerPolicy
    source: Source

    def __post_init__(self) -> None:
        for what, names in (("records", [one.sli for one in self.records]), ("alert names", self.alert_names)):
            doubled = [name for name, count in Counter(names).items() if count > 1]
            if doubled:
                raise ValueError(f"{what}: expected every name once, was twice: {', '.join(doubled)}")

    @property
    def alert_names(self) -> list[str]:
        """The alerts without a gate, in the order in which they are rendered."""
        data = self.no_data
        named = (data.absent, data.not_finite, data.stalled, data.target_down, self.watchdog, self.drill)
        return [one.name for one in named]
