"""What a fire drill must keep, as ``deploy/policies/drill.yaml`` states it."""

from typing import Annotated

from pydantic import StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Source
from mm_ops.domain.rollback.policy import Limit

Cron = Annotated[str, StringConstraints(pattern=r"^\S+( \S+){4}$")]
"""Minute, hour, day of the month, month, day of the week."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Weekly:
    """When Dagster drills, when it looks at how old the last drill is (both UTC), and who answers for that."""

    drill: Cron
    look: Cron
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DrillPolicy:
    """The limits of a drill.

    ``budget`` is from when Prometheus raises the alert until the bot is read back as stopped. The alert must be heard
    ``heard_within`` of the asking, and be gone ``gone_within`` of the end, since nobody resumes a bot while it fires.
    A drill older than ``max_age`` says nothing any more.
    """

    budget: Limit
    heard_within: Limit
    gone_within: Limit
    max_age: Limit
    weekly: Weekly
    source: Source
