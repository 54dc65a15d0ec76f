"""How a stop is reported and looked at again, as ``deploy/policies/rollback_report.yaml`` says."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Source
from mm_ops.domain.windows import Duration


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ReportPolicy:
    """How much is shown, and how often.

    The metrics ``around`` a stop are shown. Orders must stand still between two looks, ``still`` apart. A tick of the
    sensor starts ``runs_per_tick`` runs at most; a bot's state is told when it changed, and after ``state_at_least``.
    """

    around: Duration
    still: Duration
    runs_per_tick: Annotated[int, Field(ge=1)]
    state_at_least: Duration
    source: Source

    def __post_init__(self) -> None:
        for name in ("around", "still", "state_at_least"):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name}: expected more than 0s")
