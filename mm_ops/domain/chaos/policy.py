"""The drills: faults, how long they last, and what must be seen while they do and after."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.chaos.sight import See
from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.windows import Duration

Seconds = Annotated[float, Field(gt=0, le=600)]
Act = Literal["halt", "touch"]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Expected:
    """One outcome: what must be seen, within how many seconds, under which name it is told."""

    name: Name
    see: Annotated[See, Field(strict=False)]
    within: Seconds


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Drill:
    """One drill.

    ``faults`` are injected, with their strength, for a seeded time within ``lasts`` (seconds); ``act`` is a command
    given meanwhile: ``halt``, or ``touch``, which sets the strategy scale to what it is. ``during`` is timed from the
    injection, ``after`` from the end of the faults, which last on until every outcome of ``during`` was seen or its
    time is over.
    """

    name: Name
    faults: Annotated[dict[Name, float], Field(min_length=1)]
    lasts: tuple[Seconds, Seconds]
    act: Act | None = None
    during: Annotated[tuple[Expected, ...], Field(min_length=1)]
    after: Annotated[tuple[Expected, ...], Field(min_length=1)]
    source: Source

    def __post_init__(self) -> None:
        if self.lasts[0] > self.lasts[1]:
            raise ValueError(f"lasts: expected two times, the later one last, was {self.lasts[0]:g} s first")

    @property
    def limits(self) -> dict[str, float]:
        """The limit of every outcome, by its name."""
        return {item.name: item.within for item in (*self.during, *self.after)}


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ChaosPolicy:
    """``deploy/policies/chaos.yaml``; ``settles_within`` is how many seconds a bot may take to quote before a drill.

    A drill counts for a day that ended at most ``counts_within`` ago: nobody can hold last week's.
    """

    settles_within: Seconds
    counts_within: Duration
    speed: Annotated[float, Field(ge=1, le=100)]
    drills: Annotated[tuple[Drill, ...], Field(min_length=1)]
    source: Source

    def __post_init__(self) -> None:
        names = [drill.name for drill in self.drills] + [name for drill in self.drills for name in drill.limits]
        doubled = [name for name, count in Counter(names).items() if count > 1]
        if doubled:
            raise ValueError(f"drills: expected every name once, was twice: {', '.join(doubled)}")
