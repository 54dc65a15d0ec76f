"""What is kept or rotated out as a whole: a run's folder, or folders that mean nothing without each other.

A pattern names such folders below the root: ``{bot}`` is any name, ``{day}`` a UTC day, ``{start}`` a compact UTC time,
``*`` anything but a slash. Folders of one rule with the same bot, day and start are one unit.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

_PARTS = {
    "{bot}": r"(?P<bot>[^/.][^/]*)",
    "{day}": r"(?P<day>\d{4}-\d\d-\d\d)",
    "{start}": r"(?P<start>\d{8}T\d{6}(?:\.\d{1,6})?Z)",
    "*": r"[^/]*",
}
_TOKEN = re.compile("|".join(map(re.escape, _PARTS)))


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder that a pattern names: its name below the root, bytes, files, and when it changed last."""

    name: str
    size: int
    files: int
    changed: datetime


@dataclass(frozen=True, slots=True)
class Unit:
    """What stays or goes as a whole. ``of`` is the time that it is about; ``group`` whose it is, mostly a bot's."""

    kind: str
    name: str
    group: str
    of: datetime
    folders: tuple[Folder, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(folder.size for folder in self.folders)

    @property
    def files(self) -> int:
        """How many."""
        return sum(folder.files for folder in self.folders)

    @property
    def changed(self) -> datetime:
        """When anything in it changed last."""
        return max(folder.changed for folder in self.folders)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, part by part, so that a tree is walked no deeper than it asks."""

    text: str
    parts: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Read one.

        Raises:
            ValueError: it is absolute, climbs out of the root, or names hidden folders, which are the rotation's own.
        """
        parts = text.split("/")
        if any(not part or part.startswith(".") for part in parts):
            raise ValueError(f"expected a folder below the root and none that is hidden, was {text!r}")
        return cls(text, tuple(re.compile(_expression(part)) for part in parts))

    def match(self, name: str) -> Mapping[str, str] | None:
        """What ``bot``, ``day`` and ``start`` are in a folder's name; ``None`` where it is not of this pattern."""
        names = name.split("/")
        if len(names) != len(self.parts):
            return None
        found: dict[str, str] = {}
        for part, expected in zip(names, self.parts, strict=True):
            matched = expected.fullmatch(part)
            if matched is None:
                return None
            found |= matched.groupdict()
        return found


def _expression(part: str) -> str:
    at, built = 0, []
    for token in _TOKEN.finditer(part):
        built += [re.escape(part[at : token.start()]), _PARTS[token.group()]]
        at = token.end()
    return "".join([*built, re.escape(part[at:])])


def gather(kind: str, patterns: Iterable[Pattern], folders: Iterable[Folder]) -> list[Unit]:
    """Put the folders of a rule together to units, in the order of their time.

    A folder whose name gives no time that there is is of the time when it changed last.
    """
    every = list(patterns)
    together: dict[tuple[str, ...], list[Folder]] = {}
    for folder in folders:
        words = next((found for pattern in every if (found := pattern.match(folder.name)) is not None), None)
        if words is not None:
            key = tuple(words.get(name, "") for name in ("bot", "day", "start"))
            together.setdefault(key if any(key[1:]) else (*key, folder.name), []).append(folder)
    units = [_unit(kind, key, some) for key, some in together.items()]
    return sorted(units, key=lambda unit: (unit.of, unit.name))


def _unit(kind: str, key: tuple[str, ...], folders: list[Folder]) -> Unit:
    bot, day, start = key[:3]
    folders = sorted(folders, key=lambda folder: folder.name)
    of = _time(day or start) or max(folder.changed for folder in folders)
    name = folders[0].name if len(folders) == 1 else f"{bot}/{kind} {day or start}"
    return Unit(kind, name, bot, of, tuple(folders))


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:  # the 31st of a month that has 30
        return None
