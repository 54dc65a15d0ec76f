"""What is needed because something else names it: followed from document to document, to the end."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mm_ops.domain.retention.units import Unit


def follow(roots: Mapping[str, str], read: Callable[[str], Any]) -> dict[str, str]:
    """Name everything that the roots rest on, each with why.

    Args:
        roots: names of stored documents or folders, each with why it is needed.
        read: a stored document, or ``None`` where there is none or it is none.

    Returns:
        By name, why it is needed; what is named and not there is in it too.
    """
    needed, waiting = dict(roots), list(roots)
    while waiting:
        name = waiting.pop()
        for other in named_in(name, read(name)):
            if other not in needed:
                needed[other] = f"{needed[name].split(', named by ')[0]}, named by {name}"
                waiting.append(other)
    return needed


def named_in(name: str, document: Any) -> list[str]:
    """What a stored document rests on: its ``inputs``, and the ``files`` of a day's entry, which are below its bot."""
    if not isinstance(document, Mapping):
        return []
    inputs, files = document.get("inputs"), document.get("files")
    bot = name.split("/", 1)[0]
    return [
        *(inputs if isinstance(inputs, Mapping) else ()),
        *(f"{bot}/{file}" for file in (files if isinstance(files, Mapping) else ())),
    ]


def pin(units: Iterable[Unit], needed: Mapping[str, str]) -> dict[str, str]:
    """Say of each unit that holds something needed, or lies in it, why it stays."""
    owner = {folder.name: unit.name for unit in units for folder in unit.folders}
    pinned: dict[str, str] = {}
    for name, why in needed.items():
        parts = name.split("/")
        for end in range(len(parts), 0, -1):
            unit = owner.get("/".join(parts[:end]))
            if unit is not None:
                pinned.setdefault(unit, why)
                break
    return pinned
