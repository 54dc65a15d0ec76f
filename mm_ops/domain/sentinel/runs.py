"""What is known of the runs of a task: when each began and ended, and whether it was good."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from mm_ops.domain.windows import DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run.

    ``began_at`` is ``None`` where nobody saw it begin, ``ended_at`` while it goes on; ``fault`` says why it was not
    good, by its own word or by what it left. ``day`` is the UTC day that it was of, for daily results.
    """

    began_at: datetime | None = None
    ended_at: datetime | None = None
    fault: str = ""
    day: date | None = None

    def __post_init__(self) -> None:
        if self.began_at is None and self.ended_at is None:
            raise ValueError("expected a run that began or ended")

    @property
    def first_at(self) -> datetime:
        """When it was seen first."""
        return self.began_at or self.ended_at or datetime.max.replace(tzinfo=UTC)

    @property
    def last_at(self) -> datetime:
        """When it was seen last."""
        return self.ended_at or self.first_at

    def anchor(self, longest: timedelta) -> datetime:
        """When it was due, as far as it shows: its start, unless that is of a run that never ended."""
        if self.began_at is None or (self.ended_at is not None and self.ended_at - self.began_at > longest):
            return self.last_at
        return self.began_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The latest runs of a task, oldest first; ``fault`` says why they could not be read.

    ``remark`` is what else was found, for whoever asks why there is no run: no file matches, the last tick failed.
    """

    runs: tuple[Run, ...] = ()
    fault: str = ""
    remark: str = ""

    def as_of(self, moment: datetime) -> "Evidence":
        """What was known then: later runs were not, and one that ended later was still going on."""
        known = [run for run in self.runs if run.first_at <= moment]
        going = [replace(run, ended_at=None, fault="") if run.last_at > moment else run for run in known]
        return replace(self, runs=in_order(going))


class Signal(StrEnum):
    """What a task posts: that it begins, that it ended well, that it did not."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One signal, as it was written down."""

    at: datetime
    signal: Signal
    exit_status: int | None = None


def runs_of(beats: Iterable[Beat]) -> tuple[Run, ...]:
    """Make runs of signals: an end closes the start before it; a start without an end stays open."""
    runs: list[Run] = []
    going: list[datetime] = []
    for beat in sorted(beats, key=lambda one: one.at):
        if beat.signal is Signal.START:
            going.append(beat.at)
        else:
            began = going.pop() if going else None
            runs.append(Run(began_at=began, ended_at=beat.at, fault=_fault(beat)))
    return in_order([*runs, *(Run(began_at=at) for at in going)])


def in_order(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Sort runs by their last sign; what is told twice is one run."""
    return tuple(sorted(set(runs), key=lambda run: (run.last_at, run.first_at, run.ended_at is None, run.fault)))


def of_its_day(runs: Sequence[Run], within: timedelta) -> tuple[Run, ...]:
    """Leave out what was made long after the day that it is of, and what is of no day."""
    return tuple(run for run in runs if run.day is not None and run.last_at - _end_of(run.day) <= within)


def _end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY


def _fault(beat: Beat) -> str:
    if beat.signal is Signal.SUCCESS:
        return ""
    return "it said that it failed" if beat.exit_status is None else f"it ended with exit status {beat.exit_status}"
