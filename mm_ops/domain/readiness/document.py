"""The readiness file, for programs and for people; :mod:`mm_ops.domain.readiness.soundness` checks one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.markdown import number, table
from mm_ops.domain.readiness.evidence import FIELDS, DayEvidence
from mm_ops.domain.readiness.hard import HardGate
from mm_ops.domain.readiness.override import override_words
from mm_ops.domain.readiness.score import Readiness


def readiness_document(
    readiness: Readiness,
    days: Sequence[DayEvidence],
    gates: Sequence[HardGate],
    *,
    bot: str,
    day: date,
    runtime: Mapping[str, object],
    basis: Mapping[str, Any],
    override: Mapping[str, Any] | None = None,
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
        "interval": asdict(readiness.interval),
        "flips": readiness.flips,
        "gates": gates,
        "override": override,
        "missing": readiness.missing,
        "reasons": readiness.reasons,
        "days": days,
    }


def readiness_markdown(document: Mapping[str, Any]) -> str:
    """Write the file for people: the word, how sure it is, what would turn it, the sections, the gates, the days."""
    plain = to_plain(document)
    days = [(item["date"], *(_cell(item[name]) for name in FIELDS)) for item in plain["days"]]
    missing = "".join(f"- {text}\n" for text in plain["missing"])
    whose = f"{plain['bot']} {plain['version']}"
    between = plain["interval"]
    return "\n".join(
        [
            f"# {plain['verdict']}: {whose}, {plain['day']}, {plain['score']:.6g} of 100\n",
            f"From the days' spread the score is {between['lowest']:.4g} to {between['highest']:.4g}.\n",
            *(f"- {text}" for text in plain["reasons"]),
            *_override(plain["override"]),
            "",
            _turning(plain["flips"], plain["verdict"]),
            table(("section", "points", "value", "why", "a day less", "a day more"), _sections(plain["sections"])),
            table(
                ("hard gate", "verdict", "why"),
                [(one["gate"], one["verdict"], one["reason"]) for one in plain["gates"]],
            ),
            table(("day", *(name.replace("_", " ") for name in FIELDS)), days),
            f"Missing:\n\n{missing}" if missing else "Nothing is missing.\n",
        ]
    )


def _override(override: Mapping[str, Any] | None) -> Iterator[str]:
    if override is None:
        return
    if override["content"] is not None:
        word = "Overridden" if not override["refused"] else "An override that does not count"
        yield f"\n**{word}**: {override_words(override['content'])}"
    yield from (f"- override refused: {text}" for text in override["refused"])


def _turning(flips: Sequence[Mapping[str, Any]], verdict: str) -> str:
    if not flips:
        return f"No single section and no single day turns this {verdict}.\n"
    lines = "".join(f"- {flip['words']}\n" for flip in flips)
    return f"What alone would turn it into {flips[0]['to']}:\n\n{lines}"


def _sections(sections: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, item in sections.items():
        ends = [_between(item[key]) for key in ("one_less", "one_more")]
        yield (name, f"{item['score']:.4g} of {item['points']:g}", number(item["value"]), item["reason"], *ends)


def _between(ends: Mapping[str, float] | None) -> str:
    if ends is None:
        return "not known"
    low, high = f"{ends['lowest']:.4g}", f"{ends['highest']:.4g}"
    return low if low == high else f"{low} to {high}"


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "ok" if value else "failed"
    return number(value)
