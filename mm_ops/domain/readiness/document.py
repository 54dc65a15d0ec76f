"""The readiness file: written here, and checked here by anybody who receives one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.markdown import number, table
from mm_ops.domain.readiness.evidence import FIELDS, DayEvidence
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.readiness.score import GO, HOLD, Readiness, score_readiness

KEYS = ("runtime", "bot", "day", "score", "sections", "verdict", "missing", "reasons", "days", "inputs", "policies")


def readiness_document(
    readiness: Readiness,
    days: Sequence[DayEvidence],
    *,
    bot: str,
    day: date,
    runtime: Mapping[str, object],
    inputs: Mapping[str, str],
    policies: Mapping[str, str],
) -> dict[str, Any]:
    """Make the file's content; ``inputs`` and ``policies`` are digests of what it rests on."""
    return {
        "runtime": runtime,
        "bot": bot,
        "day": day,
        "score": readiness.score,
        "sections": {name: asdict(section) for name, section in readiness.sections.items()},
        "verdict": readiness.verdict,
        "missing": readiness.missing,
        "reasons": readiness.reasons,
        "days": days,
        "inputs": inputs,
        "policies": policies,
    }


def find_problems(document: Any, policy: ReadinessPolicy) -> list[str]:
    """List what is wrong with a readiness file: structure, ranges, arithmetic, verdict; empty when it is sound.

    The score is computed again from the days in the file, so a number edited by hand does not add up.
    """
    problems = list(_structure(document))
    return problems or list(_arithmetic(document, policy))


def _structure(document: Any) -> Iterator[str]:
    if not isinstance(document, Mapping):
        yield f"expected an object, was {type(document).__name__}"
        return
    yield from (f"{key}: missing" for key in KEYS if key not in document)
    yield from (f"{key}: unknown key" for key in document if key not in KEYS)
    if document.get("verdict") not in {GO, HOLD}:
        yield f"verdict: expected GO or HOLD, was {document.get('verdict')!r}"
    days = document.get("days")
    if not isinstance(days, list) or not all(isinstance(item, Mapping) for item in days):
        yield "days: expected a list of objects"
    else:
        yield from (problem for n, item in enumerate(days) for problem in _day_structure(n, item))
    yield from _dates(document)
    yield from _runtime(document.get("runtime"))


def _day_structure(n: int, item: Mapping[str, Any]) -> Iterator[str]:
    wanted = {"date", "absent", *FIELDS}
    if set(item) != wanted:
        yield f"days[{n}]: expected the keys {', '.join(sorted(wanted))}, was {', '.join(sorted(item))}"
        return
    for name in FIELDS:
        value, boolean = item[name], name.endswith("_ok")
        if value is not None and isinstance(value, bool) != boolean:
            yield f"days[{n}].{name}: expected {'true or false' if boolean else 'a number'}, was {value!r}"
        elif value is not None and not isinstance(value, int | float):
            yield f"days[{n}].{name}: expected a number, was {value!r}"
    yield from _ranges(n, item)


def _ranges(n: int, item: Mapping[str, Any]) -> Iterator[str]:
    for name, most in (("order_age_p95_ms", None), ("taker_share", 1.0), ("guard_trips", None)):
        value = item[name]
        if isinstance(value, int | float) and (value < 0 or (most is not None and value > most)):
            yield f"days[{n}].{name}: expected 0 or more{'' if most is None else f', at most {most:g}'}, was {value:g}"


def _dates(document: Mapping[str, Any]) -> Iterator[str]:
    texts = [document.get("day")]
    if isinstance(document.get("days"), list):
        texts += [item.get("date") for item in document["days"] if isinstance(item, Mapping)]
    for text in texts:
        try:
            date.fromisoformat(text if isinstance(text, str) else "")
        except ValueError:
            yield f"day: expected a date such as 2026-11-20, was {text!r}"


def _runtime(runtime: Any) -> Iterator[str]:
    if not isinstance(runtime, Mapping) or set(runtime) != {"utc", "version"}:
        yield "runtime: expected utc and version"
        return
    try:
        datetime.fromisoformat(runtime["utc"])
    except (ValueError, TypeError):
        yield f"runtime.utc: expected an ISO time, was {runtime['utc']!r}"


def _arithmetic(document: Mapping[str, Any], policy: ReadinessPolicy) -> Iterator[str]:
    days = [
        DayEvidence(**{**item, "date": date.fromisoformat(item["date"]), "absent": tuple(item["absent"])})
        for item in document["days"]
    ]
    last = date.fromisoformat(document["day"])
    expected = [last - timedelta(days=back) for back in reversed(range(policy.days))]
    again = score_readiness(days, expected, policy)
    wanted = to_plain({"score": again.score, "verdict": again.verdict, "missing": again.missing})
    wanted["sections"] = to_plain({name: asdict(section) for name, section in again.sections.items()})
    for key, value in wanted.items():
        if document[key] != value:
            yield f"{key}: expected {value!r} from the days in the file, was {document[key]!r}"
    if [item.date for item in days] != expected:
        yield f"days: expected the {policy.days} days up to {last}, was {', '.join(str(item.date) for item in days)}"


def readiness_markdown(document: Mapping[str, Any]) -> str:
    """Write the file for people: the word, the sections, the days."""
    sections = [
        (name, f"{item['score']:.4g} of {item['points']:g}", number(item["value"]), item["reason"])
        for name, item in document["sections"].items()
    ]
    days = [(str(item["date"]), *(_cell(item[name]) for name in FIELDS)) for item in to_plain(document["days"])]
    missing = "".join(f"- {text}\n" for text in document["missing"])
    return "\n".join(
        [
            f"# {document['verdict']}: {document['bot']}, {document['day']}, {document['score']:.6g} of 100\n",
            table(("section", "points", "value", "why"), sections),
            table(("day", *(name.replace("_", " ") for name in FIELDS)), days),
            f"Missing:\n\n{missing}" if missing else "Nothing is missing.\n",
        ]
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "ok" if value else "failed"
    return number(value)
