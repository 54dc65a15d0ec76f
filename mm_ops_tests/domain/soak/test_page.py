from typing import Any

import pytest

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.soak.page import (
    Page,
    charts_worst_first,
    gate_rows,
    headline,
    room,
    room_words,
    tally,
    warning,
    worst_first,
)
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops_tests.domain.charts.small import HOUR, chart

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def finding(gate: str, verdict: Verdict = PASS, **different: Any) -> Finding:
    usual: dict[str, Any] = {"severity": Severity.HARD, "reason": f"why {gate}", "unit": "ms", "bound": "at_most"}
    return Finding(gate=gate, verdict=verdict, **{**usual, **different})


def soft(gate: str, verdict: Verdict = PASS, **different: Any) -> Finding:
    return finding(gate, verdict, severity=Severity.SOFT, **different)


def page(*findings: Finding, verdict: Verdict = PASS, **different: Any) -> Page:
    usual: dict[str, Any] = {"charts": (), "source": "a test", "policies": {}, "queries": {}}
    return Page(bot="paper", window=HOUR, verdict=verdict, findings=findings, **{**usual, **different})


@pytest.mark.parametrize(
    ("verdict", "findings", "message"),
    [
        (PASS, [finding("a", FAIL)], "verdict: expected fail as a failed, was pass"),
        (INCONCLUSIVE, [finding("a", FAIL)], "verdict: expected fail as a failed, was inconclusive"),
        (PASS, [finding("a"), finding("b", INCONCLUSIVE)], "expected inconclusive as b is inconclusive, was pass"),
        (PASS, [soft("a")], "expected inconclusive as no hard gate was judged, was pass"),
        (PASS, [], "expected inconclusive as no hard gate was judged, was pass"),
    ],
)
def test_a_verdict_that_is_better_than_its_findings_is_refused(verdict: Verdict, findings: list[Finding], message: str):
    with pytest.raises(SchemaError, match=message):
        page(*findings, verdict=verdict)


def test_a_verdict_may_be_worse_than_its_findings():
    """As where the policy changed after the soak began, or an expected gate has no finding."""
    assert page(finding("a"), verdict=INCONCLUSIVE).verdict is INCONCLUSIVE


def test_two_charts_of_one_name_are_refused():
    with pytest.raises(SchemaError, match="soak page: charts: expected every name once, was twice: ws_lag"):
        page(finding("a"), charts=(chart(), chart()))


def test_what_failed_comes_first_and_then_what_could_not_be_decided_and_then_the_least_room():
    """Room: b has 10 of 100 left, a 50 of 100; d is 1 of 10 beyond, c 20 of 100, which is worse."""
    findings = [
        finding("a", limit=100.0, margin=50.0),
        soft("z", limit=100.0, margin=1.0),
        finding("b", limit=100.0, margin=10.0),
        finding("e", INCONCLUSIVE),
        soft("y", FAIL, limit=1.0, margin=-9.0),
        finding("d", FAIL, limit=10.0, margin=-1.0),
        finding("f", INCONCLUSIVE, limit=100.0, margin=3.0),
        finding("c", FAIL, limit=100.0, margin=-20.0),
    ]
    assert "".join(one.gate for one in worst_first(findings)) == "cdyefbaz"
    assert worst_first(findings[::-1]) == worst_first(findings)


@pytest.mark.parametrize(
    ("limit", "margin", "expected"),
    [
        (100.0, 25.0, 0.25),
        (-100.0, -25.0, -0.25),
        (0.0, -3.0, -1.0),
        (0.0, 2.0, 1.0),
        (0.0, 0.0, 0.0),
        (100.0, None, None),
        (None, 3.0, None),
    ],
)
def test_room_is_the_margin_as_a_share_of_the_limit(limit: float | None, margin: float | None, expected: float | None):
    assert room(finding("a", limit=limit, margin=margin)) == expected


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (None, "not measured"),
        (0.0, "at the limit"),
        (0.299, "29 % to spare"),
        (0.004, "under 1 % to spare"),
        (-0.001, "under 1 % beyond the limit"),
        (-3.561, "357 % beyond the limit"),
        (-0.11, "11 % beyond the limit"),
        (0.29, "29 % to spare"),
    ],
)
def test_room_in_words_is_never_rounded_to_the_better_side(margin: float | None, expected: str):
    assert room_words(finding("a", limit=1.0, margin=margin)) == expected


def test_a_count_that_is_exactly_what_is_asked_is_not_the_tightest_of_the_passes():
    exact = finding("guard_trips", unit="count", limit=0.0, value=0.0, margin=0.0)
    tight = finding("lag", limit=100.0, value=99.0, margin=1.0)
    beyond = finding("episodes", FAIL, unit="count", limit=0.0, value=2.0, margin=-2.0)
    assert [one.gate for one in worst_first([exact, tight, beyond])] == ["episodes", "lag", "guard_trips"]
    assert (room(exact), room_words(exact)) == (None, "at the limit")
    assert (room(beyond), room_words(beyond)) == (-1, "2 beyond the limit")


