"""The pinned cases, the digests of their inputs, and the tolerance of the comparison."""

from collections import Counter
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.comparison import Tolerance
from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.windows import TimeWindow

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Pinned:
    """A file below the project's root that must have exactly these bytes."""

    path: str
    digest: Digest


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Case:
    """Fills and quotes, the window they are measured over, and the report that somebody signed off: all pinned."""

    name: Name
    fills: Pinned
    quotes: Pinned
    start: datetime
    end: datetime
    baseline: Pinned
    source: Source

    @property
    def window(self) -> TimeWindow:
        """The window of the report."""
        return TimeWindow(self.start, self.end)

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start >= self.end:
            raise ValueError("start, end: expected two times with a zone, start before end")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Limits:
    """The tolerance on numbers."""

    absolute: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    relative: Annotated[float, Field(ge=0, lt=1)]
    source: Source

    def tolerance(self) -> Tolerance:
        """As the comparison takes it."""
        return Tolerance(self.absolute, self.relative)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class GoldenPolicy:
    """``deploy/policies/golden.yaml``."""

    tolerance: Limits
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    def __post_init__(self) -> None:
        doubled = [name for name, count in Counter(case.name for case in self.cases).items() if count > 1]
        if doubled:
            raise ValueError(f"cases: expected every name once, was twice: {', '.join(doubled)}")
