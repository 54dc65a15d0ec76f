"""A fault of a dashboard: where it is, in words that a person finds it by, and what it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place of the document."""

    path: Path
    message: str

    def text(self, document: Any) -> str:
        """One line; a panel is named by its number on the page, from 1, and by its title."""
        path = self.path
        place = "dashboard"
        if len(path) > 1 and path[0] == "panels" and isinstance(path[1], int):
            title = look(document, (*path[:2], "title"))
            place = f"panel {path[1] + 1} ({title if isinstance(title, str) else 'without a title'})"
            path = path[2:]
        return f"{place}: {'.'.join(map(str, path)) or 'as a whole'}: {self.message}"


def look(document: Any, path: Path) -> Any:
    """What is at a place; ``None`` where there is no such place."""
    for step in path:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def texts(document: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text of a document, with its place."""
    match document:
        case str():
            yield path, document
        case dict():
            for key, value in document.items():
                yield from texts(value, (*path, key))
        case list():
            for number, value in enumerate(document):
                yield from texts(value, (*path, number))
        case _:
            pass


def shorten(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - one line of a terminal
