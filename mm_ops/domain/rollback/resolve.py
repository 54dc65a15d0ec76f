"""The rollback policy against the alerts that are rendered: each must know the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.notify.notice import Told
from mm_ops.domain.rendering.policy import AlertingPolicy
from mm_ops.domain.rollback.policy import AlertRule, Response, RollbackPolicy
from mm_ops.domain.soak.policy import Level, SoakPolicy
from mm_ops.domain.verdict import Severity
from mm_ops.domain.windows import format_duration

FILE = "rollback.yaml"
_TOLD = {Level.CRITICAL: Told.ONCALL, Level.WARNING: Told.TEAM}


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the rollback must know of a rendered alert; ``longest_range`` is its rule's longest range selector."""

    name: str
    response: Response
    told: Told | None
    cause: Severity | None
    longest_range: timedelta


def rendered_alerts(soak: SoakPolicy, alerting: AlertingPolicy) -> dict[str, Rendered]:
    """Every alert that the catalogue renders, by name."""
    none = timedelta(0)
    data = alerting.no_data
    ranges = {data.absent.name: none, data.not_finite.name: none, data.target_down.name: none}
    ranges[data.stalled.name] = data.stalled.window
    found = {name: Rendered(name, Response.HOLD, Told.ONCALL, None, length) for name, length in ranges.items()}
    found[alerting.watchdog.name] = Rendered(alerting.watchdog.name, Response.HEARTBEAT, None, None, none)
    drill = alerting.drill.name
    found[drill] = Rendered(drill, Response.ROLLBACK, Told.ONCALL, Severity.HARD, none)
    for gate in soak.gates:
        if gate.alert is not None:
            told, length = _TOLD[gate.alert.level], gate.alert.window or none
            asked = Response(gate.alert.action.value)
            found[gate.alert.name] = Rendered(gate.alert.name, asked, told, gate.severity, length)
    return found


def resolve_rollback(policy: RollbackPolicy, soak: SoakPolicy, alerting: AlertingPolicy) -> None:
    """Check the policy against the catalogue.

    Raises:
        PolicyError: one line per fault: an alert that only one of the two knows, another response, person or cause
            than the rules carry, another one as the drill, or a cooldown below the longest range of an alert that
            stops a bot.
    """
    rendered, drill = rendered_alerts(soak, alerting), alerting.drill.name
    faults = [f"{FILE}: alerts: no {name}, which is rendered" for name in rendered if policy.rule_of(name) is None]
    for number, rule in enumerate(policy.alerts):
        where = f"{FILE}: alerts.{number} ({rule.name})"
        if rule.name not in rendered:
            faults.append(f"{where}: name: no such alert in soak.yaml or alerting.yaml")
        else:
            faults += [f"{where}: {fault}" for fault in _find_misfits(policy, rule, rendered[rule.name], drill)]
    if faults:
        raise PolicyError("\n".join(faults))


def _find_misfits(policy: RollbackPolicy, rule: AlertRule, rendered: Rendered, drill: str) -> Iterator[str]:
    if rule.drill != (rule.name == drill):
        yield f"drill: expected {str(rule.name == drill).lower()}: {drill} is the alert of the drills, was {rule.drill}"
    for field in ("response", "told", "cause"):
        expected, was = getattr(rendered, field), getattr(rule, field)
        if expected is not was:
            yield f"{field}: expected {expected or 'none'} as the rule says, was {was or 'none'}"
    if rule.response is Response.ROLLBACK and policy.cooldown.length < rendered.longest_range:
        least, was = format_duration(rendered.longest_range), format_duration(policy.cooldown.length)
        yield f"cooldown.length: expected at least the rule's longest range, {least}, was {was}"
