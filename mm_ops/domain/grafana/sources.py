"""Data sources as variables, so that a dashboard is the same in every Grafana.

A data source that a dashboard names by its uid exists in one Grafana only. It becomes the variable that it was the
chosen value of; else the first data source variable of its type that stands for no other; else a new one. Two data
sources never become one. What every Grafana has (``-- Grafana --``, mixed, expressions, the default) stays.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mm_ops.domain.errors import SchemaError

_EVERYWHERE = frozenset({"-- Grafana --", "-- Mixed --", "-- Dashboard --", "grafana", "__expr__", "-100", "default"})
_MAIN = "prometheus"


def map_sources(document: dict[str, Any], before: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Put variables where data sources are named by uid; ``before`` is the dashboard with what was chosen last.

    Raises:
        SchemaError: one is named without its type, or by its name as Grafana before 8.3 did.
    """
    variables = _Variables(document, before)
    mapped: dict[str, Any] = _walk(document, variables, where)
    if variables.made:
        listed = mapped.get("templating") if isinstance(mapped.get("templating"), dict) else {}
        mapped["templating"] = {**(listed or {}), "list": [*variables.made, *_listed(mapped)]}
    return mapped


class _Variables:
    """The data source variables of a dashboard, and which data source each one stands for."""

    def __init__(self, document: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        self.made: list[dict[str, Any]] = []
        self._taken = {str(variable.get("name")) for variable in _listed(document)}
        self._of: dict[tuple[str, str], str] = {}
        self._free: dict[str, list[str]] = {}
        for variable in _listed(before):
            if variable.get("type") != "datasource":
                continue
            name, kind, current = str(variable.get("name")), str(variable.get("query")), variable.get("current")
            chosen = current.get("value") if isinstance(current, dict) else None
            if isinstance(chosen, str) and chosen:
                self._of.setdefault((kind, chosen), name)
            else:
                self._free.setdefault(kind, []).append(name)

    def name(self, kind: str, uid: str) -> str:
        """The variable that stands for a data source from now on."""
        if (kind, uid) not in self._of:
            free = self._free.get(kind)
            self._of[kind, uid] = free.pop(0) if free else self._make(kind)
        return self._of[kind, uid]

    def _make(self, kind: str) -> str:
        base = "datasource" if kind == _MAIN else "datasource_" + re.sub(r"\W+", "_", kind)
        name = next(name for name in _numbered(base) if name not in self._taken)
        self._taken.add(name)
        self.made.append({"name": name, "type": "datasource", "query": kind, "multi": False, "includeAll": False})
        return name


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}_{number}"
        number += 1


def _listed(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    templating = document.get("templating")
    listed = templating.get("list") if isinstance(templating, dict) else None
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _walk(value: Any, variables: _Variables, where: str) -> Any:
    """Go through everything in an order that does not depend on how it was written."""
    if isinstance(value, list):
        return [_walk(item, variables, f"{where}[{number}]") for number, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    return {
        name: _mapped(value[name], variables, f"{where}.{name}")
        if name == "datasource"
        else _walk(value[name], variables, f"{where}.{name}")
        for name in sorted(value)
    }


def _mapped(source: Any, variables: _Variables, where: str) -> Any:
    if isinstance(source, str):
        if source.startswith("$") or source in _EVERYWHERE:
            return source
        raise SchemaError(f"{where}: {source!r} is a name, as before Grafana 8.3: open it in a newer one and save it")
    uid = source.get("uid") if isinstance(source, dict) else None
    if not isinstance(uid, str) or uid.startswith("$") or uid in _EVERYWHERE:
        return source
    kind = source.get("type")
    if not isinstance(kind, str) or not kind:
        raise SchemaError(f"{where}: {uid!r} without a type: choose the data source again in Grafana and save it")
    return {**source, "uid": f"${{{variables.name(kind, uid)}}}"}
