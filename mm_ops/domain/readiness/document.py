"""The readiness file, for programs and for people; :mod:`mm_ops.domain.readiness.soundness` checks one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.markdown import number, table
from mm_ops.domain.readiness.evidence import FIELDS, DayEvidence
from mm_ops.domain.readiness.score import Readiness


def readiness_document(
    readiness: Readiness,
    days: Sequence[DayEvidence],
    *,
    bot: str,
    day: date,
    runtime: Mapping[str, object],
    basis: Mapping[str, Any],
) -> dict[str, Any]:
    """Make the file's content; ``inputs`` and ``policies`` are digests of what it rests on."""
    return {
        "runtime": runtime,
        **basis,
        "bot": bot,
        "day": day,
        "score": readiness.score,
        "sections": {name: asdict(section) for name, section in readiness.sections.items()},
        "verdict": readiness.verdict,
        "missing": readiness.missing,
        "reasons": readiness.reasons,
        "days": days,
    }


def readiness_markdown(document: Mapping[str, Any]) -> str:
    """Write the file for people: the word, the sections, the days."""
    sections = [
        (name, f"{item['score']:.4g} of {item['points']:g}", number(item["value"]), item["reason"])
        for name, item in document["sections"].items()
    ]
    days = [(str(item["date"]), *(_cell(item[name]) for name in FIELDS)) for item in to_plain(document["days"])]
    missing = "".join(f"- {text}\n" for text in document["missing"])
    whose = f"{document['bot']} {document['version']}"
    return "\n".join(
        [
            f"# {document['verdict']}: {whose}, {document['day']}, {document['score']:.6g} of 100\n",
            table(("section", "points", "value", "why"), sections),
            table(("day", *(name.replace("_", " ") for name in FIELDS)), days),
            f"Missing:\n\n{missing}" if missing else "Nothing is missing.\n",
        ]
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "ok" if value else "failed"
    return number(value)
