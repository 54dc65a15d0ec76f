"""One value, one sequence of bytes: sorted keys, fixed separators, floats by ``repr``, newline at the end."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any


def to_plain(value: object) -> Any:  # noqa: PLR0911 - one return for each kind of value
    """Turn dataclasses, enums, times and tuples into what JSON knows; durations become seconds.

    Raises:
        TypeError: the value has a type with no single textual form (a set, say).
    """
    match value:
        case Enum():
            return value.value
        case None | str() | bool() | int() | float():
            return value
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(key): to_plain(item) for key, item in value.items()}
        case list() | tuple():
            return [to_plain(item) for item in value]
        case _:
            return _fields(value)


def _fields(value: object) -> dict[str, Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"expected a value with one textual form, was {type(value).__name__}")


def encode(value: object) -> bytes:
    """Canonical JSON, indented so that a person can read it and a diff shows one line for one value.

    Raises:
        ValueError: NaN or infinity, which JSON has no word for: absence is ``None``, on purpose.
    """
    text = json.dumps(
        to_plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1, separators=(",", ": ")
    )
    return text.encode() + b"\n"


def number_text(value: float) -> str:
    """Write a number short where that loses nothing, else in full: a limit is the same to the last bit everywhere."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def digest(data: bytes) -> str:
    """``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
