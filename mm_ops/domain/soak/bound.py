"""On which side of a limit a value must lie."""

from enum import StrEnum


class Bound(StrEnum):
    """On which side of the limit a value must lie; the limit itself is still good."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"

    @property
    def sign(self) -> str:
        """``≤`` or ``≥``."""
        return "≤" if self is Bound.AT_MOST else "≥"

    @property
    def words(self) -> str:
        """``at most`` or ``at least``."""
        return self.value.replace("_", " ")

    def margin(self, value: float, limit: float) -> float:
        """The room left before the limit, in the unit of both; negative beyond it."""
        return limit - value if self is Bound.AT_MOST else value - limit
