"""Trading profiles as policy: a base, what each profile changes in it, and limits that none may leave.

A profile names a field to set it, or ``<field>_delta`` to add to the base's. Out of the limits is refused, never cut.
"""

import math
from collections import Counter
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.rollback.bot import ProfileSettings

Factor = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Orders = Annotated[int, Field(ge=1, le=10_000)]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
FIELDS = ("spread_factor", "max_in_flight", "backoff_ms")
_SHOWN = 12


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Base:
    """What a profile begins with: the width of a quote as a factor, orders in flight at most, pause after a refusal."""

    spread_factor: Factor
    max_in_flight: Orders
    backoff_ms: Milliseconds
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Range:
    """From ``least`` to ``most``, both allowed."""

    least: Annotated[float, Field(allow_inf_nan=False)]
    most: Annotated[float, Field(allow_inf_nan=False)]

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise ValueError(f"least: expected {self.most:g} at most, was {self.least:g}")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Limits:
    """What no profile may leave."""

    spread_factor: Range
    max_in_flight: Range
    backoff_ms: Range
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Profile:
    """One profile: what it sets, or adds to the base."""

    name: Name
    spread_factor: Factor | None = None
    spread_factor_delta: Annotated[float, Field(allow_inf_nan=False)] | None = None
    max_in_flight: Orders | None = None
    max_in_flight_delta: int | None = None
    backoff_ms: Milliseconds | None = None
    backoff_ms_delta: int | None = None
    source: Source

    def __post_init__(self) -> None:
        for name in FIELDS:
            if getattr(self, name) is not None and getattr(self, f"{name}_delta") is not None:
                raise ValueError(f"{self.name}: expected {name} or {name}_delta, was both")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Profiles:
    """``deploy/policies/profiles.yaml``."""

    base: Base
    limits: Limits
    profiles: Annotated[tuple[Profile, ...], Field(min_length=1)]

    def __post_init__(self) -> None:
        doubled = sorted(name for name, count in Counter(one.name for one in self.profiles).items() if count > 1)
        if doubled:
            raise ValueError(f"profiles: expected every name once, was twice: {', '.join(doubled)}")
        for one in self.profiles:
            for name in FIELDS:
                self._value(one, name)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, in their order."""
        return tuple(one.name for one in self.profiles)

    def of(self, name: str, where: str = "profiles.yaml: profiles") -> ProfileSettings:
        """The settings of a profile.

        Raises:
            PolicyError: there is none of that name; ``where`` says who asks.
        """
        found = next((one for one in self.profiles if one.name == name), None)
        if found is None:
            raise PolicyError(f"{where}: expected one of {', '.join(self.names[:_SHOWN])}, was {name}")
        return ProfileSettings(**{field: self._value(found, field) for field in FIELDS})

    def _value(self, profile: Profile, name: str) -> Any:
        """One field as it holds; refuses what is out of its limits."""
        base, limits = getattr(self.base, name), getattr(self.limits, name)
        own, delta = getattr(profile, name), getattr(profile, f"{name}_delta")
        value = own if own is not None else base if delta is None else base + delta
        if not (math.isfinite(value) and limits.least <= value <= limits.most):
            how = "" if delta is None else f" (base {base:g} {delta:+g})"
            expected = f"expected {limits.least:g} to {limits.most:g}"
            raise ValueError(f"profiles: {profile.name}: {name}: {expected}, was {value:g}{how}")
        return value
