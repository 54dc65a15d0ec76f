"""Results that the bot's own pipeline writes for each day: a drill as JSON, a test run as JUnit XML.

Where a recorder keeps entries of its days (:mod:`.day_entries`), a file that is not the recorded one is refused.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from mm_ops.adapters.day_entries import DayEntries
from mm_ops.adapters.json_files import read_json
from mm_ops.domain.errors import MissingEvidenceError, SchemaError

_DRILL: Mapping[str, type] = {"drill": str, "date": str, "expected": dict, "observed": dict, "reasons": list}
_MAX_BYTES = 64 * 1024 * 1024


def read_drill(path: Path, day: date) -> dict[str, Any]:
    """Read one drill: what was done, what was expected within which limits, what was observed.

    Raises:
        MissingEvidenceError: there is no such file.
        IntegrityError: it is not the file that was recorded.
        SchemaError: a field is missing or has another type, the drill is of another day, or an outcome of ``ok``
            lacks an observation.
    """
    DayEntries.beside(path).verify(path)
    drill = read_json(path)
    if not isinstance(drill, dict):
        raise SchemaError(f"{path}: expected an object, was {type(drill).__name__}")
    for name, kind in _DRILL.items():
        if not isinstance(drill.get(name), kind):
            raise SchemaError(f"{path}: {name}: expected {kind.__name__}, was {drill.get(name)!r}")
    if drill["date"] != day.isoformat():
        raise SchemaError(f"{path}: date: expected {day}, was {drill['date']}; a drill counts for its own day")
    if drill.get("outcome") not in {"ok", "failed"}:
        raise SchemaError(f"{path}: outcome: expected ok or failed, was {drill.get('outcome')!r}")
    unseen = [name for name in drill["expected"] if drill["observed"].get(name) is None]
    if drill["outcome"] == "ok" and (unseen or not drill["expected"]):
        raise SchemaError(f"{path}: outcome: was ok, but {', '.join(unseen) or 'nothing'} was not observed")
    return drill


def read_junit(path: Path) -> dict[str, Any]:
    """Count a JUnit XML file by its test cases (the totals it claims are not believed).

    Returns:
        ``total, passed, failed, errors, skipped`` and ``verdict``: ``ok``, ``failed``, or ``missing`` where no test
        ran: none, or all skipped.

    Raises:
        MissingEvidenceError: there is no such file.
        IntegrityError: it is not the file that was recorded.
        SchemaError: it is not JUnit XML, or declares a document type, which JUnit has no use for.
    """
    DayEntries.beside(path).verify(path)
    root = _parse(path)
    cases = list(root.iter("testcase"))
    failed = sum(case.find("failure") is not None for case in cases)
    errors = sum(case.find("error") is not None and case.find("failure") is None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    ran = len(cases) - skipped
    verdict = "missing" if ran <= 0 else "failed" if failed + errors else "ok"
    return {
        "total": len(cases),
        "passed": ran - failed - errors,
        "failed": failed,
        "errors": errors,
        "skipped": skipped,
        "verdict": verdict,
        "failures": sorted(_name(case) for case in cases if case.find("failure") is not None),
    }


def _parse(path: Path) -> ET.Element:
    if not path.is_file():
        raise MissingEvidenceError(f"{path}: no such file")
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise SchemaError(f"{path}: expected at most {_MAX_BYTES:,} bytes, was {len(data):,}")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise SchemaError(f"{path}: declares a document type; JUnit XML has none (entities could explode)")
    try:
        root = ET.fromstring(data)  # noqa: S314 - without a document type there are no entities to expand
    except ET.ParseError as error:
        raise SchemaError(f"{path}: not XML: {error}") from error
    if root.tag not in {"testsuite", "testsuites"}:
        raise SchemaError(f"{path}: expected testsuite or testsuites, was {root.tag}")
    return root


def _name(case: ET.Element) -> str:
    return f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
