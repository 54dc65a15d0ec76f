"""What must run, what proves that it did, and when it is late, as ``deploy/cron/sentinel.yaml`` states it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, assert_never

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.notify.policy import Length, Rate
from mm_ops.domain.policy import CLOSED, Name, SecretPlace, Source
from mm_ops.domain.sentinel.schedule import Due
from mm_ops.domain.windows import Duration

BOT = "{bot}"
"""In a proof: the task is one of each bot of the fleet, and its name gets the bot's."""

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Few = Annotated[int, Field(ge=1, le=100)]


class Ended(StrEnum):
    """Which end of a run proves that it ran: a good one, or any (whether it was good is then asked elsewhere)."""

    SUCCESS = "success"
    ANY = "any"


class Which(StrEnum):
    """Which bots of the fleet a task is of: all, those that can be commanded, those that a drill may stop."""

    ALL = "all"
    CONTROLLED = "controlled"
    DRILLED = "drilled"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class AssetProof:
    """A materialisation. Of a daily asset it counts only when its day ended at most ``day_within`` before it.

    So the backfill of an old day is no proof of a new one.
    """

    kind: Literal["asset"]
    key: Words
    day_within: Duration | None = None


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class JobProof:
    """A run of a Dagster job, with these tags."""

    kind: Literal["job"]
    name: Words
    tags: dict[str, str] = Field(default_factory=dict)
    ended: Ended = Ended.SUCCESS


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class TickProof:
    """A good tick of a Dagster sensor or schedule; a failed one is no proof."""

    kind: Literal["tick"]
    name: Words


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class FileProof:
    """The newest file of a pattern, by its time of change; below the project, or at any fsspec URL.

    More than ``most`` matches are refused: a pattern that takes in thousands is a mistake, and slow each time.
    """

    kind: Literal["file"]
    glob: Words
    most: Annotated[int, Field(ge=1, le=100_000)] = 1000


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class HeartbeatProof:
    """What the task posts to the watcher's ``/heartbeat/<task>``; ``task`` is the last part of that path."""

    kind: Literal["heartbeat"]
    task: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.{}-]{1,100}$")]


Proof = Annotated[AssetProof | JobProof | TickProof | FileProof | HeartbeatProof, Field(discriminator="kind")]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Content:
    """What a result must hold to be one: something at all, or at ``field`` (``a.b.0``) one of ``expected``."""

    non_empty: bool = True
    field: Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$")] | None = None
    expected: tuple[str | int | float | bool, ...] = ()

    def __post_init__(self) -> None:
        if (self.field is None) != (not self.expected):
            raise ValueError("content: expected field and expected together, or neither")
        if not (self.non_empty or self.field):
            raise ValueError("content: expected something to be asked for: non_empty, or a field")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Pause:
    """A task that somebody has taken out of the watch, for a while and for a reason."""

    since: AwareDatetime
    until: AwareDatetime
    by: Words
    reason: Source

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise ValueError("until: expected a time after since")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Task:
    """One task.

    ``min_duration`` is the least time that a run takes if it does its work. ``overlap`` allows a run to begin while
    another goes on. ``needs`` are the tasks that it comes after: while one of them is late, its own lateness pages
    nobody. After a bad run it is up again with ``recovery`` good ones in a row. From ``since`` on it must have run:
    without, one that has never run stays new. ``bots`` says of which it is: where there
    is none such, nothing is watched.
    """

    name: Name
    proof: Proof
    due: Due
    min_duration: Duration | None = None
    at_most: Rate | None = None
    overlap: Literal["refuse", "allow"] = "refuse"
    content: Content | None = None
    needs: tuple[Name, ...] = ()
    bots: Which = Which.ALL
    recovery: Few = 1
    paused: Pause | None = None
    since: AwareDatetime | None = None
    source: Source

    def __post_init__(self) -> None:
        timed = isinstance(self.proof, JobProof | HeartbeatProof)
        if self.min_duration is not None and not timed:
            raise ValueError(f"min_duration: expected a job or a heartbeat: a {self.proof.kind} shows no start")
        if self.content is not None and not isinstance(self.proof, AssetProof | FileProof):
            raise ValueError(f"content: expected an asset or a file: a {self.proof.kind} has none")
        if self.content is not None and isinstance(self.proof, AssetProof) and self.content.field is None:
            raise ValueError("content: expected a field: what an asset shows is the metadata of its materialisation")
        if len(set(self.needs)) != len(self.needs) or self.name in self.needs:
            raise ValueError("needs: expected each once, and not the task itself")

    @property
    def depth(self) -> int:
        """How many of its latest runs must be known to judge it."""
        often = 0 if self.at_most is None else self.at_most.most + 1
        return max(2 * self.recovery + 1, often, 3)


def _refuse_doubled(tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    doubled = [name for name, count in Counter(task.name for task in tasks).items() if count > 1]
    if doubled:
        raise ValueError(f"expected every name once, was twice: {', '.join(doubled)}")
    _refuse_unknown({task.name: task.needs for task in tasks})
    return tasks


def _refuse_unknown(needs: Mapping[str, Sequence[str]]) -> None:
    for name, wanted in needs.items():
        unknown = [one for one in wanted if one not in needs]
        if unknown:
            raise ValueError(f"{name}: needs: no task {', '.join(unknown)}")
    _refuse_circle(needs)


def _refuse_circle(needs: Mapping[str, Sequence[str]]) -> None:
    """Take away again and again what needs nothing that is left; what stays needs itself."""
    left = {name: set(wanted) for name, wanted in needs.items()}
    while free := [name for name, wanted in left.items() if not wanted]:
        for name in free:
            del left[name]
        for wanted in left.values():
            wanted.difference_update(free)
    if left:
        raise ValueError(f"needs: expected no circle, was one among {', '.join(sorted(left))}")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Outside:
    """Where the sensor shows that it lives, so that somebody else notices when it does not (Healthchecks' API)."""

    address: SecretPlace
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class CronPolicy:
    """Every task, and how they are looked at.

    A time up to ``clock_skew`` ahead is now; one further ahead is an error. ``attempt`` is the time that one source
    has to answer. A sentinel that did not look for longer than ``gap`` says so. Without a change the table is told
    again after ``told_at_least``.
    """

    tasks: Annotated[tuple[Task, ...], Field(min_length=1), AfterValidator(_refuse_doubled)]
    clock_skew: Length
    attempt: Length
    gap: Length
    told_at_least: Length
    outside: Outside | None = None
    source: Source


def words_of(proof: Proof) -> str:
    """Say what proves it, for people."""
    match proof:
        case AssetProof(key=key):
            return f"asset {key}"
        case JobProof(name=name):
            return f"job {name}"
        case TickProof(name=name):
            return f"ticks of {name}"
        case FileProof(glob=glob):
            return f"file {glob}"
        case HeartbeatProof(task=task):
            return f"heartbeat {task}"
        case _:
            assert_never(proof)


def last_moment(pause: Pause | None, now: datetime) -> datetime | None:
    """Until when a task is paused now; ``None`` where it is not."""
    return pause.until if pause is not None and pause.since <= now < pause.until else None
