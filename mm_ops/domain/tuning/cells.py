"""What each cell of a sweep earned, with its interval and its risk, and whether another one is better for sure."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.canonical import number_text
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.sentinel.edge_profiles import Profiles
from mm_ops.domain.tuning.policy import TuningPolicy

_BPS = 1e-4
_WIDTH = re.compile(r"^(base:\n(?:[ ]+.*\n)*?[ ]+spread_factor: )([0-9.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One width: net edge in bps with its interval, net money with the same interval, and the risk.

    ``worst_hour_money`` is the net money of the hour of the day that lost most, or earned least; money is in the
    settlement currency.
    """

    spread_factor: float
    fills: int
    net_edge_bps: float
    low_bps: float
    high_bps: float
    net_money: float
    low_money: float
    high_money: float
    taker_share: float
    worst_hour_money: float


def cell_of(spread_factor: float, report: Mapping[str, Any]) -> Cell:
    """Take a cell from an edge report.

    Raises:
        SchemaError: its identity does not hold, or its net edge has no interval.
    """
    total, edge = report["total"], report["net_edge"]
    if report["identity"]["holds"] is not True or edge["low_bps"] is None:
        raise SchemaError(f"spread_factor {spread_factor:g}: no net edge with an interval: {edge['reason']}")
    return Cell(
        spread_factor=spread_factor,
        fills=total["fills"],
        net_edge_bps=total["net_edge_bps"],
        low_bps=edge["low_bps"],
        high_bps=edge["high_bps"],
        net_money=total["net_money"],
        low_money=edge["low_bps"] * total["notional"] * _BPS,
        high_money=edge["high_bps"] * total["notional"] * _BPS,
        taker_share=1.0 - total["maker_share"],
        worst_hour_money=min(hour["net_money"] for hour in report["by_hour"].values()),
    )


def refuse_out_of_limits(policy: TuningPolicy, profiles: Profiles) -> None:
    """Refuse a sweep of what no profile may be.

    Raises:
        PolicyError: a factor leaves the limits, or the base is not among them.
    """
    limits, base = profiles.limits.spread_factor, profiles.base.spread_factor
    out = [factor for factor in policy.spread_factors if not limits.least <= factor <= limits.most]
    if out:
        span = f"{limits.least:g} to {limits.most:g}"
        raise PolicyError(f"tune.yaml: spread_factors: expected {span} (profiles.yaml), was {out[0]:g}")
    if base not in policy.spread_factors:
        raise PolicyError(f"tune.yaml: spread_factors: expected the base of profiles.yaml, {base:g}, among them")


def choose_cell(cells: Sequence[Cell], base: float, max_taker_share: float) -> tuple[Cell | None, str]:
    """Choose the cell whose net money is at least as high as any other's at the low end of its interval.

    It is proposed only when that low end is above what the base earned and it takes no more than it may: a better width
    for sure, and not by chance.

    Returns:
        The cell, or ``None`` where nothing is better for sure, and why.
    """
    now = next(cell for cell in cells if cell.spread_factor == base)
    suited = [cell for cell in cells if cell.taker_share <= max_taker_share]
    best = max(suited, key=lambda cell: cell.low_money, default=now)
    if best.spread_factor == base or best.low_money <= now.net_money:
        return None, f"no width earns more than {base:g} for sure: it earned {now.net_money:.0f}"
    why = f"at least {best.low_money:.0f} for sure, and {base:g} earned {now.net_money:.0f}"
    return best, f"spread_factor {best.spread_factor:g} earned {best.net_money:.0f}, {why}"


def change(text: str, factor: float, path: str) -> str:
    """The text of ``profiles.yaml`` with another factor of the base, and nothing else changed.

    Raises:
        PolicyError: the base's factor is not where it can be changed.
    """
    changed, count = _WIDTH.subn(lambda found: f"{found[1]}{number_text(factor)}", text, count=1)
    if count != 1:
        raise PolicyError(f"{path}: base: expected a line with spread_factor in it")
    return changed


def propose(text: str, changed: str, path: str) -> str:
    """The change of a text as a unified diff, to be read by a person."""
    before, after = text.splitlines(keepends=True), changed.splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after, fromfile=f"a/{path}", tofile=f"b/{path}"))
