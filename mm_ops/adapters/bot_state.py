"""A bot's state and commands as they are written: the JSON of ``deploy/bot/openapi.yaml``."""

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.rollback.bot import (
    BotState,
    Command,
    ProfileSettings,
    SetCircuit,
    SetProfile,
    SetScale,
    SetTradingState,
    fields_of,
)

_OPTIONAL = "profile_settings"
_FIELDS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(kind, config=None if name in {"trading_state", "circuit", "observed_at"} else {"strict": True})
    for name, kind in BotState.__annotations__.items()
    if name != _OPTIONAL
}
_SETTING: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(kind, config={"strict": True}) for name, kind in ProfileSettings.__annotations__.items()
}


def parse_state(data: Any, where: str) -> BotState:
    """Read a state; fields beyond the contract's are not looked at. ``where`` names it in messages.

    Raises:
        SchemaError: a field is missing, or has a value that it cannot have.
    """
    if not isinstance(data, dict):
        raise SchemaError(f"{where}: expected a state, was {type(data).__name__}")
    missing = [name for name in _FIELDS if name not in data]
    if missing:
        raise SchemaError(f"{where}: the state lacks {', '.join(missing)}")
    try:
        settings = None if data.get(_OPTIONAL) is None else _settings(data[_OPTIONAL])
        return BotState(**{name: _field(name, data[name]) for name in _FIELDS}, profile_settings=settings)
    except SchemaError as error:
        raise SchemaError(f"{where}: {error}") from error


def wire(command: Command) -> tuple[str, dict[str, Any]]:
    """Name the path of a command, and its body."""
    return _path(command), to_plain(fields_of(command))


def read_token(path: Path | None) -> str | None:
    """Read the token as it is now, so that a changed one needs no restart; none without a file.

    Raises:
        SchemaError: it is empty, more than a line, or not readable.
    """
    if path is None:
        return None
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: the bot's token is not readable: {type(error).__name__}") from error
    if not token or not token.isprintable():
        raise SchemaError(f"{path}: expected the bot's token in one line, was {'nothing' if not token else 'more'}")
    return token


def _path(command: Command) -> str:
    match command:
        case SetScale():
            return "/strategy-scale"
        case SetCircuit():
            return "/circuit"
        case SetProfile():
            return "/profile"
        case SetTradingState():
            return "/trading-state"
        case _:
            return "/orders/freeze"


def _settings(data: Any) -> ProfileSettings:
    try:
        return ProfileSettings(**{name: kind.validate_python(data[name]) for name, kind in _SETTING.items()})
    except (ValidationError, KeyError, TypeError) as error:
        raise SchemaError(f"{_OPTIONAL}: expected {', '.join(_SETTING)}, was {str(data)[:80]!r}") from error


def _field(name: str, value: Any) -> Any:
    try:
        if name == "observed_at":
            return datetime.fromisoformat(value)
        return _FIELDS[name].validate_python(value)
    except (ValidationError, ValueError, TypeError) as error:
        raise SchemaError(f"{name}: was {str(value)[:80]!r}") from error
