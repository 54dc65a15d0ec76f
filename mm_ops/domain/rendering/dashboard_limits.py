"""Whether a dashboard says what the policies say: each alert's limit drawn, on the right side, for the right query."""

from collections.abc import Iterator
from typing import Any

from mm_ops.domain.rendering.dashboard import UNITS
from mm_ops.domain.rendering.faults import Fault, Path, look
from mm_ops.domain.rendering.panels import first_bad, live_query
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import Gate, SoakPolicy

_NOT_DRAWN = (None, "off", "series")
_CLEAR = "transparent"


def find_limit_faults(document: Any, slis: SliCatalogue, soak: SoakPolicy) -> Iterator[Fault]:
    """Find each gate with an alert that is not shown, or shown with another limit, side or unit than its own."""
    known = {sli.name: sli for sli in slis.slis}
    for gate in soak.gates:
        if gate.alert is None:
            continue
        query = live_query(gate, known[gate.sli], soak)
        place = _find(document, query)
        if place is None:
            yield Fault(("panels",), f"no panel shows the gate {gate.name}: {query}")
        else:
            yield from _find_faults(document, place, gate)
    if not any(_marks_alerts(one) for one in look(document, ("annotations", "list")) or []):
        yield Fault(("annotations", "list"), "expected marks of ALERTS, was none")


def _marks_alerts(annotation: Any) -> bool:
    return bool(annotation["enable"]) and str(annotation.get("expr", "")).startswith("ALERTS{")


def _find(document: Any, query: str) -> tuple[int, str] | None:
    """The panel and the refId of a query."""
    for number, panel in enumerate(document.get("panels") or []):
        for target in panel.get("targets") or []:
            if target["expr"] == query:
                return number, str(target.get("refId"))
    return None


def _find_faults(document: Any, place: tuple[int, str], gate: Gate) -> Iterator[Fault]:
    number, ref_id = place
    path: Path = ("panels", number, "fieldConfig", ref_id)
    config = _effective(document["panels"][number], ref_id)
    steps = look(config, ("thresholds", "steps")) or []
    values, colours = ([look(step, (name,)) for step in steps] for name in ("value", "color"))
    mode, style = look(config, ("thresholds", "mode")), look(config, ("custom.thresholdsStyle", "mode"))
    if values != [None, first_bad(gate)]:
        yield Fault((*path, "thresholds"), f"{gate.name}: expected {first_bad(gate):g} {gate.unit}, was {values}")
    elif [colour == _CLEAR for colour in colours] != [gate.bound is Bound.AT_MOST, gate.bound is Bound.AT_LEAST]:
        side = "above" if gate.bound is Bound.AT_MOST else "below"
        yield Fault((*path, "thresholds"), f"{gate.name}: expected a colour {side} the limit only")
    if steps and mode != "absolute":
        yield Fault((*path, "thresholds"), f"{gate.name}: expected absolute steps, was {mode}")
    if style in _NOT_DRAWN:
        yield Fault((*path, "thresholdsStyle"), f"{gate.name}: expected a limit that is drawn, was {style}")
    if config.get("unit") != UNITS[gate.unit]:
        yield Fault((*path, "unit"), f"{gate.name}: expected {UNITS[gate.unit]!r}, was {config.get('unit')!r}")


def _effective(panel: Any, ref_id: str) -> dict[str, Any]:
    """The field configuration of one query: the panel's, and over it what is overridden for the query."""
    defaults = dict(look(panel, ("fieldConfig", "defaults")) or {})
    custom = defaults.pop("custom", None) or {}
    config = defaults | {f"custom.{name}": value for name, value in custom.items()}
    for override in look(panel, ("fieldConfig", "overrides")) or []:
        if override["matcher"].get("options") == ref_id:
            config |= {one["id"]: one.get("value") for one in override["properties"]}
    return config
