"""Would the gate's alert have fired? A gate of its own beside every gate that has an alert.

The value is the number of firing episodes, the limit 0; the evidence, what it must be, and the order of decision are
those of the gate itself (:mod:`.gate`). Where nothing fired but the alert may have, had lost samples been breaches
(:mod:`.unseen`), the value is in doubt and does not pass: losing samples never turns a fail into a pass.

Two steps: :func:`measure_sustained` replays the alert on samples and gives what is stored; :func:`judge_sustained`
judges what is stored and sees no sample.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.gauges import ConditionTime
from mm_ops.domain.sli.instants import Instants, Marks, Times
from mm_ops.domain.sli.measurement import Measurement, Problem, Scope, not_measured, pick
from mm_ops.domain.sli.series import Series
from mm_ops.domain.soak.alerting import alert_expression
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.gate import evaluate_gate
from mm_ops.domain.soak.policy import Gate, sustained_name
from mm_ops.domain.soak.replay import (
    Episode,
    alert_of,
    alert_values,
    breaches,
    evaluation_times,
    find_episodes,
    find_firing,
)
from mm_ops.domain.soak.unseen import find_unseen, widen
from mm_ops.domain.verdict import Finding, Verdict
from mm_ops.domain.windows import TimeWindow, format_duration, from_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What of a gate decides when its alert fires; durations in seconds."""

    alert: str
    bound: str
    limit: float
    window_s: float | None
    hold_s: float
    keep_firing_for_s: float
    interval_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustained:
    """What is stored: the rule that was replayed, its PromQL, the episodes, and the evidence with their number.

    ``unit`` is that of an episode's ``worst``; empty where that is a state and not a size.
    """

    rule: Rule
    expression: str
    unit: str
    episodes: tuple[Episode, ...]
    measurement: Measurement


_ADAPTER = TypeAdapter(Sustained)


def sustained_gate(gate: Gate) -> Gate:
    """The gate on the number of episodes, with the severity and the demands on evidence of the gate itself."""
    return replace(
        gate,
        name=sustained_name(gate),
        sli=f"{gate.sli}_episodes",
        bound=Bound.AT_MOST,
        limit=0.0,
        unit="count",
        alert=None,
    )


def measure_sustained(
    gate: Gate, sli: Sli, table: Sequence[Series], scope: Scope, interval: timedelta
) -> dict[str, Any]:
    """Replay the gate's alert over the window.

    Args:
        gate: has the alert.
        sli: the gate's.
        table: raw samples; those outside the window are not looked at.
        scope: the soak's window and scrape interval.
        interval: how often the rule is evaluated.

    Returns:
        A :class:`Sustained` as JSON knows it, with no number that JSON has no word for.

    Raises:
        PolicyError: the gate has no alert, or its alert no window where the SLI needs one.
    """
    times_ns = evaluation_times(scope.window, interval)
    read = [one for selector in sli.measure.selectors() for one in pick(table, selector, scope.window)]
    values = alert_values(gate, sli, read, times_ns)
    episodes = find_episodes(gate, sli, values, times_ns)
    measured = sli.measure.evaluate(read, scope)
    if measured.problem is None:
        unseen = find_unseen(read, times_ns, alert_of(gate).window, scope.scrape_interval)
        doubts = [measured.doubt, None if episodes else _find_doubt(gate, sli, values, times_ns, unseen)]
        doubt = "; ".join(one for one in doubts if one) or None
        measured = replace(measured, value=float(len(episodes)), doubt=doubt)
    return _stored(gate, sli, episodes, measured, interval)


def unmeasured_sustained(gate: Gate, sli: Sli, why: str, window: TimeWindow, interval: timedelta) -> dict[str, Any]:
    """State that the source did not answer, in the form of :func:`measure_sustained`."""
    return _stored(gate, sli, [], not_measured(Problem.SOURCE_ERROR, why, window), interval)


