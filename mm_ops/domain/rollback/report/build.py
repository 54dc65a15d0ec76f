"""The report of one episode as data: what Markdown and HTML say is all in here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from mm_ops.domain.charts.chart import Chart, worst_point
from mm_ops.domain.rendering.policy import DRILL_LABEL
from mm_ops.domain.rollback.about import BY_HAND
from mm_ops.domain.rollback.bot import TradingState, aim_of
from mm_ops.domain.rollback.policy import COMMANDS, RollbackPolicy
from mm_ops.domain.rollback.report.story import ActionRecord, StopRecord, Story
from mm_ops.domain.rollback.report.timeline import tell_timeline
from mm_ops.domain.windows import TimeWindow, from_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What was measured around the stop; ``missing`` says why there is nothing, where there is nothing.

    ``window`` ends at the report's own time where that is earlier: then it is not ``whole`` yet.
    """

    source: str
    window: TimeWindow
    whole: bool
    charts: Sequence[Chart] = ()
    versions: Sequence[str] = ()
    missing: str | None = None

    @property
    def drawn(self) -> list[Chart]:
        """The charts that have something to show; the others are named."""
        return [chart for chart in self.charts if worst_point(chart) is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is expected to run: the version of bots.yaml, and the known-good soak with its version, if one is named.

    ``go_back`` says which version is live and which to go back to, where versions are promoted.
    """

    version: str
    known_good: str | None
    known_good_version: str | None
    go_back: str = ""


def build_report(story: Story, metrics: Metrics, release: Release, policy: RollbackPolicy) -> dict[str, Any]:
    """Put together everything that is told of an episode."""
    stop = story.last
    received = story.received_at
    by_state = sorted({one.observed.version for one in stop.actions if one.observed is not None})
    return {
        "bot": stop.bot,
        "episode": story.episode,
        "alert": stop.alert,
        "drill": story.labels.get(DRILL_LABEL, "without a name") if policy.is_drill(stop.alert) else None,
        "answer": stop.answer,
        "reason": stop.reason,
        "labels": dict(story.labels),
        "annotations": dict(story.annotations),
        "told": list(story.told),
        "started_at": story.starts_at,
        "received_at": received,
        "stopped_at": stop.finished_at,
        "halted_at": story.halted_at,
        "breach_to_halt_ms": _ms(story.starts_at, story.halted_at),
        "receive_to_halt_ms": _ms(received, story.halted_at),
        "rounds": [_round(one) for one in story.rounds],
        "timeline": tell_timeline(story),
        "resumed": [{**_fields(one), "words": one.words} for one in story.resumes],
        "metrics": _metrics(metrics),
        "release": {
            "expected": release.version,
            "by_metrics": list(metrics.versions),
            "by_state": by_state,
            "other_than_expected": sorted({*by_state, *metrics.versions} - {release.version}),
            "known_good": release.known_good,
            "known_good_version": release.known_good_version,
            "go_back": release.go_back,
        },
        "next_steps": list(next_steps(story, policy, release.go_back)),
    }


def next_steps(story: Story, policy: RollbackPolicy, go_back: str = "") -> Iterator[str]:
    """What a person does now, in order."""
    stop = story.last
    runbook = story.annotations.get("runbook") or f"deploy/runbooks/{stop.alert}.md"
    if stop.answer != "confirmed":
        yield BY_HAND
    if policy.is_drill(stop.alert):
        yield "nothing is wrong with the bot: a fire drill has stopped it; see its result, and how it was left"
    yield f"see what the bot says now: `mm-ops halt status --bot {stop.bot}`; see that no order stands at the venue"
    yield f"find the cause by the runbook: {runbook}"
    if go_back and not policy.is_drill(stop.alert):
        command = f"mm-ops bundle back --bot {stop.bot} --by NAME --why TEXT"
        yield f"if it is the version: {go_back}; deploy that one, and say so: `{command}`"
    if len(story.rounds) > 1:
        yield f"ask why one stop was not enough: it took {len(story.rounds)} rounds"
    resumed = next((one for one in reversed(story.resumes) if one.confirmed), None)
    if resumed is not None:
        yield f"watch the bot: it was {resumed.words}"
    if resumed is None or resumed.to is not TradingState.ACTIVE:
        to = TradingState.REDUCING if resumed is None else TradingState.ACTIVE
        least = f"a reason of {policy.resume.least_reason} letters or more"
        command = f"mm-ops halt resume --bot {stop.bot} --to {to.value} --by NAME --reason TEXT"
        yield f"once the cause is gone and the alert is silent, one step at a time, with {least}: `{command}`"


def _round(stop: StopRecord) -> dict[str, Any]:
    return {
        "round": stop.round,
        "answer": stop.answer,
        "reason": stop.reason,
        "claimed_at": stop.claimed_at,
        "finished_at": stop.finished_at,
        "took_ms": _ms(stop.claimed_at, stop.finished_at),
        "faults": list(stop.faults),
        "actions": [_action(one) for one in stop.actions],
    }


def _action(action: ActionRecord) -> dict[str, Any]:
    field, wanted = aim_of(COMMANDS[action.name])
    observed = action.observed
    return {
        "action": action.name,
        "asked": f"{field} = {_word(wanted)}",
        "observed": None if observed is None else f"{field} = {_word(getattr(observed, field))}",
        "open_orders": None if observed is None else observed.open_orders,
        "state": action.state,
        "attempts": action.attempts,
        "took_ms": _ms(action.requested_at, action.settled_at),
        "reason": action.reason,
    }


def _metrics(metrics: Metrics) -> dict[str, Any]:
    return {
        "source": metrics.source,
        "window": str(metrics.window),
        "whole": metrics.whole,
        "missing": metrics.missing,
        "without_samples": [chart.name for chart in metrics.charts if worst_point(chart) is None],
        "indicators": [_indicator(chart) for chart in metrics.drawn],
    }


def _indicator(chart: Chart) -> dict[str, Any]:
    """The worst sample that is drawn, and the last one: what it was like when it was bad, and what it is now."""
    times, values = chart.drawn()
    known = np.flatnonzero(np.isfinite(values))
    last = known[-1]
    worst_at, worst = worst_point(chart) or (int(times[last]), float(values[last]))
    return {
        "name": chart.name,
        "unit": chart.unit,
        "limit": chart.limit,
        "samples": int(known.size),
        "worst": worst,
        "worst_at": from_ns(worst_at),
        "last": float(values[last]),
        "last_at": from_ns(int(times[last])),
    }


def _word(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _fields(resume: Any) -> dict[str, Any]:
    return {name: getattr(resume, name) for name in type(resume).__slots__}


def _ms(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start) / timedelta(milliseconds=1)
