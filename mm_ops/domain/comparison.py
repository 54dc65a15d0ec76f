"""Every difference between two JSON values, path by path, with a tolerance on numbers and on nothing else.

Two numbers agree when |actual − baseline| ≤ max(absolute, relative·max(|actual|, |baseline|)). Whole and fractional
numbers compare as numbers; a boolean is never a number. NaN equals nothing, not even NaN: a baseline that holds it has
nothing to say. Keys, types and lengths are strict, and null equals only null.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.errors import SchemaError

MAX_DEPTH = 100
_ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far numbers may differ."""

    absolute: float
    relative: float


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference; ``difference`` and ``tolerance`` are numbers only where two numbers differ."""

    path: str
    why: str
    baseline: Any
    actual: Any
    difference: float | None = None
    tolerance: float | None = None


def compare(baseline: Any, actual: Any, tolerance: Tolerance) -> list[Drift]:
    """List every difference, in the order of the baseline's keys.

    Raises:
        SchemaError: the values are nested deeper than 100 levels.
    """
    return list(_walk(baseline, actual, tolerance, "$", 0))


def _walk(baseline: Any, actual: Any, tolerance: Tolerance, path: str, depth: int) -> Iterator[Drift]:
    if depth > MAX_DEPTH:
        raise SchemaError(f"{path[:60]}…: nested deeper than {MAX_DEPTH} levels; a report is not")
    if isinstance(baseline, Mapping) and isinstance(actual, Mapping):
        yield from _walk_mapping(baseline, actual, tolerance, path, depth)
    elif _is_list(baseline) and _is_list(actual):
        yield from _walk_list(baseline, actual, tolerance, path, depth)
    elif _is_number(baseline) and _is_number(actual):
        yield from _compare_numbers(baseline, actual, tolerance, path)
    elif type(baseline) is not type(actual):
        yield Drift(path, f"type: expected {_kind(baseline)}, was {_kind(actual)}", baseline, actual)
    elif baseline != actual:
        yield Drift(path, "value", baseline, actual)


def _walk_mapping(
    baseline: Mapping[str, Any], actual: Mapping[str, Any], tolerance: Tolerance, path: str, depth: int
) -> Iterator[Drift]:
    for key, value in baseline.items():
        if key in actual:
            yield from _walk(value, actual[key], tolerance, f"{path}.{key}", depth + 1)
        else:
            yield Drift(f"{path}.{key}", "key missing", value, _ABSENT)
    for key in actual:
        if key not in baseline:
            yield Drift(f"{path}.{key}", "key not in the baseline", _ABSENT, actual[key])


def _walk_list(
    baseline: Sequence[Any], actual: Sequence[Any], tolerance: Tolerance, path: str, depth: int
) -> Iterator[Drift]:
    if len(baseline) != len(actual):
        yield Drift(path, "length", len(baseline), len(actual))
    for n, (value, other) in enumerate(zip(baseline, actual, strict=False)):
        yield from _walk(value, other, tolerance, f"{path}[{n}]", depth + 1)


def _compare_numbers(baseline: float, actual: float, tolerance: Tolerance, path: str) -> Iterator[Drift]:
    if baseline == actual:
        return
    difference = abs(actual - baseline)
    allowed = max(tolerance.absolute, tolerance.relative * max(abs(baseline), abs(actual)))
    if not difference <= allowed or math.isinf(allowed):  # NaN makes every comparison false, so ask for agreement
        yield Drift(path, "number", baseline, actual, difference, allowed)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"
