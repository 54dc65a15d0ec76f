"""What the edge page shows, and when it doubts its numbers."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Source
from mm_ops.domain.windows import Duration


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EdgePagePolicy:
    """``deploy/policies/edge_page.yaml``; ``horizon`` is one of edge.yaml's."""

    horizon: Duration
    max_outside_touch_share_alone: Annotated[float, Field(ge=0, lt=1)]
    source: Source

    def __post_init__(self) -> None:
        if self.horizon <= timedelta(0):
            raise ValueError("horizon: expected a duration above zero, was 0s")
