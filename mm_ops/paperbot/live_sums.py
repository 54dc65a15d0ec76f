"""A sum whose amounts count half after each half-life, kept as time goes on.

    S(t) = Σ a_i·2^(−(t − t_i)/half-life)

The same sum as ``gauges.decayed``, for a clock that nobody knows the end of.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class DecayingSum:
    """The sum at its newest time; times in seconds, never going backwards."""

    half_life_s: float
    value: float = 0.0
    at_s: float = 0.0

    def add(self, now_s: float, amount: float) -> None:
        """Add an amount at a time."""
        self.value, self.at_s = self.read(now_s) + amount, now_s

    def read(self, now_s: float) -> float:
        """What is left of it at a time."""
        return self.value * float(2.0 ** ((self.at_s - now_s) / self.half_life_s))


@dataclass(slots=True)
class DecayingRatio:
    """Of two such sums the first over the second; none before the second has anything."""

    above: DecayingSum
    below: DecayingSum

    @classmethod
    def of(cls, half_life_s: float, above: float = 0.0, below: float = 0.0) -> "DecayingRatio":
        """Both with one half-life, from what they were at time 0."""
        return cls(DecayingSum(half_life_s, above), DecayingSum(half_life_s, below))

    def add(self, now_s: float, above: float, below: float) -> None:
        """Add to both at a time."""
        self.above.add(now_s, above)
        self.below.add(now_s, below)

    def read(self, now_s: float) -> float | None:
        """The ratio at a time."""
        below = self.below.read(now_s)
        return self.above.read(now_s) / below if below > 0 else None
