"""The live form of a gate: which expression an alert compares, and with what."""

from collections.abc import Sequence

from mm_ops.domain.canonical import number_text
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.gauges import ConditionTime
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import Gate

SERIES_LABELS = ("bot", "job", "instance")
"""What tells one bot's series from another's in Prometheus; an alert is raised for each."""


def comparison(gate: Gate, sli: Sli) -> tuple[str, float]:
    """The operator and the number of the breach: beyond the limit, or in the state whose time is limited."""
    if isinstance(sli.measure, ConditionTime):
        return "==", sli.measure.equals
    return (">" if gate.bound is Bound.AT_MOST else "<"), gate.limit


def alert_value(gate: Gate, sli: Sli, by: Sequence[str] = SERIES_LABELS) -> str:
    """Write the value that the gate's alert compares, one for each bot.

    Raises:
        PolicyError: the gate has no alert, or its alert no window where the SLI needs one.
    """
    if gate.alert is None:
        raise PolicyError(f"soak.yaml: {gate.name}: expected an alert, was none")
    if not sli.measure.windowed:
        return sli.measure.alert_promql(None, by)
    if gate.alert.window is None:
        raise PolicyError(f"soak.yaml: {gate.name}: alert.window: expected one for a {sli.measure.kind}")
    return sli.measure.alert_promql(gate.alert.window, by)


def alert_expression(gate: Gate, sli: Sli, by: Sequence[str] = SERIES_LABELS) -> str:
    """Write the whole condition of the gate's alert."""
    operator, number = comparison(gate, sli)
    return f"{alert_value(gate, sli, by)} {operator} {number_text(number)}"
