"""How long the watcher's journal keeps its records by itself, as ``deploy/policies/journal.yaml`` states it."""

from datetime import timedelta

from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Source
from mm_ops.domain.rollback.policy import Limit

LEAST = timedelta(days=30)
"""Whatever looks back further than a stop looks back a week: escalation, readiness, the last drill."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class JournalPolicy:
    """Records older than ``keep`` may be archived."""

    keep: Limit
    source: Source

    def __post_init__(self) -> None:
        if self.keep.length < LEAST:
            raise ValueError(f"keep: length: expected at least {LEAST.days}d: what looks back must find its records")