def test_beyond_a_limit_of_zero_there_is_no_percentage():
    assert room_words(finding("drift", limit=0.0, margin=-0.25)) == "0.25 ms beyond the limit"
    assert room_words(finding("drift", limit=0.0, margin=0.25, bound="at_least")) == "0.25 ms to spare"


def test_what_could_not_be_decided_ranks_by_its_room_and_what_has_no_margin_stands_first():
    undecided = [
        finding("exact", INCONCLUSIVE, unit="count", value=0.0, limit=0.0, margin=0.0),
        finding("wide", INCONCLUSIVE, value=50.0, limit=200.0, margin=150.0),
        finding("close", INCONCLUSIVE, value=190.0, limit=200.0, margin=10.0),
        finding("unknown", INCONCLUSIVE),
    ]
    assert [one.gate for one in worst_first(undecided)] == ["unknown", "close", "wide", "exact"]


def test_the_headline_names_the_worst_five_and_counts_the_rest():
    failed = [finding(f"g{n}", FAIL, limit=10.0, margin=-float(n)) for n in range(1, 8)]
    assert headline(FAIL, failed) == "7 of 7 hard gates failed: g7, g6, g5, g4, g3, 2 more."


def test_a_row_has_the_evidence_in_words():
    measured = finding(
        "lag", value=107.4953, limit=200.0, margin=92.5047, samples=17_280, coverage=0.98999, longest_gap_s=2715.0
    )
    (row,) = gate_rows(page(measured, charts=(chart(name="lag"),)))
    assert (row.value, row.limit, row.margin) == ("107.495 ms", "≤ 200 ms", "+92.5 ms")
    assert (row.samples, row.coverage, row.longest_gap) == ("17,280", "98.99 %", "45 min 15 s")
    assert (row.severity, row.verdict, row.reason, row.chart) == ("hard", "pass", "why lag", "lag")
    assert row.room == pytest.approx(0.4625235)


def test_a_row_says_what_was_not_measured_instead_of_a_number():
    (row,) = gate_rows(page(finding("lag", INCONCLUSIVE, bound=""), verdict=INCONCLUSIVE))
    missing = (row.value, row.margin, row.samples, row.coverage, row.longest_gap)
    assert set(missing) == {"not measured"}
    assert (row.limit, row.room, row.chart) == ("none", None, None)


@pytest.mark.parametrize("unit", ["count", "ratio"])
def test_counts_and_ratios_are_bare_numbers(unit: str):
    (row,) = gate_rows(page(finding("n", unit=unit, bound="at_least", value=0.9, limit=0.85, margin=0.05)))
    assert (row.value, row.limit, row.margin) == ("0.9", "≥ 0.85", "+0.05")


def test_charts_follow_the_worst_gate_that_each_shows_and_those_without_a_gate_come_last():
    shown = page(
        finding("a", limit=10.0, margin=5.0),
        finding("b_sustained", FAIL),
        finding("b", limit=10.0, margin=9.0),
        verdict=FAIL,
        charts=tuple(chart(name=name) for name in ("free", "a", "other", "b")),
        chart_of={"b_sustained": "b"},
    )
    assert [one.name for one in charts_worst_first(shown)] == ["b", "a", "free", "other"]
    assert [(row.gate, row.chart) for row in gate_rows(shown)] == [("b_sustained", "b"), ("a", "a"), ("b", "b")]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (page(finding("a"), finding("b"), soft("c")), "All 2 hard gates passed."),
        (page(finding("a", FAIL), finding("b"), verdict=FAIL), "1 of 2 hard gates failed: a."),
        (
            page(finding("a", INCONCLUSIVE), finding("b", INCONCLUSIVE), verdict=INCONCLUSIVE),
            "2 of 2 hard gates could not be decided: a, b. The first: why a.",
        ),
        (
            page(finding("a"), verdict=INCONCLUSIVE),
            "What was judged is not what the policy expects, or not under the policy that was registered.",
        ),
        (page(finding("a"), verdict=FAIL), "The verdict is fail, though no hard gate failed."),
    ],
)
def test_the_headline_says_what_the_verdict_rests_on(shown: Page, expected: str):
    assert headline(shown.verdict, shown.findings) == expected


def test_soft_gates_that_did_not_pass_are_told_apart():
    assert warning(page(finding("a"), soft("b"))) is None
    assert warning(page(finding("a"), soft("b", FAIL))) == "1 soft gate did not pass: b."
    both = page(finding("a"), soft("c", INCONCLUSIVE), soft("b", FAIL))
    assert warning(both) == "2 soft gates did not pass: b, c."
    assert tally(both) == {
        "hard": {"pass": 1, "fail": 0, "inconclusive": 0},
        "soft": {"pass": 0, "fail": 1, "inconclusive": 1},
    }