def sustained_from(name: str, stored: Mapping[str, Any]) -> Sustained:
    """Read back what :func:`measure_sustained` gave.

    Raises:
        SchemaError: a field is absent, unknown or of another type; names it.
    """
    where = f"soak metrics: sustained.{name}"
    try:
        found = _ADAPTER.validate_json(json.dumps(stored, allow_nan=False), strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(str(step) for step in fault["loc"])
        raise SchemaError(f"{where}.{field}: {fault['msg']}, was {fault['input']!r}") from error
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{where}: not the JSON that was stored: {error}") from error
    if to_plain(found) != stored:
        raise SchemaError(f"{where}: expected exactly the fields of a replayed alert, was more or fewer")
    return found


def judge_sustained(gate: Gate, stored: Mapping[str, Any] | None, window: str, interval: timedelta) -> Finding:
    """Judge what is stored; a rule other than the policy's is no measurement of it, whatever it found.

    Args:
        gate: has the alert.
        stored: what :func:`measure_sustained` gave; ``None`` where nothing is stored.
        window: the window in words, for the finding.
        interval: how often the rule should have been evaluated.

    Raises:
        PolicyError: the gate has no alert.
        SchemaError: what is stored is not what :func:`measure_sustained` gives.
    """
    wanted = rule_of(gate, interval)
    if stored is None:
        return evaluate_gate(sustained_gate(gate), None, window, None)
    found = sustained_from(gate.name, stored)
    finding = evaluate_gate(sustained_gate(gate), found.measurement, window, found.expression)
    if found.measurement.value is not None:
        finding = replace(finding, reason=f"{finding.reason}; {_describe(gate, found)}")
    misfit = _find_misfit(found.rule, wanted)
    if misfit:
        return replace(finding, verdict=Verdict.INCONCLUSIVE, reason=f"{finding.reason}; but {misfit}")
    return finding


def rule_of(gate: Gate, interval: timedelta) -> Rule:
    """What is compared between what was replayed and what the policy asks for.

    Raises:
        PolicyError: the gate has no alert.
    """
    alert = alert_of(gate)
    return Rule(
        alert=alert.name,
        bound=gate.bound.value,
        limit=gate.limit,
        window_s=None if alert.window is None else alert.window.total_seconds(),
        hold_s=alert.hold.total_seconds(),
        keep_firing_for_s=alert.keep_firing_for.total_seconds(),
        interval_s=interval.total_seconds(),
    )


def _stored(
    gate: Gate, sli: Sli, episodes: Iterable[Episode], measurement: Measurement, interval: timedelta
) -> dict[str, Any]:
    stored: dict[str, Any] = to_plain(
        Sustained(
            rule=rule_of(gate, interval),
            expression=alert_expression(gate, sli),
            unit="" if isinstance(sli.measure, ConditionTime) else gate.unit,
            episodes=tuple(episodes),
            measurement=measurement,
        )
    )
    return stored


def _find_doubt(gate: Gate, sli: Sli, values: Iterable[Instants], times_ns: Times, unseen: Marks) -> str | None:
    alert = alert_of(gate)
    for one in values:
        possible = find_firing(widen(breaches(gate, sli, one), unseen), times_ns, alert)
        if possible:
            at = from_ns(int(times_ns[possible[0][1]]))
            return (
                f"{alert.name} may have fired at {at:%Y-%m-%dT%H:%M:%SZ}, if the samples lost around it were breaches"
            )
    return None


def _describe(gate: Gate, found: Sustained) -> str:
    """The worst episode in words: the furthest beyond the limit, the longest among equals."""
    if not found.episodes:
        return f"{found.rule.alert} did not fire"
    sign = 1 if gate.bound is Bound.AT_MOST else -1
    worst = max(found.episodes, key=lambda one: (math.inf if one.worst is None else sign * one.worst, one.duration_s))
    value = "infinite" if worst.worst is None else f"{worst.worst:.6g} {found.unit}".rstrip()
    lasted = format_duration(timedelta(seconds=worst.duration_s))
    end = " and still at the window's end" if worst.until is None else ""
    of = "" if len(found.episodes) == 1 else "at worst "
    return f"{found.rule.alert} fired {of}at {worst.firing_since:%Y-%m-%dT%H:%M:%SZ} for {lasted}{end}, value {value}"


def _find_misfit(was: Rule, wanted: Rule) -> str | None:
    for name, expected in asdict(wanted).items():
        found = getattr(was, name)
        if found != expected:
            return f"the alert was replayed with {name} {found} where the policy has {expected}"
    return None
