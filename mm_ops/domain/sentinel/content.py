"""Whether a result holds what a result must hold."""

import json
from collections.abc import Mapping
from typing import Any

from mm_ops.domain.sentinel.tasks import Content

_SHOWN = 60
_NOT_THERE = object()


def fault_of_bytes(content: Content, data: bytes) -> str:
    """Say what a file lacks; empty where it lacks nothing."""
    if content.non_empty and not data.strip():
        return "the result is empty"
    if content.field is None:
        return ""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        return f"the result is no JSON: {' '.join(str(error).split())}"
    return fault_of_document(content, document)


def fault_of_document(content: Content, document: Any) -> str:
    """Say what a document, or the metadata of a materialisation, lacks; empty where it lacks nothing."""
    found = _find(document, (content.field or "").split("."))
    expected = ", ".join(json.dumps(one) for one in content.expected)
    if found is _NOT_THERE:
        return f"the result has no {content.field}: expected {expected}"
    if any(type(found) is type(one) and found == one for one in content.expected):
        return ""
    return f"{content.field} is {_shorten(found)}: expected {expected}"


def _find(document: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(document, Mapping) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return _NOT_THERE
    return document


def _shorten(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
