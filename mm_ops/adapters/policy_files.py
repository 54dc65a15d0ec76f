"""Reads policy files (YAML) into frozen domain types; every fault is named with file, line and field.

YAML is parsed by PyYAML (1.1): ``no`` is a boolean and ``12:30:00`` a number there, so text fields are strict
and such surprises become errors. Anchors are refused (they can explode), and so are doubled keys (the last
would silently win).
"""

import datetime as dt
import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from mm_ops.domain.errors import PolicyError

T = TypeVar("T")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""With libyaml, where PyYAML was built with it: the watcher reads five files before it is ready."""

_NOT_FINITE = "Out of range float values are not JSON compliant"


def read_policy(path: Path, kind: type[T]) -> T:
    """Read one file into ``kind``, a frozen pydantic dataclass with ``config=CLOSED``.

    Raises:
        PolicyError: one line per fault, each ``file:line: field: expected, was``.
    """
    policy: T = _parse(path, _read(path), cast("Any", kind))  # mypy takes no type for hashable
    return policy


@functools.lru_cache(maxsize=128)
def _parse(path: Path, text: str, kind: Any) -> Any:
    """Parse a text once: a night asks 35 times for 12 files."""
    node, data = _tree(path, text)
    try:
        return TypeAdapter(kind).validate_json(as_json(data))
    except ValidationError as error:
        raise PolicyError("\n".join(faults_of(path, node, error))) from error


def read_tree(path: Path) -> tuple[yaml.Node, Any]:
    """Read a file that may break its schema: where everything stands, and the plain values.

    Raises:
        PolicyError: it cannot be read, or is no YAML of ours.
    """
    return _tree(path, _read(path))


def as_json(data: object) -> str:
    """Write plain values for a strict look: text in YAML is then text."""
    return json.dumps(data, default=_as_text)


def _tree(path: Path, text: str) -> tuple[yaml.Node, Any]:
    try:
        node = _compose(path, text)
        return node, _plain(path, node)
    except RecursionError as error:
        raise PolicyError(f"{path}: not readable as YAML: nested too deep") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PolicyError(f"{path}: the policy file is missing") from error
    except OSError as error:
        raise PolicyError(f"{path}: the policy file is not readable: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from error


def _compose(path: Path, text: str) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise PolicyError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from error
    if node is None:
        raise PolicyError(f"{path}: the policy file is empty")
    _refuse_surprises(path, node, seen=set())
    return node


def _refuse_surprises(path: Path, node: yaml.Node, seen: set[int]) -> None:
    if id(node) in seen:
        raise PolicyError(f"{path}:{_line(node)}: aliases are not allowed in a policy; write the value again")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise PolicyError(f"{path}:{_line(key)}: expected a word as a key, was a list or a mapping")
            if key.value in keys:
                raise PolicyError(f"{path}:{_line(key)}: {key.value}: the key stands twice; the last would win")
            keys.add(key.value)
            _refuse_surprises(path, value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_surprises(path, item, seen)


def _plain(path: Path, node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        for place, field in _leaves(node, ""):
            _refuse_value(path, loader, place, field)
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise PolicyError(f"{path}: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()


def _leaves(node: yaml.Node, field: str) -> Iterator[tuple[yaml.Node, str]]:
    """Every value that holds no other, with the path of its field; in the end the node itself."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key, f"{field}.{key.value}".removeprefix(".")
            yield from _leaves(value, f"{field}.{key.value}".removeprefix("."))
    elif isinstance(node, yaml.SequenceNode):
        for n, item in enumerate(node.value):
            yield from _leaves(item, f"{field}.{n}".removeprefix("."))
    yield node, field or "top level"


def _refuse_value(path: Path, loader: yaml.SafeLoader, node: yaml.Node, field: str) -> None:
    """Refuse what JSON has no word for (not a number, bytes, a set) and what is none of its kind (day 45)."""
    try:
        json.dumps(loader.construct_document(node), allow_nan=False, default=_as_text)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        said = str(getattr(error, "problem", None) or error).replace(_NOT_FINITE, "expected a finite number")
        was = f", was {_shorten(node.value)}" if isinstance(node, yaml.ScalarNode) else ""
        raise PolicyError(f"{path}:{_line(node)}: {field}: {' '.join(said.split())}{was}") from error


def _as_text(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"expected text, a number, a list or a mapping, found {type(value).__name__}")


def faults_of(path: Path, node: yaml.Node, error: ValidationError, within: tuple[str | int, ...] = ()) -> Iterator[str]:
    """Say each fault with file, line and field; ``within`` leads to the part of the file that was looked at."""
    for fault in _of_their_own(error.errors(include_url=False)):
        steps = [*within, *(step for step in fault["loc"] if _names_a_place(step))]
        place, field = _find(node, steps)
        message = fault["msg"].removeprefix("Value error, ")
        shown = "" if fault["type"] in {"missing", "value_error"} else f", was {_shorten(fault['input'])}"
        yield f"{path}:{_line(place)}: {field or 'top level'}: {message}{shown}"


def _of_their_own(faults: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """All but those that follow from others: a list is called too short where its items are refused."""
    for fault in faults:
        place = fault["loc"]
        below = any(other["loc"][: len(place)] == place and len(other["loc"]) > len(place) for other in faults)
        if fault["type"] != "too_short" or not below:
            yield fault


def _names_a_place(step: object) -> bool:
    """Pydantic puts the tag of a union into the path as well; the file has no such step."""
    return isinstance(step, int) or (isinstance(step, str) and "[" not in step)


def _find(node: yaml.Node, steps: list[Any]) -> tuple[yaml.Node, str]:
    """Follow a path as far as the file goes; what is missing is reported at its parent."""
    names = []
    for step in steps:
        child = _child(node, step)
        if child is not None:
            node = child
            names.append(str(step))
        elif step == steps[-1]:
            names.append(str(step))
    return node, ".".join(names)


def _child(node: yaml.Node, step: Any) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: yaml.Node = node.value[step]
        return item
    return None


def line_of(node: yaml.Node, steps: tuple[str | int, ...]) -> int:
    """Count the line at which something stands, from 1."""
    return _line(_find(node, list(steps))[0])


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - one line of a terminal
