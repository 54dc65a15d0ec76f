"""What the live bot was asked for: one value a field, set and never added to, so that asking twice is asking once.

``deploy/bot/openapi.yaml`` is the contract. HALTED is latched: only REDUCING, and then ACTIVE, leads out of it.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

TRADING_STATES = ("ACTIVE", "REDUCING", "HALTED")
CIRCUITS = ("closed", "half_open", "open")
"""From the loosest to the strictest."""
KEYS_KEPT = 10_000
_LONGEST_KEY = 200


class RefusalError(Exception):
    """A command that is not done: HTTP status, a title that is always the same, and what was wrong."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


@dataclass(frozen=True, slots=True)
class Settings:
    """How many times as wide as usual it quotes, how many orders may be under way, the pause after a refused one."""

    spread_factor: float
    max_in_flight: int
    backoff_ms: int


OWN = {"base": Settings(1.0, 10, 100), "moderate": Settings(1.0, 10, 100), "conservative": Settings(1.5, 5, 200)}
"""The trading profiles that the bot knows, and what each comes down to where nobody says it."""
BOUNDS = {"spread_factor": (0.1, 10), "max_in_flight": (1, 100), "backoff_ms": (0, 10_000)}
"""What the bot would trade by, both ends included."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was last asked for. ``circuit`` is the least strict that the bot's own breaker may be."""

    trading_state: str = "ACTIVE"
    strategy_scale: float = 1.0
    circuit: str = "closed"
    orders_frozen: bool = False
    profile: str = "base"
    profile_settings: Settings = OWN["base"]

    def as_dict(self) -> dict[str, Any]:
        """The values by field."""
        return asdict(self)


@dataclass(slots=True)
class Control:
    """The values, the keys that were seen, and a number that grows with every change.

    ``sequence`` starts at the milliseconds of the process's start, so that it does not fall over a restart either.
    """

    sequence: int
    asked: Asked = Asked()
    _keys: OrderedDict[str, tuple[str, Any, Settings | None]] = field(default_factory=OrderedDict)

    def put(self, name: str, value: Any, key: str | None, settings: Any = None) -> bool:
        """Set one field, a profile with its settings; false where the key was seen before, and then nothing is set.

        Raises:
            RefusalError: no key, a value that is none of the field's, a key that was another command's, or HALTED
                to ACTIVE.
        """
        if key is None or not 0 < len(key) <= _LONGEST_KEY:
            raise RefusalError(
                400, "idempotency key", f"expected a header Idempotency-Key of 1 to {_LONGEST_KEY} letters"
            )
        command = (name, check(name, value), check_settings(settings))
        if key in self._keys:
            if self._keys[key] != command:
                raise RefusalError(422, "idempotency key", "this key was used for another command")
            return False
        self.change(*command)
        self._keys[key] = command
        if len(self._keys) > KEYS_KEPT:
            self._keys.popitem(last=False)
        return True

    def change(self, name: str, value: Any, settings: Settings | None = None) -> None:
        """Set one checked field; a profile with these settings, or with its own.

        Raises:
            RefusalError: HALTED to ACTIVE.
        """
        if name == "trading_state" and (self.asked.trading_state, value) == ("HALTED", "ACTIVE"):
            raise RefusalError(409, "latched", "trading_state: HALTED is left by REDUCING only, and then ACTIVE")
        after = replace(self.asked, **{name: value})
        if name == "profile":
            after = replace(after, profile_settings=settings or OWN[value])
        if after != self.asked:
            self.asked = after
            self.sequence += 1


def check(name: str, value: Any) -> Any:
    """Give the value back as it is kept.

    Raises:
        RefusalError: it is none of the field's.
    """
    expected, suits = _FIELDS[name]
    if not suits(value):
        raise RefusalError(422, "value", f"{name}: expected {expected}, was {value!r}"[:300])
    return float(value) if name == "strategy_scale" else value


def check_settings(value: Any) -> Settings | None:
    """Give the settings of a profile back as they are kept; nothing where there are none.

    Raises:
        RefusalError: they are none, or the bot would not trade by them.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) != set(BOUNDS):
        raise RefusalError(422, "value", f"profile_settings: expected {', '.join(BOUNDS)} and nothing else")
    for name, (least, most) in BOUNDS.items():
        kinds = (int, float) if name == "spread_factor" else (int,)
        number = value[name]
        if not isinstance(number, kinds) or isinstance(number, bool) or not least <= number <= most:
            raise RefusalError(
                422, "value", f"profile_settings: {name}: expected {least:g} to {most:g}, was {number!r}"[:300]
            )
    return Settings(**{**value, "spread_factor": float(value["spread_factor"])})


def restored(data: Mapping[str, Any]) -> Asked:
    """What an earlier process of this bot was asked for, from the state that it wrote.

    Raises:
        RefusalError: a value is none of its field's.
        KeyError: a field is missing.
    """
    names = [item.name for item in fields(Asked) if item.name != "profile_settings"]
    values = {name: data[name] for name in names} | {"circuit": data["asked_circuit"]}
    checked = {name: check(name, value) for name, value in values.items()}
    settings = check_settings(data.get("profile_settings")) or OWN[checked["profile"]]
    return Asked(**checked, profile_settings=settings)


def strictest(first: str, second: str) -> str:
    """Of two states of the circuit the one that lets less through."""
    return max(first, second, key=CIRCUITS.index)


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= 1


def _one_of(*words: str) -> tuple[str, Callable[[Any], bool]]:
    return ", ".join(words), lambda value: isinstance(value, str) and value in words


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "trading_state": _one_of(*TRADING_STATES),
    "strategy_scale": ("a number from 0 to 1", _is_share),
    "circuit": _one_of(*CIRCUITS),
    "orders_frozen": ("true or false", lambda value: isinstance(value, bool)),
    "profile": _one_of(*OWN),
}
