"""Every difference between two JSON values, path by path, with a tolerance on numbers and on nothing else.

Two numbers agree when |actual − baseline| ≤ max(absolute, relative·max(|actual|, |baseline|)). Whole and fractional
numbers compare as numbers; a boolean is never a number. NaN equals nothing, not even NaN: a baseline that holds it has
nothing to say. Keys, types and lengths are strict, and null equals only null.

A tolerance may be another one below some paths (:class:`PathTolerance`). The first pattern that fits a number decides;
without one the general tolerance does.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.errors import SchemaError

MAX_DEPTH = 100
PATTERN = r"^\$(\.([\w-]+|\*)|\[([0-9]+|\*)\]|\[\"([^\"\\]|\\.)*\"\])+$"
_ABSENT = "absent"
_STEP = re.compile(r"\.([\w-]+|\*)|\[([0-9]+|\*)\]|\[(\"(?:[^\"\\]|\\.)*\")\]")
_PLAIN_KEY = re.compile(r"[\w-]+")
_LARGEST = 1e308
_ANY = "*"

Step = str | int
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far numbers may differ."""

    absolute: float
    relative: float

    def allowed(self, one: float, other: float) -> float:
        """How far these two may differ; nothing is allowed of a number that is none or too large to be one."""
        size = max(abs(one), abs(other))
        return max(self.absolute, self.relative * size) if size <= _LARGEST else 0.0


@dataclass(frozen=True, slots=True)
class PathTolerance:
    """The tolerance of the numbers whose path fits ``pattern``, such as ``$.by_symbol.*.fills`` or ``$.hours[*].x``."""

    pattern: str
    tolerance: Tolerance


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference; ``difference`` and ``tolerance`` are numbers only where two numbers differ."""

    path: str
    why: str
    baseline: Any
    actual: Any
    difference: float | None = None
    tolerance: float | None = None


_Rule = tuple[Path, Tolerance]


def compare(baseline: Any, actual: Any, tolerance: Tolerance, paths: Sequence[PathTolerance] = ()) -> list[Drift]:
    """List every difference, in the order of the baseline's keys.

    Args:
        baseline: plain JSON.
        actual: plain JSON.
        tolerance: of every number that no pattern of ``paths`` fits.
        paths: other tolerances, the first that fits first.

    Raises:
        SchemaError: the values are nested deeper than 100 levels.
    """
    walk = _Walk(tolerance)
    walk.visit(baseline, actual, tuple((parse_pattern(item.pattern), item.tolerance) for item in paths))
    return walk.found


def parse_pattern(pattern: str) -> Path:
    """Take a pattern or a path apart: keys as text, positions as numbers, ``*`` for any key or any position."""
    return tuple(_read_step(*match.groups()) for match in _STEP.finditer(pattern))


def _read_step(key: str | None, position: str | None, quoted: str) -> Step:
    if key is not None:
        return key
    if position is not None:
        return int(position) if position != _ANY else _ANY
    text: str = json.loads(quoted)
    return text


def tolerance_at(path: str, tolerance: Tolerance, paths: Sequence[PathTolerance]) -> Tolerance:
    """The tolerance of the number at a path as :func:`path_text` writes it."""
    steps = parse_pattern(path)
    fitting = (item.tolerance for item in paths if _fits(parse_pattern(item.pattern), steps))
    return next(fitting, tolerance)


def _fits(pattern: Path, steps: Path) -> bool:
    return len(pattern) == len(steps) and all(one in {step, _ANY} for one, step in zip(pattern, steps, strict=True))


def path_text(path: Path) -> str:
    """Write ``$.by_symbol.X[3]``; a key that is no plain word is quoted, so that it is one key on one line."""
    return "$" + "".join(_step_text(step) for step in path)


def _step_text(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{json.dumps(step)}]"


class _Walk:
    """Goes down both values at once; a path is written only where they differ, since most never do."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.found: list[Drift] = []
        self._general = tolerance
        self._path: list[Step] = []

    def _near(self, value: Any, other: Any) -> bool:
        """Whether two fractional numbers agree: nine of ten values are that, and need no more steps."""
        if type(value) is float and type(other) is float:
            return math.isclose(value, other, rel_tol=self._general.relative, abs_tol=self._general.absolute)
        return False

    def visit(self, baseline: Any, actual: Any, rules: tuple[_Rule, ...]) -> None:
        if len(self._path) > MAX_DEPTH:
            raise SchemaError(f"{path_text((*self._path,))[:60]}…: nested deeper than {MAX_DEPTH} levels; none is")
        if isinstance(baseline, dict) and isinstance(actual, dict):
            self._mapping(baseline, actual, rules)
        elif isinstance(baseline, list | tuple) and isinstance(actual, list | tuple):
            self._list(baseline, actual, rules)
        elif _is_number(baseline) and _is_number(actual):
            self._numbers(baseline, actual, rules)
        elif type(baseline) is not type(actual):
            self._add(f"type: expected {_kind(baseline)}, was {_kind(actual)}", baseline, actual)
        elif baseline != actual:
            self._add("value", baseline, actual)

    def _mapping(self, baseline: dict[str, Any], actual: dict[str, Any], rules: tuple[_Rule, ...]) -> None:
        for key, value in baseline.items():
            other = actual.get(key, _Walk)  # nothing in JSON is this class
            if not rules and self._near(value, other):
                continue
            self._path.append(key)
            if other is _Walk:
                self._add("key missing", value, _ABSENT)
            else:
                self.visit(value, other, _below(rules, key))
            self._path.pop()
        for key in [key for key in actual if key not in baseline]:
            self._path.append(key)
            self._add("key not in the baseline", _ABSENT, actual[key])
            self._path.pop()

    def _list(self, baseline: Sequence[Any], actual: Sequence[Any], rules: tuple[_Rule, ...]) -> None:
        if len(baseline) != len(actual):
            self._add("length", len(baseline), len(actual))
        for n, (value, other) in enumerate(zip(baseline, actual, strict=False)):
            if not rules and self._near(value, other):
                continue
            self._path.append(n)
            self.visit(value, other, _below(rules, n))
            self._path.pop()

    def _numbers(self, baseline: float, actual: float, rules: tuple[_Rule, ...]) -> None:
        if baseline == actual:
            return
        tolerance = next((tolerance for path, tolerance in rules if not path), self._general)
        difference = abs(actual - baseline)
        allowed = tolerance.allowed(baseline, actual)
        if not difference <= allowed or math.isinf(allowed):  # NaN makes every comparison false, so ask for agreement
            self._add("number", baseline, actual, difference, allowed)

    def _add(self, why: str, baseline: Any, actual: Any, *numbers: float) -> None:
        self.found.append(Drift(path_text((*self._path,)), why, baseline, actual, *numbers))


def _below(rules: tuple[_Rule, ...], step: Step) -> tuple[_Rule, ...]:
    """The rules that go on with a step."""
    if not rules:
        return rules
    return tuple((path[1:], tolerance) for path, tolerance in rules if path and path[0] in {step, _ANY})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
