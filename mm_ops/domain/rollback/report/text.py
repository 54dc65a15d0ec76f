"""The report of a stop in words: as Markdown for Dagster's UI and the file, and line by line for the page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from mm_ops.domain.markdown import table

_NOT_KNOWN = "not known"


def report_markdown(report: Mapping[str, Any]) -> str:
    """Write the report as Markdown."""
    return "\n".join(_lines(report))


def headline(report: Mapping[str, Any]) -> str:
    """Say in one sentence what came of the stop."""
    bot = report["bot"] if report["drill"] is None else f"DRILL {report['drill']}: {report['bot']}"
    alert = report["alert"]
    match report["answer"]:
        case "confirmed":
            count = len(report["rounds"])
            rounds = f", in round {count}" if count > 1 else ""
            return f"{bot} was stopped for {alert}; what was asked was read back{rounds}."
        case "unconfirmed":
            faults = "; ".join(report["rounds"][-1]["faults"])
            return f"{bot} was to be stopped for {alert}, and it is NOT confirmed: {faults or 'nothing says why'}."
        case _:
            return f"{bot} is to be stopped for {alert}; the stop has not ended."


def stamp(at: datetime | None) -> str:
    """A time to the millisecond: ``2026-11-25 12:00:00.123``."""
    return _NOT_KNOWN if at is None else f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"


def milliseconds(ms: float | None) -> str:
    """``22.4 ms``, ``93 s``; ``not known`` where there is none."""
    if ms is None:
        return _NOT_KNOWN
    return f"{ms / 1000:,.1f} s" if abs(ms) >= 10_000 else f"{ms:,.1f} ms"  # noqa: PLR2004 - from here seconds read better


def halt_words(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How long it took until the bot was read back as asked, from the breach on and from the alert on."""
    for name in ("breach_to_halt", "receive_to_halt"):
        halted = report["halted_at"] is not None
        yield name.replace("_", " "), milliseconds(report[f"{name}_ms"]) if halted else "the halt was not confirmed"


def versions_words(release: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What ran and what was expected: name and words."""
    yield "version by mm_build_info", ", ".join(release["by_metrics"]) or _NOT_KNOWN
    yield "version by the bot's state", ", ".join(release["by_state"]) or _NOT_KNOWN
    other = ", ".join(release["other_than_expected"])
    yield "version of bots.yaml", release["expected"] + (f" — ANOTHER RAN: {other}" if other else "")
    good = release["known_good"]
    yield "promoted", release["go_back"] or "nothing is on record"
    yield (
        "known-good soak",
        f"{release['known_good_version'] or 'version not known'} ({good})" if good else "none is named",
    )


def metrics_words(metrics: Mapping[str, Any]) -> str:
    """Say what the metrics rest on, and what is missing."""
    said = f"{metrics['source']}, {metrics['window']}"
    if metrics["missing"] is not None:
        return f"Metrics are missing: {metrics['missing']} ({said})."
    later = "" if metrics["whole"] else " The time after the stop is not over: the report is made once more when it is."
    lacking = metrics["without_samples"]
    none = f" No samples at all of: {', '.join(lacking)}." if lacking else ""
    return f"From {said}.{later}{none}"


def action_rows(rounds: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """What was asked and what was observed: one row for each action of each round."""
    for one in rounds:
        prefix = f"{one['round']}. " if len(rounds) > 1 else ""
        for action in one["actions"]:
            yield (
                f"{prefix}{action['action']}",
                action["asked"],
                action["observed"] or "nothing was read back",
                action["state"] + (f": {action['reason']}" if action["reason"] else ""),
                str(action["attempts"]),
                milliseconds(action["took_ms"]),
            )


def indicator_rows(metrics: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """What each metric was at its worst, and at last."""
    for one in metrics["indicators"]:
        unit = one["unit"]
        worst, last = (f"{one[name]:.6g} {unit}".rstrip() for name in ("worst", "last"))
        limit = "none" if one["limit"] is None else f"{one['limit']:g} {unit}".rstrip()
        yield one["name"], limit, worst, last, str(one["samples"])


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {headline(report)}\n"
    yield f"{report['reason']}\n"
    facts = [
        ("episode", report["episode"]),
        ("alert started", stamp(report["started_at"])),
        ("received", stamp(report["received_at"])),
        ("stop ended", stamp(report["stopped_at"])),
        *halt_words(report),
        *versions_words(report["release"]),
    ]
    yield table(("", ""), facts)
    yield "## What a person does now\n"
    yield "\n".join(f"{number}. {step}" for number, step in enumerate(report["next_steps"], 1)) + "\n"
    yield "## What was asked, and what was observed\n"
    yield table(("action", "asked", "observed", "answer", "attempts", "took"), action_rows(report["rounds"]))
    yield "## Timeline (UTC)\n"
    rows = ((stamp(one.at), f"{one.ms:+,.1f}", one.what) for one in report["timeline"])
    yield table(("at", "ms", "what"), rows)
    yield "## Metrics\n"
    yield f"{metrics_words(report['metrics'])}\n"
    if report["metrics"]["indicators"]:
        yield table(("metric", "limit", "worst", "last", "samples"), indicator_rows(report["metrics"]))
