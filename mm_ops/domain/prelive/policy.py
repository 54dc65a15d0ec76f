"""The steps of the pack: which command of ``mm-ops`` each is, how long it may take, and how it says that it passed."""

from collections import Counter
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Name, Source

Word = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Step:
    """One step: ``mm-ops`` with these words, in dry mode.

    ``marker`` is the last column of the line that the command ends with when it passed, such as ``RENDER=OK``: a
    command that exits 0 and does not say so has not passed. ``within`` is in seconds.
    """

    name: Name
    command: Annotated[tuple[Word, ...], Field(min_length=1)]
    marker: Annotated[str, StringConstraints(pattern=r"^[A-Z_]+=[A-Z]+$")]
    within: Annotated[float, Field(gt=0, le=3600)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class PrelivePolicy:
    """``deploy/policies/prelive.yaml``."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    source: Source

    def __post_init__(self) -> None:
        doubled = [name for name, count in Counter(step.name for step in self.steps).items() if count > 1]
        if doubled:
            raise ValueError(f"steps: expected every name once, was twice: {', '.join(doubled)}")
