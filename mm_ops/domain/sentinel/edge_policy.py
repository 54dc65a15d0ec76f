"""When an edge has decayed, when it has recovered, and what keeps the answer from flapping: every number of it."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.sentinel.edge_profiles import Profiles
from mm_ops.domain.windows import DAY, Duration, format_duration

_CAREFUL = {"spread_factor": 1, "max_in_flight": -1, "backoff_ms": 1}
"""Which way each setting is more careful: quotes wider, fewer orders in flight, a longer back-off."""

Bps = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]
Windows = Annotated[int, Field(ge=1, le=1000)]
Row = Literal["reset", "keep"]
FlatOnly = Literal["none", "recovery", "both"]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Degradation:
    """``fast`` below ``below_bps`` in so many closed windows in a row leads to ``profile``.

    ``gap``: what a window that was missed, or has no number, does to the row; it never lengthens it.
    """

    below_bps: Bps
    windows: Windows
    profile: Name
    gap: Row
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Recovery:
    """``slow`` at ``slow_bps`` or more, ``fast`` at ``fast_bps`` or more in a row, and ``dwell`` since the last switch.

    A gap always ends the row: what was not seen recovers nobody.
    """

    slow_bps: Bps
    fast_bps: Bps
    windows: Windows
    dwell: Duration
    profile: Name
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Switches:
    """At most so many switches within a time; one is always kept for a degradation."""

    most: Annotated[int, Field(ge=2)]
    within: Duration
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Agreement:
    """How far apart the bot's gauges and what its fills say may be.

    An average of fills that began with nothing is compared ``after_half_lives`` of its own.
    """

    within_bps: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    after_half_lives: Annotated[float, Field(ge=0, le=20)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class PinRules:
    """How long a person may pin a profile, and how many letters a reason has."""

    longest: Duration
    least_reason: Annotated[int, Field(ge=1)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EdgeSentinelPolicy:
    """``deploy/policies/edge_sentinel.yaml``.

    ``fast`` and ``slow`` are averages of ``ema.yaml``. Windows begin at multiples of ``window`` since 1970, UTC; one is
    looked at when it is closed for ``settled``, and no more when it is closed for longer than ``late_after``. A sample
    older than ``stale_after`` says nothing at a window's end. ``blind_after`` windows in a row without a number are
    paged. ``flat_only``: which switches wait for a flat position. The sensor looks every ``tick``; what is not
    confirmed is tried again ``again_after``. ``chart``: how far back windows are kept and drawn.
    """

    window: Duration
    settled: Duration
    stale_after: Duration
    late_after: Duration
    tick: Duration
    again_after: Duration
    fast: Name
    slow: Name
    degradation: Degradation
    recovery: Recovery
    switches: Switches
    agreement: Agreement
    pin: PinRules
    flat_only: FlatOnly
    blind_after: Windows
    chart: Duration
    source: Source

    def __post_init__(self) -> None:
        for name in ("window", "stale_after", "tick", "again_after", "chart"):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name}: expected a duration above zero, was 0s")
        if DAY % self.window:
            raise ValueError(f"window: expected a part of a day, was {format_duration(self.window)}")
        if self.late_after < self.settled + self.window:
            least = format_duration(self.settled + self.window)
            raise ValueError(
                f"late_after: expected settled and a window at least ({least}), was {format_duration(self.late_after)}"
            )
        if self.fast == self.slow:
            raise ValueError(f"slow: expected another average than fast, was {self.slow}")
        if self.degradation.below_bps > self.recovery.fast_bps:
            raise ValueError(
                f"degradation: below_bps: expected recovery.fast_bps ({self.recovery.fast_bps:g}) at most, "
                f"or one value would be both, was {self.degradation.below_bps:g}"
            )
        if self.degradation.profile == self.recovery.profile:
            raise ValueError(f"recovery: profile: expected another than degradation's, was {self.recovery.profile}")


def check_edge_sentinel(policy: EdgeSentinelPolicy, profiles: Profiles, ema: EmaPolicy) -> None:
    """Refuse a policy whose profiles or averages are none.

    Raises:
        PolicyError: names the field, and what there is.
    """
    averages = [rule.name for rule in ema.emas]
    for name in ("fast", "slow"):
        if getattr(policy, name) not in averages:
            known = ", ".join(averages)
            raise PolicyError(
                f"edge_sentinel.yaml: {name}: expected an average of ema.yaml ({known}), was {getattr(policy, name)}"
            )
    for part in ("degradation", "recovery"):
        profiles.of(getattr(policy, part).profile, f"edge_sentinel.yaml: {part}: profile")
    worse, better = (profiles.of(getattr(policy, part).profile) for part in ("degradation", "recovery"))
    looser = [
        f"{name} {getattr(worse, name):g} ({getattr(better, name):g})"
        for name, careful in _CAREFUL.items()
        if (getattr(worse, name) - getattr(better, name)) * careful < 0
    ]
    if looser:
        raise PolicyError(
            f"edge_sentinel.yaml: degradation: profile: expected one as careful as {policy.recovery.profile}, "
            f"was {policy.degradation.profile} with {', '.join(looser)}"
        )
