"""How fast the edge forgets, and what must have been filled before it says anything."""

from collections import Counter
from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.windows import Duration, format_duration

Notional = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EmaRule:
    """One average; ``min_notional``: by settlement currency, the decayed notional below which there is no value."""

    name: Name
    half_life: Duration
    min_notional: Annotated[dict[str, Notional], Field(min_length=1)]
    source: Source

    def __post_init__(self) -> None:
        if self.half_life <= timedelta(0):
            raise ValueError("half_life: expected a duration above zero, was 0s")
        named = f"ema{format_duration(self.half_life)}"
        if self.name != named:
            raise ValueError(f"name: expected the half-life in it ({named}), was {self.name}")

    def least(self, currency: str | None) -> float | None:
        """The least notional in a settlement currency; null where none is listed, since it is not another's."""
        return None if currency is None else self.min_notional.get(currency)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EmaPolicy:
    """``deploy/policies/ema.yaml``. ``every``: how often the series has a value.

    ``min_known_share``: of the decayed notional, how much must have a markout, or there is no value.
    """

    horizon: Duration
    every: Duration
    min_known_share: Annotated[float, Field(gt=0, le=1)]
    emas: Annotated[tuple[EmaRule, ...], Field(min_length=1)]
    source: Source

    def __post_init__(self) -> None:
        for name, length in (("horizon", self.horizon), ("every", self.every)):
            if length <= timedelta(0):
                raise ValueError(f"{name}: expected a duration above zero, was 0s")
        doubled = sorted(name for name, count in Counter(rule.name for rule in self.emas).items() if count > 1)
        if doubled:
            raise ValueError(f"emas: expected every name once, was twice: {', '.join(doubled)}")
