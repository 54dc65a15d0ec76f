"""The formula of each section: from one value a day to a share of its points, the value behind it, and words."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from mm_ops.domain.readiness.policy import ReadinessPolicy

Result = tuple[float, float, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """``result`` gives the share of the points (0 to 1), the value that it comes from, and the reason in words.

    ``worst`` and ``best`` give a day as bad or as good as these, ``worst_possible`` as bad as can be. ``need`` says
    what is lacking where a section is not full, ``single_failure`` what would cost a full one.
    """

    field: str
    unit: str
    result: Callable[[Sequence[float]], Result]
    worst: Callable[[Sequence[float]], float]
    best: Callable[[Sequence[float]], float]
    worst_possible: float
    need: str
    single_failure: str

    def share(self, values: Sequence[float]) -> float:
        """The share of the points, 0 to 1."""
        return self.result(values)[0]


def _more_is_better(values: Sequence[float], full: float, unit: str) -> Result:
    middle = median(values)
    share = min(1.0, max(0.0, middle / full))
    return share, middle, f"median {middle:.4g} {unit}, full at {full:g} or more"


def _less_is_better(values: Sequence[float], full: float, unit: str) -> Result:
    middle = median(values)
    share = 1.0 if middle <= full else full / middle
    return share, middle, f"median {middle:.4g} {unit}, full at {full:g} or less"


def _days_without(values: Sequence[float]) -> Result:
    clean = sum(trips == 0 for trips in values)
    return clean / len(values), float(clean), f"{clean} of {len(values)} days without a guard trip"


def _every_day(values: Sequence[float]) -> Result:
    good = sum(answer == 1 for answer in values)
    return float(good == len(values)), float(good), f"OK on {good} of {len(values)} days"


def _edge(policy: ReadinessPolicy) -> Formula:
    return Formula(
        field="net_edge_bps",
        unit="bps",
        result=lambda values: _more_is_better(values, policy.edge.full_at_bps, "bps"),
        worst=min,
        best=max,
        worst_possible=-math.inf,
        need="every day measured",
        single_failure="a day that is missing",
    )


def _falling(field: str, full: float, unit: str) -> Formula:
    return Formula(
        field=field,
        unit=unit,
        result=lambda values: _less_is_better(values, full, unit),
        worst=max,
        best=min,
        worst_possible=math.inf,
        need="every day measured",
        single_failure="a day that is missing",
    )


def _yes_or_no(field: str, need: str, single_failure: str) -> Formula:
    return Formula(
        field=field,
        unit="",
        result=_every_day,
        worst=lambda _: 0.0,
        best=lambda _: 1.0,
        worst_possible=0.0,
        need=need,
        single_failure=single_failure,
    )


def _guards(_: ReadinessPolicy) -> Formula:
    return Formula(
        field="guard_trips",
        unit="",
        result=_days_without,
        worst=lambda values: max(1.0, *values),
        best=lambda _: 0.0,
        worst_possible=math.inf,
        need="no guard trip on any day",
        single_failure="HOLD at one guard trip on any day",
    )


FORMULAS: Mapping[str, Callable[[ReadinessPolicy], Formula]] = {
    "edge": _edge,
    "latency": lambda policy: _falling("order_age_p95_ms", policy.latency.full_at_ms, "ms"),
    "taker": lambda policy: _falling("taker_share", policy.taker.full_at_share, "of notional"),
    "guards": _guards,
    "chaos": lambda _: _yes_or_no("chaos_ok", "a drill that is OK on every day", "HOLD at one failed drill on any day"),
    "tests": lambda _: _yes_or_no(
        "tests_ok", "a test run that is OK on every day", "HOLD at one failed test run on any day"
    ),
}
"""By section, in the order in which they are told."""


def full_at(name: str, policy: ReadinessPolicy) -> float | None:
    """The value from which a section is full; ``None`` where days are counted."""
    limits = {
        "edge": policy.edge.full_at_bps,
        "latency": policy.latency.full_at_ms,
        "taker": policy.taker.full_at_share,
    }
    return limits.get(name)
