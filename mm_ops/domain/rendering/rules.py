"""Prometheus' rules from the catalogue: recorded values, an alert for each gate, alerts for missing evidence.

Recorded values and the alerts on them stand in one group, so that an alert sees the value of the same evaluation. An
alert on missing evidence is rendered for each bot and metric: ``absent`` knows no labels but those it is asked for,
and an alert without ``bot`` names nobody. ``x - x != 0`` holds for NaN and for both infinities, and for nothing else.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import number_text
from mm_ops.domain.rendering.catalogue import Catalogue, Watched, matchers_of
from mm_ops.domain.rendering.policy import DRILL_LABEL, DRILL_METRIC
from mm_ops.domain.rendering.promql import metrics_of
from mm_ops.domain.sli.counters import CounterIncrease, rate_promql
from mm_ops.domain.sli.gauges import ConditionTime
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.alerting import SERIES_LABELS, alert_value, comparison
from mm_ops.domain.soak.policy import Action, Gate, Level
from mm_ops.domain.windows import format_duration

HOLD = "hold"
HEARTBEAT = "heartbeat"
_VALUE = '{{ $value | printf "%.4g" }}'
_BOT = "{{ $labels.bot }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One alert; ``labels`` come on top of those of the series, ``source`` says where its numbers are from."""

    name: str
    expr: str
    hold: timedelta = timedelta(0)
    keep_firing_for: timedelta = timedelta(0)
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    source: str

    def plain(self) -> dict[str, Any]:
        """The rule as Prometheus reads it; it must be readable as PromQL."""
        metrics_of(self.expr, self.name)
        kept = {"keep_firing_for": format_duration(self.keep_firing_for)} if self.keep_firing_for else {}
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": format_duration(self.hold),
            **kept,
            "labels": dict(self.labels),
            "annotations": {**self.annotations, "runbook": runbook_path(self.name)},
        }

    def said(self, labels: Mapping[str, str], value: float = 0.0) -> dict[str, str]:
        """The annotations as a receiver reads them, for one series and its value."""
        filled = {
            name: re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels.get(found[1], ""), text).replace(
                _VALUE, f"{value:.4g}"
            )
            for name, text in self.annotations.items()
        }
        return {**filled, "runbook": runbook_path(self.name)}


def runbook_path(alert: str) -> str:
    """Where a person reads on, relative to the project."""
    return f"deploy/runbooks/{alert}.md"


def build_rules(catalogue: Catalogue) -> dict[str, Any]:
    """Build the rule file."""
    interval = format_duration(catalogue.soak.evaluation_interval)
    groups = {
        "soak": [*record_rules(catalogue), *(rule.plain() for rule in gate_rules(catalogue))],
        "soak-no-data": [rule.plain() for rule in no_data_rules(catalogue)],
        "watchdog": [watchdog_rule(catalogue).plain()],
        "drill": [drill_rule(catalogue).plain()],
    }
    return {"groups": [{"name": name, "interval": interval, "rules": rules} for name, rules in groups.items()]}


def all_alerts(catalogue: Catalogue) -> list[AlertRule]:
    """Every alert rule; several may share a name."""
    return [*gate_rules(catalogue), *no_data_rules(catalogue), watchdog_rule(catalogue), drill_rule(catalogue)]


def record_rules(catalogue: Catalogue) -> list[dict[str, str]]:
    """Build the recorded values."""
    rules = []
    for one in catalogue.watched:
        name, value = catalogue.record_of(one), alert_value(one.gate, one.sli)
        if name is not None:
            metrics_of(value, name)
            rules.append({"record": name, "expr": value})
    return rules


def gate_rules(catalogue: Catalogue) -> list[AlertRule]:
    """Build the alert of each gate that has one."""
    return [_gate_rule(one, catalogue.record_of(one)) for one in catalogue.watched]


def limit_words(gate: Gate) -> str:
    """``≤ 150 ms``."""
    return f"{gate.bound.sign} {number_text(gate.limit)} {gate.unit}"


def _gate_rule(one: Watched, record: str | None) -> AlertRule:
    operator, number = comparison(one.gate, one.sli)
    return AlertRule(
        name=one.alert.name,
        expr=f"{record or alert_value(one.gate, one.sli)} {operator} {number_text(number)}",
        hold=one.alert.hold,
        keep_firing_for=one.alert.keep_firing_for,
        labels={
            "severity": one.alert.level.value,
            "action": one.alert.action.value,
            "gate": one.gate.name,
            "sli": one.sli.name,
        },
        annotations={"summary": _summary(one), "limit": limit_words(one.gate)},
        source=one.alert.source,
    )


