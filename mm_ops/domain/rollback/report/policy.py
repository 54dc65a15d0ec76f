"""How a stop is reported and looked at again, as ``deploy/policies/rollback_report.yaml`` says."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Source
from mm_ops.domain.windows import Duration, format_duration


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ReportPolicy:
    """How much is shown, and how often.

    The metrics ``around`` a stop are shown, and none that are younger than ``settled``: a source refuses to be asked
    for what it may still be writing. Orders must stand still between two looks, ``still`` apart. A tick of the sensor
    starts ``runs_per_tick`` runs at most; a bot's state is told when it changed, and after ``state_at_least``.
    """

    around: Duration
    settled: Duration
    still: Duration
    runs_per_tick: Annotated[int, Field(ge=1)]
    state_at_least: Duration
    source: Source

    def __post_init__(self) -> None:
        for name in ("around", "settled", "still", "state_at_least"):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name}: expected more than 0s")
        if self.around <= self.settled:
            raise ValueError(f"around: expected more than settled, {format_duration(self.settled)}")

    @property
    def whole_after(self) -> timedelta:
        """How long after a stop everything around it can be read."""
        return self.around + self.settled
