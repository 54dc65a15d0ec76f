"""Beyond which an edge is not to be believed: one list for its page, the command and readiness.

The numbers are those of ``readiness.yaml``'s ``edge``; light, since the location loads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class QualityLimit:
    """One field of a report's ``quality`` and its bound; a ``share`` is 0 to 1. ``words`` are for people."""

    name: str
    words: str
    unit: Literal["share", "ms", "s", "bps"]
    bound: Literal["at_least", "at_most"]
    limit: float

    def holds(self, value: float) -> bool:
        """Whether a value is within it; at the limit it is."""
        return value >= self.limit if self.bound == "at_least" else value <= self.limit

    def find_breach(self, quality: Mapping[str, Any]) -> str | None:
        """Say what is beyond the limit, or was not measured."""
        value = quality.get(self.name)
        if value is None:
            return f"{self.name} was not measured"
        words = (
            f"at least {self.limit:g} is needed" if self.bound == "at_least" else f"at most {self.limit:g} is allowed"
        )
        return None if self.holds(value) else f"{self.name} was {value:.6g}, {words}"
