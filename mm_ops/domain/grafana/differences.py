"""How two dashboards differ, in places that a person finds in them: a panel by its id, a variable by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.comparison import Drift, Tolerance, compare, parse_pattern

_EXACTLY = Tolerance(0.0, 0.0)
_KEYS = {"panels": "id", "targets": "refId", "list": "name"}
"""Lists of things that have a name of their own: one more in the middle is one difference, and not a hundred."""

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Difference:
    """One place; ``here`` is committed, ``there`` is in Grafana; the text of each is short."""

    place: str
    here: str
    there: str

    def __str__(self) -> str:
        return f"{self.place}: committed {self.here}, in Grafana {self.there}"


def find_differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[Difference]:
    """Compare two dashboards in their one form; equal numbers are equal however they are written.

    Raises:
        SchemaError: one is nested deeper than 100 levels.
    """
    one, other = _keyed(here), _keyed(there)
    found = [_told(drift, one, other) for drift in compare(one, other, _EXACTLY)]
    if not found and compare(dict(here), dict(there), _EXACTLY):
        return [Difference("$", "its queries or variables in one order", "the same in another")]
    return found


def _keyed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _by_key(_KEYS.get(name), item) for name, item in value.items()}
    return [_keyed(item) for item in value] if isinstance(value, list) else value


def _by_key(key: str | None, value: Any) -> Any:
    """A list as a mapping by what its items are called, where each has a name of its own."""
    if key is None or not isinstance(value, list) or not all(isinstance(item, dict) and key in item for item in value):
        return _keyed(value)
    names = [str(item[key]) for item in value]
    if len(set(names)) != len(names):
        return _keyed(value)
    return dict(zip(names, (_keyed(item) for item in value), strict=True))


def _told(drift: Drift, one: Any, other: Any) -> Difference:
    steps = parse_pattern(drift.path)
    title = ""
    if len(steps) > 1 and steps[0] == "panels":
        named = [side["panels"].get(str(steps[1])) for side in (one, other) if isinstance(side.get("panels"), dict)]
        title = next((f" ({panel['title']})" for panel in named if panel and isinstance(panel.get("title"), str)), "")
    return Difference(f"{drift.path}{title}", _short(drift.baseline), _short(drift.actual))


def _short(value: Any) -> str:
    match value:
        case "absent":
            return "nothing"
        case dict():
            return f"an object of {len(value)} fields"
        case list():
            return f"a list of {len(value)}"
        case _:
            text = repr(value)
            return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
