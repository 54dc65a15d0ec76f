"""The pinned cases, the digests of their inputs, and how far a report may differ, once and over time."""

from collections import Counter
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.comparison import PATTERN, Drift, PathTolerance, Tolerance, compare, tolerance_at
from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.windows import TimeWindow

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Absolute = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Relative = Annotated[float, Field(ge=0, lt=1)]


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

    @property
    def inputs(self) -> dict[str, str]:
        """The digests that a baseline was accepted for."""
        return {"fills": self.fills.digest, "quotes": self.quotes.digest}

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start >= self.end:
            raise ValueError("start, end: expected two times with a zone, start before end")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Limits:
    """A tolerance on numbers."""

    absolute: Absolute
    relative: Relative
    source: Source

    def tolerance(self) -> Tolerance:
        """As the comparison takes it."""
        return Tolerance(self.absolute, self.relative)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class PathLimits:
    """Another tolerance for the numbers that a pattern fits; of several that fit, the first."""

    path: Annotated[str, StringConstraints(pattern=PATTERN)]
    absolute: Absolute
    relative: Relative
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Spread:
    """Every tolerance must be at least ``factor`` times what repeated runs of the same inputs differ by."""

    runs: Annotated[int, Field(ge=2, le=50)]
    factor: Annotated[float, Field(ge=1, le=1000)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class GoldenPolicy:
    """``deploy/policies/golden.yaml``."""

    tolerance: Limits
    paths: tuple[PathLimits, ...]
    spread: Spread
    creep: Limits
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    def compare(self, baseline: object, actual: object) -> list[Drift]:
        """List the differences between two reports that are more than is tolerated."""
        return compare(baseline, actual, self.tolerance.tolerance(), self.path_tolerances())

    def tolerance_at(self, path: str) -> Tolerance:
        """The tolerance of the number at a path."""
        return tolerance_at(path, self.tolerance.tolerance(), self.path_tolerances())

    def path_tolerances(self) -> list[PathTolerance]:
        """The other tolerances, in the order in which they decide."""
        return [PathTolerance(item.path, Tolerance(item.absolute, item.relative)) for item in self.paths]

    def __post_init__(self) -> None:
        for field, names in (
            ("cases", [case.name for case in self.cases]),
            ("paths", [item.path for item in self.paths]),
            ("baselines", [case.baseline.path for case in self.cases]),
        ):
            doubled = [name for name, count in Counter(names).items() if count > 1]
            if doubled:
                raise ValueError(f"{field}: expected every name once, was twice: {', '.join(doubled)}")
