"""Alertmanager's configuration from the catalogue: which alert goes where, and how soon.

Every alert reaches the watcher, which knows by its policy what each asks for. Those that stop a bot form one group
each (``...``): a new alert in a group that exists already would wait for the group's next interval.
"""

from typing import Any

from mm_ops.domain.rendering.catalogue import Catalogue
from mm_ops.domain.rendering.policy import Timing
from mm_ops.domain.rendering.rules import HEARTBEAT, HOLD
from mm_ops.domain.soak.alerting import SERIES_LABELS
from mm_ops.domain.soak.policy import Action
from mm_ops.domain.windows import format_duration

EACH_APART = ["..."]
STOP_RECEIVER = "stop"
HEARTBEAT_RECEIVER = "heartbeat"
NOTIFY_RECEIVER = "notify"


def build_alertmanager(catalogue: Catalogue) -> dict[str, Any]:
    """Build the configuration; an alert with an action that nobody knows is told, never dropped."""
    policy = catalogue.alerting.alertmanager
    stop = f'action=~"{Action.ROLLBACK.value}|{HOLD}"'
    return {
        "global": {"resolve_timeout": format_duration(policy.resolve_timeout)},
        "route": {
            "receiver": NOTIFY_RECEIVER,
            "group_by": ["alertname", SERIES_LABELS[0]],
            **_timing(policy.notify),
            "routes": [
                _route(HEARTBEAT_RECEIVER, f'action="{HEARTBEAT}"', ["alertname"], policy.heartbeat),
                _route(STOP_RECEIVER, stop, EACH_APART, policy.stop),
            ],
        },
        "receivers": [
            _receiver(catalogue, STOP_RECEIVER, resolved=True),
            _receiver(catalogue, HEARTBEAT_RECEIVER, resolved=False),
            _receiver(catalogue, NOTIFY_RECEIVER, resolved=True),
        ],
    }


def alertmanager_flags(catalogue: Catalogue) -> list[str]:
    """Without a cluster there is nothing to wait for: with one, the first alert leaves 10 s after the start."""
    return ['--cluster.listen-address=""', f"--web.listen-address={catalogue.alerting.prometheus.alertmanagers[0]}"]


def _route(receiver: str, matcher: str, group_by: list[str], timing: Timing) -> dict[str, Any]:
    return {"receiver": receiver, "matchers": [matcher], "group_by": group_by, **_timing(timing)}


def _timing(timing: Timing) -> dict[str, str]:
    return {
        name: format_duration(getattr(timing, name)) for name in ("group_wait", "group_interval", "repeat_interval")
    }


def _receiver(catalogue: Catalogue, name: str, *, resolved: bool) -> dict[str, Any]:
    """A redirect would be followed without the payload; a cut payload would lose alerts."""
    policy = catalogue.alerting.alertmanager
    authorization = {"type": "Bearer", "credentials_file": policy.credentials_file}
    hook = {
        "url": policy.hook,
        "send_resolved": resolved,
        "max_alerts": 0,
        "http_config": {"authorization": authorization, "follow_redirects": False},
    }
    return {"name": name, "webhook_configs": [hook]}
