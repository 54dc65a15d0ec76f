"""Every field of a dashboard against the SDK's own types.

``from_json`` of the SDK ignores a field that it does not know and takes a text for a number. Here each object is
walked along the type hints of its class; which JSON name belongs to which attribute is asked of ``to_json``, not
guessed. Where a hint says ``object`` the panel's plugin says which class it is: its options, the ``custom`` part of
its field configuration, and the values of overrides.
"""

import json
import types
import typing
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from mm_ops.domain.rendering.faults import Fault, Path, shorten

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # as in dashboard.py
    from grafana_foundation_sdk.cog import plugins
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.variants import Dataquery
    from grafana_foundation_sdk.models import dashboard, prometheus, timeseries
    from grafana_foundation_sdk.models import units as known_units


@dataclass(frozen=True, slots=True)
class Plugin:
    """The classes that a type of panel brings along."""

    options: type
    custom: type


PLUGINS: Mapping[str, Plugin] = {"timeseries": Plugin(timeseries.Options, timeseries.FieldConfig)}
"""The types of panel that are allowed; a fault in another could not be seen."""

_SCALARS: Mapping[object, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (int, float)}


def find_type_faults(document: Any) -> Iterator[Fault]:
    """Find every field that is unknown, missing, or of another type than the SDK's."""
    yield from _walk(document, dashboard.Dashboard, (), None)


def through_sdk(document: Any) -> Any:
    """Read a dashboard with the SDK, and give what it writes."""
    plugins.register_default_plugins()
    return json.loads(JSONEncoder().encode(dashboard.Dashboard.from_json(document)))


def schema_version() -> int:
    """The version of the dashboard schema that the SDK is of."""
    return dashboard.Dashboard().schema_version


@cache
def units() -> frozenset[str]:
    """Every unit that Grafana knows by name."""
    return frozenset(value for name, value in vars(known_units).items() if name[0].isupper() and isinstance(value, str))


@cache
def fields(kind: type) -> dict[str, Any]:
    """JSON name to type hint of a class of the SDK."""
    hints = typing.get_type_hints(kind)
    blank: Any = object.__new__(kind)
    marks = {attribute: object() for attribute in hints}
    for attribute, mark in marks.items():
        setattr(blank, attribute, mark)
    attributes = {id(mark): attribute for attribute, mark in marks.items()}
    return {name: hints[attributes[id(mark)]] for name, mark in blank.to_json().items()}


def _walk(value: Any, hint: Any, path: Path, plugin: Plugin | None) -> Iterator[Fault]:
    origin = get_origin(hint)
    if hint is object:
        return
    if origin in {Union, types.UnionType}:
        yield from _walk_union(value, hint, path, plugin)
    elif origin is list:
        yield from _walk_list(value, get_args(hint)[0], path, plugin)
    elif origin is dict:
        yield from _walk_mapping(value, get_args(hint)[1], path, plugin)
    elif origin is Literal or (isinstance(hint, type) and issubclass(hint, Enum)):
        yield from _walk_choice(value, hint, path)
    elif hint in _SCALARS:
        if type(value) not in _SCALARS[hint]:
            yield _misfit(path, hint.__name__, value)
    else:
        yield from _walk_object(value, prometheus.Dataquery if hint is Dataquery else hint, path, plugin)


def _walk_union(value: Any, hint: Any, path: Path, plugin: Plugin | None) -> Iterator[Fault]:
    """Accept what any of the types accepts; else report what the nearest of them finds."""
    options = [option for option in get_args(hint) if option is not types.NoneType]
    if value is None and types.NoneType in get_args(hint):
        return
    yield from min((list(_walk(value, option, path, plugin)) for option in options), key=len)


def _walk_list(value: Any, hint: Any, path: Path, plugin: Plugin | None) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield _misfit(path, "list", value)
        return
    for number, item in enumerate(value):
        yield from _walk(item, hint, (*path, number), plugin)


def _walk_mapping(value: Any, hint: Any, path: Path, plugin: Plugin | None) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _misfit(path, "mapping", value)
        return
    for key, item in value.items():
        yield from _walk(item, hint, (*path, key), plugin)


def _walk_choice(value: Any, hint: Any, path: Path) -> Iterator[Fault]:
    choices = get_args(hint) if get_origin(hint) is Literal else [member.value for member in hint]
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        yield _misfit(path, f"one of {', '.join(map(str, choices))}", value)


def _walk_object(value: Any, kind: type, path: Path, plugin: Plugin | None) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _misfit(path, "mapping", value)
        return
    if kind is dashboard.Panel:
        plugin = PLUGINS.get(str(value.get("type")))
        if plugin is None:
            yield _misfit((*path, "type"), f"one of {', '.join(PLUGINS)}", value.get("type"))
            return
    if kind is dashboard.DynamicConfigValue and plugin and str(value.get("id")) not in _properties(plugin):
        yield _misfit((*path, "id"), "a field of the panel", value.get("id"))
        return
    yield from _walk_fields(value, kind, path, plugin)


def _walk_fields(value: dict[str, Any], kind: type, path: Path, plugin: Plugin | None) -> Iterator[Fault]:
    hints = _bind(kind, value, plugin)
    for name, item in value.items():
        if name in hints:
            yield from _walk(item, hints[name], (*path, name), plugin)
        else:
            yield Fault((*path, name), f"unknown field of {kind.__name__}")
    for name in hints:
        if name not in value and not _optional(hints[name]):
            yield Fault((*path, name), f"missing field of {kind.__name__}")


def _bind(kind: type, value: dict[str, Any], plugin: Plugin | None) -> dict[str, Any]:
    """Put the plugin's classes where the SDK's hints say ``object``."""
    hints = fields(kind)
    if plugin is None:
        return hints
    if kind is dashboard.Panel:
        return hints | {"options": plugin.options | None}
    if kind is dashboard.FieldConfig:
        return hints | {"custom": plugin.custom | None}
    if kind is dashboard.DynamicConfigValue:
        return hints | {"value": _properties(plugin)[value["id"]]}
    return hints


def _properties(plugin: Plugin) -> dict[str, Any]:
    """What an override may set, by its name there, and of which type it is."""
    custom = {f"custom.{name}": hint for name, hint in fields(plugin.custom).items()}
    return {name: hint for name, hint in fields(dashboard.FieldConfig).items() if name != "custom"} | custom


def _optional(hint: Any) -> bool:
    return hint is object or types.NoneType in get_args(hint)


def _misfit(path: Path, expected: str, value: object) -> Fault:
    return Fault(path, f"expected {expected}, was {shorten(value)}")