def _summary(one: Watched) -> str:
    hold = f" for {format_duration(one.alert.hold)}" if one.alert.hold else ""
    unit = "" if one.gate.unit == "count" else f" {one.gate.unit}"
    limit = f"{one.gate.bound.words} {number_text(one.gate.limit)}{unit}"
    measure = one.sli.measure
    if isinstance(measure, ConditionTime):
        state = f"{measure.selectors()[0].promql({})} was {number_text(measure.equals)}"
        return f"{_BOT}: {state}{hold}; {one.sli.name} may be {limit} in a whole soak"
    apart = [f"{name} {{{{ $labels.{name} }}}}" for name in measure.by] if isinstance(measure, CounterIncrease) else []
    of = f" ({', '.join(apart)})" if apart else ""
    over = f" over {format_duration(one.alert.window)}" if one.alert.window is not None else ""
    return f"{_BOT}: {one.sli.name}{of}{over} was {_VALUE}{unit}{hold}; expected {limit}"


def no_data_rules(catalogue: Catalogue) -> list[AlertRule]:
    """Build the alerts for evidence that is missing, not a number, frozen, or whose source is down."""
    return [*_absent(catalogue), *_not_finite(catalogue), _stalled(catalogue), _target_down(catalogue)]


def watchdog_rule(catalogue: Catalogue) -> AlertRule:
    """Build the alert that always fires."""
    watchdog = catalogue.alerting.watchdog
    return AlertRule(
        name=watchdog.name,
        expr="vector(1)",
        labels={"severity": "none", "action": HEARTBEAT},
        annotations={"summary": "always firing: evaluation and delivery are alive", "limit": "must never be silent"},
        source=watchdog.source,
    )


def drill_rule(catalogue: Catalogue) -> AlertRule:
    """Build the alert of a fire drill; it goes the way of every alert that stops a bot, and names the drill."""
    drill = catalogue.alerting.drill
    return AlertRule(
        name=drill.name,
        expr=f"max by ({SERIES_LABELS[0]}, {DRILL_LABEL}) ({DRILL_METRIC}) == 1",
        labels={"severity": Level.CRITICAL.value, "action": Action.ROLLBACK.value},
        annotations={
            "summary": f"{_BOT}: fire drill {{{{ $labels.{DRILL_LABEL} }}}}: nothing is wrong with the bot",
            "limit": "must stop the bot, as any breach would",
        },
        source=drill.source,
    )


def _absent(catalogue: Catalogue) -> Iterator[AlertRule]:
    condition = catalogue.alerting.no_data.absent
    for bot in catalogue.fleet.bots:
        for metric, selectors in catalogue.needed().items():
            yield AlertRule(
                name=condition.name,
                expr=" or ".join(f"absent({one})" for one in absent_series(bot, selectors)),
                hold=condition.hold,
                labels=_hold_labels(metric=metric),
                annotations={
                    "summary": f"{_BOT}: no {metric} for {format_duration(condition.hold)}: its gates see nothing",
                    "limit": "must be there",
                },
                source=condition.source,
            )


def absent_series(bot: Bot, selectors: Sequence[Selector]) -> list[str]:
    """The selectors of one bot's series, as its alerts ask for them."""
    return [one.promql(matchers_of(bot)) for one in selectors]


def _not_finite(catalogue: Catalogue) -> Iterator[AlertRule]:
    condition = catalogue.alerting.no_data.not_finite
    for gauge in catalogue.gauges():
        series = gauge.promql({})
        yield AlertRule(
            name=condition.name,
            expr=f"{series} - {series} != 0",
            hold=condition.hold,
            labels=_hold_labels(metric=gauge.metric),
            annotations={
                "summary": f"{_BOT}: {gauge.metric} was NaN or infinite for {format_duration(condition.hold)}: "
                "every comparison with it is false",
                "limit": "must be a number",
            },
            source=condition.source,
        )


def _stalled(catalogue: Catalogue) -> AlertRule:
    condition = catalogue.alerting.no_data.stalled
    window = format_duration(condition.window)
    return AlertRule(
        name=condition.name,
        expr=f"{rate_promql([Selector(condition.metric)], condition.window, SERIES_LABELS)} == 0",
        hold=condition.hold,
        labels=_hold_labels(metric=condition.metric),
        annotations={
            "summary": f"{_BOT}: {condition.metric} has not grown within {window}, "
            f"for {format_duration(condition.hold)}: the loop is frozen",
            "limit": f"must grow within {window}",
        },
        source=condition.source,
    )


def _target_down(catalogue: Catalogue) -> AlertRule:
    condition = catalogue.alerting.no_data.target_down
    target = Selector("up", {"job": catalogue.alerting.prometheus.job})
    return AlertRule(
        name=condition.name,
        expr=f"{target.promql({})} == 0",
        hold=condition.hold,
        labels=_hold_labels(),
        annotations={
            "summary": f"{_BOT}: not scraped for {format_duration(condition.hold)}: dead, unreachable or too slow",
            "limit": "must answer every scrape",
        },
        source=condition.source,
    )


def _hold_labels(**further: str) -> dict[str, str]:
    return {"severity": Level.CRITICAL.value, "action": HOLD, **further}
