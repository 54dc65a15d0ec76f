"""The one form of a dashboard: what it is, without what a Grafana writes into it for itself.

Taken out: ``id``, ``version`` and ``iteration`` (of one database), ``__requires`` and ``pluginVersion`` (of one
Grafana), the built-in annotation that every Grafana adds when it saves, and of the variables that are asked for again
at each view what somebody had chosen last. Panels are in the order in which they are seen. A whole number is written as
one, whatever Grafana made of it. Data sources are variables: see :mod:`mm_ops.domain.grafana.sources`.
"""

from collections.abc import Mapping
from typing import Any

from mm_ops.domain import canonical
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.grafana.sources import map_sources

_OF_ONE_DATABASE = frozenset({"id", "version", "iteration", "__requires"})
_ASKED_AGAIN = frozenset({"query", "datasource"})
_EXACT = 2**53
"""Below this a fraction that is whole is one whole number and no other."""


def canonical_form(document: object, where: str) -> dict[str, Any]:
    """Bring a dashboard into its one form; applied twice it changes nothing more.

    Raises:
        SchemaError: it is no dashboard, was exported for sharing, or names a data source in a way that says too little.
    """
    if not isinstance(document, dict) or not isinstance(document.get("title"), str):
        raise SchemaError(f"{where}: expected a dashboard, an object with a title and a uid")
    if document.get("__inputs"):
        raise SchemaError(f"{where}: __inputs: exported for sharing, its data sources are blanks: export it without")
    found = {name: value for name, value in document.items() if name not in _OF_ONE_DATABASE}
    for name in ("annotations", "templating"):
        if isinstance(listed := found.get(name), dict) and isinstance(listed.get("list"), list):
            found[name] = {**listed, "list": [_without_choice(item) for item in listed["list"] if not _built_in(item)]}
    if "panels" in found:
        found["panels"] = _in_order(found["panels"])
    mapped: dict[str, Any] = _whole(map_sources(found, document, where))
    return mapped


def form_digest(form: Mapping[str, Any]) -> str:
    """The digest of a dashboard in its one form."""
    return canonical.digest(canonical.encode(form))


def _built_in(item: object) -> bool:
    return isinstance(item, dict) and item.get("builtIn") == 1


def _without_choice(variable: Any) -> Any:
    if not isinstance(variable, dict) or variable.get("type") not in _ASKED_AGAIN:
        return variable
    return {name: value for name, value in variable.items() if name not in {"current", "options"}}


def _in_order(panels: Any) -> Any:
    """Panels from the top down and from left to right; those that a row holds within it."""
    if not isinstance(panels, list) or not all(isinstance(panel, dict) for panel in panels):
        return panels
    bare = [{name: value for name, value in panel.items() if name != "pluginVersion"} for panel in panels]
    nested = [{**panel, "panels": _in_order(panel["panels"])} if "panels" in panel else panel for panel in bare]
    return sorted(nested, key=_place)


def _place(panel: Mapping[str, Any]) -> tuple[float, float, str]:
    grid = panel.get("gridPos")
    numbers = [grid.get(name) if isinstance(grid, dict) else None for name in ("y", "x")]
    y, x = (float(number) if isinstance(number, int | float) else 0.0 for number in numbers)
    return y, x, str(panel.get("id"))


def _whole(value: Any) -> Any:
    match value:
        case dict():
            return {name: _whole(item) for name, item in value.items()}
        case list():
            return [_whole(item) for item in value]
        case float() if value.is_integer() and abs(value) < _EXACT:
            return int(value)
        case _:
            return value
