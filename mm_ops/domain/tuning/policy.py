"""The cells of the sweep."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Source

Factor = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class TuningPolicy:
    """``deploy/policies/tune.yaml``: how many times as wide as usual, each over so many days."""

    spread_factors: Annotated[tuple[Factor, ...], Field(min_length=2)]
    days: Annotated[int, Field(ge=1, le=30)]
    seed: Annotated[int, Field(ge=0)]
    max_taker_share: Annotated[float, Field(gt=0, le=1)]
    source: Source

    def __post_init__(self) -> None:
        if list(self.spread_factors) != sorted(set(self.spread_factors)):
            raise ValueError("spread_factors: expected every factor once, from the least to the largest")
