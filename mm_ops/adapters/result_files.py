"""Results that the bot's own pipeline writes for each day: a drill as JSON, a test run as JUnit XML.

Where a recorder keeps entries of its days (:mod:`.day_entries`), a file that is not the recorded one is refused.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from mm_ops.adapters.day_entries import DayEntries
from mm_ops.adapters.json_files import read_json, read_regular
from mm_ops.adapters.junit_cases import SUITES, count_cases
from mm_ops.domain.errors import SchemaError

_DRILL: Mapping[str, type] = {"drill": str, "date": str, "expected": dict, "observed": dict, "reasons": list}
MAX_JUNIT_BYTES = 64 * 1024 * 1024


def read_drill(path: Path, day: date) -> dict[str, Any]:
    """Read one drill: what was done, what was expected within which limits, what was observed.

    Raises:
        MissingEvidenceError: there is no such file.
        IntegrityError: it is not the file that was recorded.
        SchemaError: a field is missing or has another type, the drill is of another day, or an outcome of ``ok`` is
            not what was observed: every limit expected needs a number from 0 to it, every other answer expected the
            same answer, and there is no reason against it.
    """
    DayEntries.beside(path).verify(path)
    drill = read_json(path)
    if not isinstance(drill, dict):
        raise SchemaError(f"{path}: expected an object, was {type(drill).__name__}")
    for name, kind in _DRILL.items():
        if not isinstance(drill.get(name), kind):
            raise SchemaError(f"{path}: {name}: expected {kind.__name__}, was {drill.get(name)!r}")
    if drill.get("kind") == "live" and not _tells_of_live_drills(drill):
        raise SchemaError(f"{path}: bot, drills: expected whose version was drilled, and each drill by its name")
    if drill["date"] != day.isoformat():
        raise SchemaError(f"{path}: date: expected {day}, was {drill['date']}; a drill counts for its own day")
    if drill.get("outcome") not in {"ok", "failed"}:
        raise SchemaError(f"{path}: outcome: expected ok or failed, was {drill.get('outcome')!r}")
    against = next(_against(drill), None) if drill["outcome"] == "ok" else None
    if against:
        raise SchemaError(f"{path}: outcome: was ok, but {against}")
    return drill


def _tells_of_live_drills(drill: Mapping[str, Any]) -> bool:
    bot, drills = drill.get("bot"), drill.get("drills")
    named = isinstance(drills, list) and all(isinstance(one, dict) and "drill" in one for one in drills)
    return named and isinstance(bot, dict) and "version" in bot


def _against(drill: Mapping[str, Any]) -> Iterator[str]:
    """Say what speaks against an outcome of ``ok``, by the drill's own expectations."""
    if not drill["expected"]:
        yield "nothing was expected"
    for name, expected in drill["expected"].items():
        observed = drill["observed"].get(name)
        if observed is None:
            yield f"{name} was not observed"
        elif isinstance(expected, bool | str):
            if type(observed) is not type(expected) or observed != expected:
                yield f"{name}: expected {expected!r}, was {observed!r}"
        elif not _is_number(expected):
            yield f"{name}: expected a limit, a word or an answer to be expected, was {expected!r}"
        elif not _is_number(observed) or not 0 <= observed <= expected < math.inf:
            yield f"{name}: expected a number from 0 to {expected!r}, was {observed!r}"
    yield from (f"it says why not: {reason!r}" for reason in drill["reasons"])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_junit(path: Path, day: date | None = None) -> dict[str, Any]:
    """Count a JUnit XML file by its test cases: :func:`mm_ops.adapters.junit_cases.count_cases`.

    Args:
        path: the file.
        day: the UTC day of the run; every time that the file gives must be of it.

    Raises:
        MissingEvidenceError: there is no such file.
        IntegrityError: it is not the file that was recorded.
        SchemaError: it is not JUnit XML, declares a document type, which JUnit has no use for, or says something of
            itself that is not so.
    """
    DayEntries.beside(path).verify(path)
    return count_junit(read_regular(path, MAX_JUNIT_BYTES), str(path), day)


def count_junit(data: bytes, where: str, day: date | None) -> dict[str, Any]:
    """Count what a JUnit XML file holds, as :func:`read_junit`; ``where`` names it in messages.

    Raises:
        SchemaError: as for :func:`read_junit`.
    """
    root = _parse(data, where)
    try:
        return count_cases(root, day)
    except SchemaError as error:
        raise SchemaError(f"{where}: {error}") from error


def _parse(data: bytes, where: str) -> ET.Element:
    try:
        root = ET.fromstring(data, ET.XMLParser(target=_NoDocumentType()))  # noqa: S314 - entities are not read
    except _DeclaredError as error:
        raise SchemaError(f"{where}: declares a document type; JUnit XML has none (entities could explode)") from error
    except (ET.ParseError, LookupError, ValueError) as error:  # an encoding that is none, or of several bytes
        raise SchemaError(f"{where}: not XML: {error}") from error
    if root.tag not in SUITES:
        raise SchemaError(f"{where}: expected testsuite or testsuites, was {root.tag}")
    return root


class _DeclaredError(Exception):
    """A document type stands in the file, in whatever encoding."""


class _NoDocumentType(ET.TreeBuilder):
    """Builds the tree, and ends where a document type begins: before any of its entities."""

    def doctype(self, name: str, *_: str | None) -> None:
        """Refuse it."""
        raise _DeclaredError(name)
