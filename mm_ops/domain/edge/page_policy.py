"""What the edge page shows."""

from datetime import timedelta

from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Source
from mm_ops.domain.windows import Duration


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EdgePagePolicy:
    """``deploy/policies/edge_page.yaml``; ``horizon`` is one of edge.yaml's."""

    horizon: Duration
    source: Source

    def __post_init__(self) -> None:
        if self.horizon <= timedelta(0):
            raise ValueError("horizon: expected a duration above zero, was 0s")
