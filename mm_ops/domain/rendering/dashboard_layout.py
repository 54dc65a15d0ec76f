"""What Grafana takes without a word and a person then looks for in vain: identities, places, units, sources."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mm_ops.domain.rendering.dashboard import COLUMNS, DATASOURCE, MOST_POINTS
from mm_ops.domain.rendering.dashboard_types import schema_version, units
from mm_ops.domain.rendering.faults import Fault, Path, look

SOURCE = {"type": "prometheus", "uid": f"${{{DATASOURCE}}}"}
"""The datasource of everything: the one that the variable chooses."""

_UID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_TIME = re.compile(r"now(-\d+[smhdwMy])?")
_REFRESH = re.compile(r"\d+[smhd]")
_OWN_UNIT = re.compile(r"(suffix|prefix): ?\S.*")


def find_layout_faults(document: Any) -> Iterator[Fault]:
    """Find them in a dashboard whose fields have the SDK's types."""
    yield from _find_identity_faults(document)
    yield from _find_variable_faults(document)
    panels = document.get("panels") or []
    if not panels:
        yield Fault(("panels",), "expected at least one, was none")
    for name in ("id", "title"):
        yield from _find_doubled([(("panels", n, name), panel.get(name)) for n, panel in enumerate(panels)])
    for number, panel in enumerate(panels):
        yield from _find_panel_faults(panel, ("panels", number))
    yield from _find_place_faults(panels)


def _find_identity_faults(document: Any) -> Iterator[Fault]:
    time = document.get("time") or {}
    patterns = {
        ("uid",): (_UID, document.get("uid")),
        ("time", "from"): (_TIME, time.get("from")),
        ("time", "to"): (_TIME, time.get("to")),
        ("refresh",): (_REFRESH, document.get("refresh")),
        ("title",): (re.compile(r".*\S.*"), document.get("title")),
    }
    for path, (pattern, value) in patterns.items():
        if not pattern.fullmatch(value or ""):
            yield Fault(path, f"expected {pattern.pattern}, was {value!r}")
    if document["schemaVersion"] != schema_version():
        yield Fault(("schemaVersion",), f"expected {schema_version()}, was {document['schemaVersion']}")


def _find_variable_faults(document: Any) -> Iterator[Fault]:
    place: Path = ("templating", "list")
    variables = look(document, place) or []
    yield from _find_doubled([((*place, n, "name"), one["name"]) for n, one in enumerate(variables)])
    if ("datasource", DATASOURCE, "prometheus") not in {
        (one["type"], one["name"], one.get("query")) for one in variables if isinstance(one.get("query"), str)
    }:
        yield Fault(place, f"expected a variable {DATASOURCE} that chooses a prometheus, was none")
    for number, one in enumerate(variables):
        if one["type"] == "query":
            yield from _find_source_faults(one, (*place, number))
    for number, one in enumerate(look(document, ("annotations", "list")) or []):
        yield from _find_source_faults(one, ("annotations", "list", number))


def _find_panel_faults(panel: Any, path: Path) -> Iterator[Fault]:
    yield from _find_source_faults(panel, path)
    yield from _find_unit_faults(panel, path)
    if panel.get("maxDataPoints", 1) > MOST_POINTS:
        yield Fault((*path, "maxDataPoints"), f"expected at most {MOST_POINTS}, was {panel['maxDataPoints']}")
    targets = panel.get("targets") or []
    if not targets:
        yield Fault((*path, "targets"), "expected at least one, was none")
    for number, target in enumerate(targets):
        yield from _find_target_faults(target, (*path, "targets", number))
    refs = [target.get("refId") for target in targets]
    yield from _find_doubled([((*path, "targets", n, "refId"), ref) for n, ref in enumerate(refs)])
    for number, override in enumerate(look(panel, ("fieldConfig", "overrides")) or []):
        matcher = override["matcher"]
        if matcher["id"] != "byFrameRefID" or matcher.get("options") not in refs:
            found = f"{matcher['id']} {matcher.get('options')!r}"
            yield Fault((*path, "fieldConfig", "overrides", number), f"expected a query of the panel, was {found}")


def _find_target_faults(target: Any, path: Path) -> Iterator[Fault]:
    yield from _find_source_faults(target, path)
    if not (target.get("legendFormat") or "").strip():
        yield Fault((*path, "legendFormat"), "expected a legend, was none")
    if target.get("hide"):
        yield Fault((*path, "hide"), "expected a query that is shown, was hidden")


def _find_source_faults(owner: Any, path: Path) -> Iterator[Fault]:
    if owner.get("datasource") != SOURCE:
        yield Fault((*path, "datasource"), f"expected {SOURCE['uid']} (prometheus), was {owner.get('datasource')}")


def _find_unit_faults(panel: Any, path: Path) -> Iterator[Fault]:
    place: Path = ("fieldConfig", "defaults", "unit")
    found = [(place, look(panel, place))]
    for number, override in enumerate(look(panel, ("fieldConfig", "overrides")) or []):
        for n, one in enumerate(override["properties"]):
            if one["id"] == "unit":
                found.append((("fieldConfig", "overrides", number, "properties", n, "value"), one.get("value")))
    for where, unit in found:
        if unit not in units() and not _OWN_UNIT.fullmatch(unit or ""):
            yield Fault((*path, *where), f"expected a unit of Grafana, or suffix:…, was {unit!r}")


def _find_doubled(places: list[tuple[Path, Any]]) -> Iterator[Fault]:
    """Find what is missing, empty, or there a second time."""
    seen: Counter[Any] = Counter()
    for path, value in places:
        seen[value] += 1
        if value is None or value == "":
            yield Fault(path, "expected one, was none")
        elif seen[value] > 1:
            yield Fault(path, f"expected another, was {value!r} a second time")


def _find_place_faults(panels: list[Any]) -> Iterator[Fault]:
    placed = []
    for number, panel in enumerate(panels):
        path: Path = ("panels", number, "gridPos")
        place = panel.get("gridPos")
        if place is None:
            yield Fault(path, "expected a place, was none")
            continue
        x, y, w, h = (place[name] for name in "xywh")
        if min(x, y) < 0 or min(w, h) < 1 or x + w > COLUMNS:
            yield Fault(path, f"expected a place within {COLUMNS} columns, was x {x}, y {y}, w {w}, h {h}")
        placed.append((number, x, y, w, h))
    for (_, x, y, w, h), (second, left, top, width, height) in itertools.combinations(placed, 2):
        if x < left + width and left < x + w and y < top + height and top < y + h:
            yield Fault(("panels", second, "gridPos"), f"overlaps the panel at x {x}, y {y}")
