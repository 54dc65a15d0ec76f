"""The result of a drill as data, and in words."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from mm_ops.domain.markdown import table
from mm_ops.domain.rollback.drill.policy import DrillPolicy
from mm_ops.domain.rollback.drill.run import Drilled
from mm_ops.domain.rollback.report.text import milliseconds, stamp
from mm_ops.domain.rollback.report.timeline import tell_timeline

_MS = timedelta(milliseconds=1)


def build_drill_report(drilled: Drilled, policy: DrillPolicy) -> dict[str, Any]:
    """Put together what came of a drill; times in milliseconds are ``None`` where something was not seen."""
    request, trace = drilled.request, drilled.trace
    story = None if trace is None else trace.story
    started = None if trace is None else trace.starts_at
    halted = None if story is None else story.halted_at
    received = None if story is None else story.received_at
    return {
        "drill": request.name,
        "bot": request.bot,
        "by": request.by,
        "why": request.why,
        "verdict": drilled.verdict,
        "reasons": list(drilled.reasons),
        "begun": drilled.begun,
        "episode": None if trace is None else trace.episode,
        "asked_at": request.at,
        "detected_at": started,
        "posted_at": None if trace is None else trace.posted_at,
        "halted_at": halted,
        "closed_at": drilled.closed_at,
        "ask_to_detect_ms": _ms(request.at, started),
        "detect_to_halt_ms": _ms(started, halted),
        "receive_to_halt_ms": _ms(received, halted),
        "budget_ms": policy.budget.length / _MS,
        "halted": drilled.halted,
        "resumed": list(drilled.resumed),
        "left": drilled.left,
        "timeline": list(_timeline(drilled)),
    }


def drill_headline(report: Mapping[str, Any]) -> str:
    """Say in one sentence what the drill has shown."""
    bot, budget = report["bot"], milliseconds(report["budget_ms"])
    took = milliseconds(report["detect_to_halt_ms"])
    match str(report["verdict"]):
        case "pass":
            return f"{bot} stood still {took} after the alert, of {budget} at most, and trades again."
        case "fail":
            return f"{bot}: the drill FAILED: {'; '.join(report['reasons'])}; the bot is {report['left']}."
        case _:
            return f"{bot}: the drill shows nothing: {'; '.join(report['reasons'])}."


def drill_markdown(report: Mapping[str, Any]) -> str:
    """Write the result for people."""
    facts = [
        ("drill", report["drill"]),
        ("asked for by", f"{report['by']}: {report['why']}"),
        ("verdict", str(report["verdict"])),
        ("ask to detect", milliseconds(report["ask_to_detect_ms"])),
        (
            "detect to halt",
            f"{milliseconds(report['detect_to_halt_ms'])} of {milliseconds(report['budget_ms'])} at most",
        ),
        ("receive to halt", milliseconds(report["receive_to_halt_ms"])),
        ("bot now", report["left"]),
    ]
    timeline = table(("at", "ms", "what"), timeline_rows(report))
    return "\n".join((f"# {drill_headline(report)}\n", table(("", ""), facts), "## Timeline (UTC)\n", timeline))


def timeline_rows(report: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The timeline as rows of a table."""
    return [(stamp(one["at"]), f"{one['ms']:+,.1f}", one["what"]) for one in report["timeline"]]


def _timeline(drilled: Drilled) -> Iterator[dict[str, Any]]:
    """List everything in the order of its time, in milliseconds from the alert's start, or from the asking."""
    request, trace = drilled.request, drilled.trace
    zero = request.at if trace is None else trace.starts_at
    events: list[tuple[datetime, str]] = []
    if drilled.begun:
        events.append((request.at, f"drill asked for by {request.by}"))
    if trace is not None:
        if trace.posted_at is not None:
            events.append((trace.posted_at, "alert posted by Alertmanager"))
        told = tell_timeline(trace.story) if trace.story is not None else ()
        events += [(one.at, one.what) for one in told]
    if drilled.closed_at is not None:
        events.append((drilled.closed_at, "drill closed: the alert ends with the next evaluation"))
    for at, what in sorted(events, key=lambda event: event[0]):
        yield {"at": at, "ms": (at - zero) / _MS, "what": what}


def _ms(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start) / _MS
