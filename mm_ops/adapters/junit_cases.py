"""What the cases of a JUnit XML document say, and whether what it claims beside them agrees.

The claims count for nothing by themselves: they can only make a run that looks well unbelievable. Of a run that failed
they are not asked, since a test runner counts a case twice that passed and then broke in its teardown.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree as ET

from mm_ops.domain.errors import SchemaError

SUITES = ("testsuites", "testsuite")
_BROKEN = {"failure": "failed", "error": "errors"}
_WORST_FIRST = ("failed", "errors", "skipped", "passed")
_STATUSES: Mapping[str, str] = {
    **dict.fromkeys(("run", "passed", "pass", "success", "ok", "completed"), "passed"),
    **dict.fromkeys(("failed", "failure"), "failed"),
    "error": "errors",
    **dict.fromkeys(("notrun", "disabled", "skipped", "ignored", "suppressed", "untested"), "skipped"),
}
"""What a ``status`` or a ``result`` says, for those who write one: GoogleTest, behave, Spock and others."""


def count_cases(root: ET.Element, day: date | None) -> dict[str, Any]:
    """Count a document by its cases; a failure or an error outside every case counts as one of its own.

    Args:
        root: a ``testsuite`` or ``testsuites``.
        day: the UTC day that every ``timestamp`` must be of, and that one at least must give; one without a zone is
            read as UTC.

    Returns:
        ``total, passed, failed, errors, skipped``, ``verdict`` and the names of ``failures``; ``verdict`` is ``ok``,
        ``failed``, or ``missing`` where nothing ran: there is no case, or each was skipped. A case that ran several
        times counts once, by the worst that it said.

    Raises:
        SchemaError: an element of a namespace, an unknown ``status``, a ``timestamp`` of another day, or of none, or
            no ``timestamp`` at all, or a run that looks well and claims other totals.
    """
    for element in root.iter():
        if element.tag.startswith("{"):
            raise SchemaError(f"expected elements of no namespace, as JUnit's are, was {element.tag}")
    if day is not None:
        _refuse_other_days(root, day)
    answers = list(_by_case((_answer(case), _name(case)) for case in root.iter("testcase")))
    answers += [(_BROKEN[element.tag], f"{name} itself") for element, name in _outside(root)]
    counts = Counter(answer for answer, _ in answers)
    verdict = "failed" if counts["failed"] + counts["errors"] else "ok" if counts["passed"] else "missing"
    if verdict == "ok":
        _refuse_other_totals(root)
    return {
        "total": len(answers),
        **{answer: counts[answer] for answer in ("passed", "failed", "errors", "skipped")},
        "verdict": verdict,
        "failures": sorted(name for answer, name in answers if answer == "failed"),
    }


def _by_case(answers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """One answer a case, the worst: what is run nine times is not nine cases."""
    worst: dict[str, str] = {}
    for answer, name in answers:
        worst[name] = min(worst.get(name, answer), answer, key=_WORST_FIRST.index)
    yield from ((answer, name) for name, answer in worst.items())


def _answer(case: ET.Element) -> str:
    """The worst that a case says of itself, by its elements and by its words."""
    said = [answer for tag, answer in _BROKEN.items() if next(case.iter(tag), None) is not None]
    said += ["skipped"] if case.find("skipped") is not None else []
    for name in ("status", "result"):
        word = case.get(name)
        if word is not None and word.lower() not in _STATUSES:
            raise SchemaError(f"{_name(case)}: {name}: expected one of {', '.join(_STATUSES)}, was {word!r}")
        said += [_STATUSES[word.lower()]] if word is not None else []
    return min(said, default="passed", key=_WORST_FIRST.index)


def _outside(root: ET.Element) -> Iterator[tuple[ET.Element, str]]:
    """Failures and errors that are of no case: the run itself broke."""
    inside = {id(element) for case in root.iter("testcase") for element in case.iter()}
    for tag in _BROKEN:
        for element in root.iter(tag):
            if id(element) not in inside:
                yield element, root.get("name") or root.tag


def _refuse_other_days(root: ET.Element, day: date) -> None:
    timed = [item for item in root.iter() if item.tag in {*SUITES, "testcase"} and "timestamp" in item.attrib]
    if not timed:
        raise SchemaError(f"{root.tag}: timestamp: expected a time of the UTC day {day} on a suite, there is none")
    for element in timed:
        text = element.attrib["timestamp"]
        if _utc_day(text) != day:
            raise SchemaError(f"{element.tag}: timestamp: expected a time of the UTC day {day}, was {text!r}")


def _utc_day(text: str) -> date | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).date()
    except (ValueError, OverflowError):
        return None


_CLAIMS: Mapping[str, Callable[[Counter[str]], int]] = {
    "tests": Counter.total,
    "failures": lambda counts: counts["failed"],
    "errors": lambda counts: counts["errors"],
    "skipped": lambda counts: counts["skipped"],
}


def _refuse_other_totals(root: ET.Element) -> None:
    """Refuse totals of a suite that its own cases do not add up to: cases are lost, or were taken away."""
    for suite in (element for element in root.iter() if element.tag in SUITES):
        counts = Counter(_answer(case) for case in suite.iter("testcase"))
        for name, count in _CLAIMS.items():
            if name in suite.attrib and not _agrees(suite, name, count(counts)):
                where = f"{suite.tag} {suite.get('name', '')}".strip()
                was = f"expected {count(counts)}, as many as its cases say, was {suite.get(name)!r}"
                raise SchemaError(f"{where}: {name}: {was}")


def _agrees(suite: ET.Element, name: str, found: int) -> bool:
    """Whether a total is the one found; GoogleTest counts disabled cases apart from skipped ones."""
    claimed = _whole(suite.get(name, ""))
    apart = _whole(suite.get("disabled", "0")) if name == "skipped" else 0
    return claimed is not None and apart is not None and found in {claimed, claimed + apart}


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _name(case: ET.Element) -> str:
    words = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
    return " ".join(words.split())
