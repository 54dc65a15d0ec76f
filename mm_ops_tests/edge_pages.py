"""Pages of edges as people meet them: sound, doubtful, and without any fill."""

import copy
from typing import Any

import numpy as np

from mm_ops.domain.edge.earned import Earned
from mm_ops.domain.edge.page import EdgePage
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import START
from mm_ops_tests.domain.readiness.week import POLICY

DAY = TimeWindow.of_day(START.date())
LIMITS = POLICY.edge.limits


def group(net: float | None = 2.6, **different: Any) -> dict[str, Any]:
    """Capture 4 less adverse selection 1 plus inventory -0.2 less fees 0.2 is 2.6 bps."""
    usual: dict[str, Any] = {
        "fills": 1000,
        "notional": 2_000_000.0,
        "spread_capture_bps": 4.0,
        "fee_bps": 0.2,
        "net_edge_bps": net,
        "maker_share": 0.95,
        "order_age_p95_ms": 251.04,
        "markout_bps_1s": 3.5,
        "adverse_selection_bps_1s": 0.5,
        "inventory_bps_1s": -0.7,
        "markout_bps_5s": 3.0,
        "adverse_selection_bps_5s": 1.0,
        "inventory_bps_5s": -0.2,
    }
    return {**usual, **different}


def answers(*said: str) -> list[dict[str, Any]]:
    return [{"limit_bps": limit, "answer": one} for limit, one in zip((0.0, 2.0, 2.5), said, strict=True)]


def report(**different: Any) -> dict[str, Any]:
    """What the edge report holds, as JSON has it: two symbols, one of them with hours that lost."""
    interval = {"net_edge_bps": [2.1, 3.1], "markout_bps_1s": [3.2, 3.8], "markout_bps_5s": None}
    usual: dict[str, Any] = {
        "window": {"start": DAY.start.isoformat(), "end": DAY.end.isoformat()},
        "settlement": "USDT",
        "horizons": ["1s", "5s"],
        "clocks": {"AAA-USDT": "exchange", "BBB-USDT": "receive"},
        "total": group(),
        "by_symbol": {"AAA-USDT": group(notional=500_000.0), "BBB-USDT": group(notional=1_500_000.0, net=-0.31)},
        "by_side": {"sell": group(net=-30.0), "buy": group(net=35.0)},
        "by_venue": {"paper": group()},
        "by_hour": {f"{hour:02d}": group(net=hour / 4 - 1) for hour in range(24) if hour != 7},
        "net_edge": {
            "low_bps": 2.1,
            "high_bps": 3.1,
            "level": 0.95,
            "reason": None,
            "above": answers("yes", "yes", "not decided"),
        },
        "carried_position": {
            "share": 0.0314,
            "by_symbol": {
                "AAA-USDT": {"position": 20.0, "mid": 50.0, "value": 1000.0, "share": 0.002},
                "BBB-USDT": {"position": -617.9, "mid": 100.0, "value": -61790.0, "share": 0.0412},
            },
        },
        "intervals_by_symbol": {"AAA-USDT": interval, "BBB-USDT": interval},
        "quality": {
            "measured_share": 1.0,
            "quote_coverage": 0.9999,
            "quote_age_p95_ms": 613.8,
            "outside_touch_share_alone": 0.001,
            "wrong_side_share": 0.0017,
            "mark_jump_bps": 18.2,
            "longest_fill_gap_s": 355.0,
            "fills_without_quote": 0,
            "last_quote_age_s": 0.383,
        },
        "identity": {"holds": True},
    }
    return copy.deepcopy({**usual, **different})


def earned(*amounts: tuple[float, float]) -> Earned:
    """Money at hours of the day."""
    times = [DAY.start_ns + round(hour * 3600) * 10**9 for hour, _ in amounts]
    return Earned(np.array(times, dtype=np.int64), np.array([money for _, money in amounts], dtype=np.float64))


def page(content: dict[str, Any] | None = None, **different: Any) -> EdgePage:
    usual: dict[str, Any] = {
        "bot": "paper",
        "report": report() if content is None else content,
        "horizon": "5s",
        "limits": LIMITS,
        "earned": earned(*((n / 10, 30.0 * ((n * 7) % 5 - 1)) for n in range(240))),
        "policies": {"edge.yaml": "sha256:aaaa"},
    }
    return EdgePage(**{**usual, **different})


def sound() -> EdgePage:
    above = {**report()["net_edge"], "low_bps": 2.52, "above": answers("yes", "yes", "yes")}
    return page(report(net_edge=above))


def doubtful() -> EdgePage:
    """Too little measured, no word on the quotes, no interval, and fills that have no mid at the horizon."""
    content = report(net_edge={"reason": "the window is 3.2 blocks long", "above": answers(*["not decided"] * 3)})
    content["quality"] |= {"measured_share": 0.931, "quote_coverage": None}
    content["total"]["inventory_bps_5s"] = 0.5
    content["intervals_by_symbol"] = {}
    return page(content, earned=None, remarks=["The side of 40 % of fills was inferred."])


def empty() -> EdgePage:
    """As the report is without a fill."""
    nothing = dict.fromkeys(group(), None) | {"fills": 0}
    quality = dict.fromkeys(report()["quality"], None)
    content = report(total=nothing, by_symbol={}, by_side={}, by_venue={}, by_hour={}, intervals_by_symbol={})
    content |= {"settlement": None, "clocks": {}, "quality": quality, "identity": {"holds": None}}
    content |= {"carried_position": {"share": None, "by_symbol": {}}}
    return page(content | {"net_edge": {"reason": "0 fills were measured", "above": []}}, earned=None)
