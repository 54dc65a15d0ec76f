"""The readiness file of a week, as it is read back."""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.readiness.document import readiness_document
from mm_ops.domain.readiness.hard import HardGate
from mm_ops.domain.readiness.last_day import SoakRules
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.readiness.soundness import POLICIES, REPORTS
from mm_ops.domain.soak.registration import register
from mm_ops_tests.domain.readiness.week import EXPECTED, GATES, LAST, POLICY, week
from mm_ops_tests.soak_samples import WINDOW, catalogue, healthy, measured, soak_policy

POLICY_DIGESTS = {name: digest(name.encode()) for name in POLICIES}
INPUTS = {f"paper/{day}/reports/{name}": digest(f"{day} {name}".encode()) for day in EXPECTED for name in REPORTS}


def document(gates: Sequence[HardGate] = GATES, **different: Any) -> dict[str, Any]:
    """A sound one; ``different`` holds for every day."""
    days = week(**different)
    made = readiness_document(
        score_readiness(days, EXPECTED, POLICY, gates),
        days,
        gates,
        bot="paper",
        day=LAST,
        runtime={"utc": "2026-11-21T00:30:00+00:00", "version": "0.1.0"},
        basis={
            "stored_as": "paper/2026-11-20/reports/readiness.json",
            "version": "1.0.0",
            "made_by": "0.1.0",
            "origin": "sha256:" + "0" * 64,
            "sources": {},
            "inputs": INPUTS,
            "policies": POLICY_DIGESTS,
        },
    )
    return as_read(made)


def as_read(made: dict[str, Any]) -> dict[str, Any]:
    """A document as it is read back."""
    plain: dict[str, Any] = json.loads(encode(made))
    return plain


@cache
def soak_report() -> dict[str, Any]:
    """What a stored soak of a healthy bot holds beside the day, measured and registered by the project's policies."""
    record = register(catalogue(), soak_policy(), registered=WINDOW.start - timedelta(minutes=1), version="1.0.0")
    return as_read({"registration": record, "window": measured(healthy())})


def rules() -> SoakRules:
    """The project's own, with nothing to compare with."""
    return SoakRules(slis=catalogue(), soak=soak_policy(), known_good=None)


def reports_of(**different: Any) -> dict[str, dict[str, Any]]:
    """The stored reports of such a week, by name: no more of each than a day is read from."""
    value: dict[str, Any] = {"net_edge_bps": 3.0, "order_age_p95_ms": 250.0, "taker_share": 0.05, "guard_trips": 0.0}
    value |= different
    return {
        f"paper/{day}/reports/{name}": {**report, "stored_as": f"paper/{day}/reports/{name}"}
        for day in EXPECTED
        for name, report in _day_of(value).items()
    }


def _day_of(value: dict[str, Any]) -> dict[str, dict[str, Any]]:
    share = {"rejected_share": 0.0}
    edge = {
        "identity": {"holds": True, "capture_error": 0.0, "money_error": 0.0},
        "intake": {
            "max_rejected_share": 0.001,
            "max_unknown_share": 0.01,
            "max_crossed_share": 0.01,
            "books": {"crossed": {"count": 0}},
            "fills": {**share, "rows": 2500, "alike_without_id": {"count": 0, "treat": "keep"}},
            "quotes": {**share, "taken": 10_000},
            "aggressor": None,
        },
        "by_symbol": {"AAA-USDT": {"fills": 2500}, "BBB-USDT": {"fills": 2500}},
        "quality": {
            "measured_share": 1.0,
            "quote_coverage": 1.0,
            "quote_age_p95_ms": 600.0,
            "outside_touch_share_alone": 0.0,
            "wrong_side_share": 0.0,
            "mark_jump_bps": 18.0,
            "longest_fill_gap_s": 355.0,
        },
        "total": {
            **{name: value[name] for name in ("net_edge_bps", "order_age_p95_ms", "taker_share")},
            "maker_share": 1 - value["taker_share"],
            "order_age_known_share": 1.0,
            "liquidity_known_share": 1.0,
        },
    }
    soak = soak_report() | {
        "ran": "1.0.0",
        "day": {
            "slis": {
                "guard_trips": {"value": value["guard_trips"], "coverage": 1.0},
                "maker_share": {"value": 1 - value["taker_share"], "coverage": 1.0},
            }
        },
    }
    return {
        "edge_report.json": edge,
        "soak_metrics.json": soak,
        "chaos_drill.json": {
            "drill": "feed_cut",
            "outcome": "ok",
            "observed": {"breaker_open_s": 1.0, "no_open_orders_s": 1.0, "quoting_again_s": 1.0},
        },
        "test_results.json": {"verdict": "ok", "passed": 9, "skipped": 0, "total": 9},
    }
