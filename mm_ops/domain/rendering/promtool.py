"""The shape of promtool's unit tests; times are counted in steps, of which each is one evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mm_ops.domain.windows import format_duration


@dataclass(frozen=True, slots=True)
class Expected:
    """One alert that fires, as a receiver sees it."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """Which alerts of a name fire at a step; no others may."""

    alert: str
    step: int
    expected: Sequence[Expected] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """Series with one value every ``stride`` steps, and what fires when."""

    name: str
    series: Mapping[str, str]
    checks: Sequence[Check]
    stride: int = 1

    def plain(self, step: timedelta) -> dict[str, Any]:
        """The test as promtool reads it."""
        return {
            "name": self.name,
            "interval": format_duration(step * self.stride),
            "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
            "alert_rule_test": [_plain_check(check, step) for check in self.checks],
        }


def nan(steps: int, stride: int) -> str:
    """Samples that are no number; promtool has no short form for them."""
    return " ".join(["NaN"] * (steps // stride + 1))


def _plain_check(check: Check, step: timedelta) -> dict[str, Any]:
    alerts = [{"exp_labels": dict(one.labels), "exp_annotations": dict(one.annotations)} for one in check.expected]
    expected = {"exp_alerts": alerts} if alerts else {}
    return {"eval_time": format_duration(step * check.step), "alertname": check.alert, **expected}
