from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.charts.svg import chart_svg
from mm_ops.domain.sentinel.edge_history import EdgeHistory, plan_look
from mm_ops.domain.sentinel.edge_story import agree_finding, applied_finding, describe, draw, tell_rows
from mm_ops.domain.sentinel.edge_switch import Effect
from mm_ops.domain.verdict import Severity, Verdict
from mm_ops.domain.windows import to_ns
from mm_ops_tests.domain.sentinel.edge_rows import CONSERVATIVE, MODERATE, POLICY, counted, end_of, policy
from mm_ops_tests.rollback_world import NOW

NO_DWELL = policy(recovery__dwell=timedelta(0))
APART = "gauges and fills are 0.600 bps apart"


def effect(reason: str = "", *, deferred: bool = False) -> Effect:
    return Effect(profile="conservative", confirmed=not reason, at=NOW, reason=reason, asked=True, deferred=deferred)


def stored(text: str = "+", *, came: Effect | None = None, **different: Any) -> dict[str, Any]:
    rows = [replace(row, window=replace(row.window, **different)) for row in counted(text)]
    return {**to_plain(EdgeHistory(rows=tuple(rows), effect=came)), "within_bps": 0.5}


def test_each_average_is_drawn_with_its_threshold_the_careful_profile_and_every_switch():
    rows = counted("+---+++", how=NO_DWELL)
    fast, slow = draw(rows, NO_DWELL)
    assert (fast.name, fast.limit, slow.name, slow.limit) == ("edge_ema1h", 0.0, "edge_ema24h", 1.5)
    assert fast.times_ns.tolist() == [to_ns(end_of(n)) for n in range(7)]
    assert fast.values.tolist() == [0.0, -0.001, -0.001, -0.001, 0.0, 0.0, 0.0]
    for chart in (fast, slow):
        assert [(one.at_ns, one.label) for one in chart.moments] == [
            (to_ns(end_of(3)), "conservative"),
            (to_ns(end_of(6)), "moderate"),
        ]
        (shade,) = chart.breaches
        assert (shade.span.start_ns, shade.span.end_ns, shade.label) == (
            to_ns(end_of(3)),
            to_ns(end_of(6)),
            "conservative",
        )
        assert chart.gaps == ()
        assert "conservative" in chart_svg(chart)


def test_a_careful_profile_that_still_holds_is_shaded_to_the_end():
    (shade,) = draw(counted("l+", CONSERVATIVE), POLICY)[0].breaches
    assert (shade.span.start_ns, shade.span.end_ns) == (to_ns(end_of(0)), to_ns(end_of(1)))


def test_windows_that_lack_and_numbers_that_are_not_known_are_gaps():
    fast, slow = draw(counted("+..+n+"), POLICY)
    assert [(gap.start_ns, gap.end_ns) for gap in fast.gaps] == [
        (to_ns(end_of(0)), to_ns(end_of(3))),
        (to_ns(end_of(3)), to_ns(end_of(5))),
    ]
    assert len(slow.gaps) == 1
    assert np.isnan(fast.values[2])


def test_without_a_window_there_is_no_chart():
    assert draw([], POLICY) == []


def test_a_change_is_a_line_with_both_edges_the_profile_and_the_reason():
    row = replace(counted(".." + "-")[0], missed=2, pages=("look",))
    known = replace(row, window=replace(row.window, fills_fast=0.25))
    assert tell_rows([known]) == [
        (
            "2026-11-24 13:30",
            "−0.001",
            "+2.000",
            "+0.250, —",
            "moderate",
            "stay",
            "2 windows were missed; ema1h below 0 bps in 1 of 3; look",
        )
    ]


def test_a_history_is_told_in_markdown():
    history = EdgeHistory(state=MODERATE).extended(counted("---"), POLICY, None)
    done, _ = history.settled(effect(), MODERATE, POLICY)
    text = describe(done)
    assert "Profile: **conservative** since 2026-11-24 13:30" in text
    assert "Asked for last: conservative, read back." in text
    assert "ema1h below 0 bps in 3 windows in a row" in text
    failed, _ = history.settled(effect("it hangs"), MODERATE, POLICY)
    assert "not confirmed: it hangs" in describe(failed)
    assert describe(EdgeHistory()).startswith("Profile: **its own**\n")


APPLIED: dict[str, tuple[Effect | None, Verdict, str]] = {
    "nothing was asked": (None, Verdict.PASS, "the bot trades by its own profile: nothing was asked of it"),
    "read back": (effect(), Verdict.PASS, "profile conservative, read back"),
    "not read back": (effect("it hangs"), Verdict.FAIL, "it hangs"),
    "not asked": (effect("HALTED", deferred=True), Verdict.INCONCLUSIVE, "HALTED"),
}


@pytest.mark.parametrize(("came", "verdict", "reason"), APPLIED.values(), ids=list(APPLIED))
def test_a_profile_is_applied_when_it_was_read_back(came: Effect | None, verdict: Verdict, reason: str):
    finding = applied_finding(stored(came=came))
    assert (finding.verdict, finding.reason, finding.severity) == (verdict, reason, Severity.HARD)


AGREE: dict[str, tuple[dict[str, Any], Verdict, str, float | None]] = {
    "they agree": ({"fills_fast": 0.5, "fills_slow": 1.4}, Verdict.PASS, "gauges and fills are 0.500 bps apart", 0.5),
    "the slow one differs": ({"fills_fast": 0.0, "fills_slow": 2.1}, Verdict.FAIL, APART, 0.6),
    "one differs and one is not known": ({"fills_slow": 2.1, "unknown": ("why",)}, Verdict.FAIL, APART, 0.6),
    "one is not known": ({"fills_fast": 0.1, "unknown": ("why",)}, Verdict.INCONCLUSIVE, "why", 0.1),
    "no fills": ({"unknown": ("a", "b")}, Verdict.INCONCLUSIVE, "a; b", None),
}


@pytest.mark.parametrize(("different", "verdict", "reason", "value"), AGREE.values(), ids=list(AGREE))
def test_gauges_and_fills_agree_within_the_policys_bps(
    different: dict[str, Any], verdict: Verdict, reason: str, value: float | None
):
    finding = agree_finding(stored(**different))
    assert (finding.verdict, finding.reason, finding.severity) == (verdict, reason, Severity.SOFT)
    assert finding.value == (None if value is None else pytest.approx(value))
    assert finding.margin == (None if value is None else pytest.approx(0.5 - value))


def test_without_a_window_agreement_is_not_known():
    assert agree_finding(stored("")).reason == "no window was looked at"


def test_a_look_is_due_when_a_window_has_closed_or_a_profile_is_not_confirmed():
    history = EdgeHistory(state=MODERATE).extended(counted("---"), POLICY, None)
    closed = end_of(2)
    assert plan_look(EdgeHistory(), closed, POLICY) == closed - POLICY.window
    assert plan_look(history, closed, POLICY) == "counted up to 2026-11-24T13:30:00Z, profile conservative"
    assert plan_look(history, end_of(3) + POLICY.settled, POLICY) == end_of(3)
    late = replace(effect("it hangs"), at=closed + timedelta(minutes=1))
    failed, _ = history.settled(late, MODERATE, POLICY)
    said = plan_look(failed, closed + timedelta(minutes=5), POLICY)
    assert str(said).endswith("; profile conservative is not confirmed")
    assert plan_look(failed, closed + timedelta(minutes=6), POLICY) == closed
