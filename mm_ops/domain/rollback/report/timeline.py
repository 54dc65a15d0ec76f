"""What happened when, in milliseconds since the alert was received: from the breach to the last word on the stop."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mm_ops.domain.rollback.report.story import StopRecord, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line; ``ms`` counts from when the alert was received, or where that is not known, from the first claim."""

    at: datetime
    ms: float
    what: str


def tell_timeline(story: Story) -> list[Moment]:
    """List everything in order of time; what happened at one moment stays in the order of its telling."""
    zero = story.received_at or story.rounds[0].claimed_at
    told = sorted(_events(story), key=lambda one: one[0])
    return [Moment(at=at, ms=(at - zero) / timedelta(milliseconds=1), what=what) for at, what in told]


def _events(story: Story) -> Iterator[tuple[datetime, str]]:
    yield story.starts_at, "alert started"
    if story.received_at is not None:
        yield story.received_at, "alert received"
    for one in story.rounds:
        yield from _of_round(one, f"round {one.round}: " if len(story.rounds) > 1 else "")
    for resume in story.resumes:
        yield resume.at, resume.words if resume.confirmed else f"asked to be {resume.words}"


def _of_round(stop: StopRecord, prefix: str) -> Iterator[tuple[datetime, str]]:
    yield stop.claimed_at, f"{prefix}decided and journalled: stop {stop.bot}"
    steps = [one.what for one in stop.steps]
    for one in stop.steps:
        yield one.at, f"{prefix}{one.what}"
    for action in stop.actions:
        if action.requested_at is not None and not any(step.startswith(f"{action.name.value}: ") for step in steps):
            yield action.requested_at, f"{prefix}{action.name.value}: asked"
    if stop.finished_at is not None:
        yield stop.finished_at, f"{prefix}{stop.answer}, written down"
