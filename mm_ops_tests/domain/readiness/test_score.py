from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mm_ops.domain.readiness.evidence import FIELDS, DayEvidence
from mm_ops.domain.readiness.score import Readiness, score_readiness
from mm_ops.domain.readiness.what_if import GO, HOLD
from mm_ops_tests.domain.readiness.week import EXPECTED, GATES, LAST, POLICY, but, week


def score(days: list[DayEvidence]) -> Readiness:
    return score_readiness(days, EXPECTED, POLICY, GATES)


def points(days: list[DayEvidence]) -> dict[str, float]:
    return {name: section.score for name, section in score(days).sections.items()}


def test_a_healthy_week_scores_exactly_a_hundred_and_is_go():
    found = score(week())
    assert (found.score, found.verdict, found.missing, found.reasons) == (100.0, GO, [], [])


SECTIONS = {
    # 30 · 1.25/2.5
    "an edge of half the target": ({"net_edge_bps": 1.25}, "edge", 15.0),
    "an edge of exactly the target": ({"net_edge_bps": 2.5}, "edge", 30.0),
    "an edge of nothing": ({"net_edge_bps": 0.0}, "edge", 0.0),
    "a negative edge": ({"net_edge_bps": -3.0}, "edge", 0.0),
    # 25 · 350/700
    "twice the order age": ({"order_age_p95_ms": 700.0}, "latency", 12.5),
    "exactly the order age": ({"order_age_p95_ms": 350.0}, "latency", 25.0),
    # 15 · 0.15/0.30
    "twice the taker share": ({"taker_share": 0.3}, "taker", 7.5),
    "no taker at all": ({"taker_share": 0.0}, "taker", 15.0),
}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_worked_by_hand(name: str):
    different, section, expected = SECTIONS[name]
    found = score(week(**different))
    assert found.sections[section].score == pytest.approx(expected, rel=1e-12)
    full = expected == POLICY.points()[section]
    assert found.verdict == (GO if full else HOLD)
    assert full or found.reasons[0].startswith(f"{section}: median ")


def test_medians_forgive_three_bad_days_of_seven_and_not_four():
    bad = [but(day, net_edge_bps=0.0) if n < 3 else day for n, day in enumerate(week())]
    worse = [but(day, net_edge_bps=0.0) if n < 4 else day for n, day in enumerate(week())]
    assert (points(bad)["edge"], points(worse)["edge"]) == (30.0, 0.0)


def test_each_day_with_a_guard_trip_costs_a_seventh():
    tripped = [but(day, guard_trips=2.0) if n < 2 else day for n, day in enumerate(week())]
    assert points(tripped)["guards"] == pytest.approx(10 * 5 / 7)


@pytest.mark.parametrize("field", ["chaos_ok", "tests_ok"])
def test_one_failed_day_costs_the_whole_section(field: str):
    days = [but(day, **{field: n != 3}) for n, day in enumerate(week())]
    found = score(days)
    assert (found.score, found.verdict) == (90.0, HOLD)
    assert found.reasons == [f"{field.removesuffix('_ok')}: OK on 6 of 7 days"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_one_day_lacks_costs_its_section_and_is_named(field: str):
    days = [but(day, **{field: None}) if n == 2 else day for n, day in enumerate(week())]
    found = score(days)
    assert found.verdict == HOLD
    assert found.missing == [f"{EXPECTED[2]}: {field}"]
    (lost,) = [section for section in found.sections.values() if section.score == 0]
    assert lost.value is None
    assert lost.reason == f"{field} is missing on 1 of 7 days"


def test_a_day_that_is_not_there_costs_everything_and_other_days_do_not_stand_in():
    days = [day for day in week() if day.date != LAST] + [but(week()[0], date=LAST + timedelta(days=1))]
    found = score(days)
    assert (found.score, found.verdict) == (0.0, HOLD)
    assert found.missing[0] == f"{LAST}: nothing is stored"


def test_a_reason_for_absence_alone_holds_a_full_score():
    days = [but(day, absent=("something was not there",)) if n == 0 else day for n, day in enumerate(week())]
    found = score(days)
    assert (found.score, found.verdict) == (100.0, HOLD)


def test_no_day_expected_is_no_evidence():
    found = score_readiness(week(), [], POLICY, GATES)
    assert (found.score, found.verdict) == (0.0, HOLD)


WEEKS = st.lists(
    st.builds(
        lambda **fields: fields,
        net_edge_bps=st.none() | st.floats(-5, 5),
        order_age_p95_ms=st.none() | st.floats(0, 2000),
        taker_share=st.none() | st.floats(0, 1),
        guard_trips=st.none() | st.sampled_from([0.0, 1.0]),
        chaos_ok=st.none() | st.booleans(),
        tests_ok=st.none() | st.booleans(),
    ),
    min_size=7,
    max_size=7,
)


@given(WEEKS, st.integers(0, 6), st.sampled_from([*FIELDS, "day"]))
def test_losing_evidence_never_raises_the_score_nor_turns_hold_into_go(
    fields: list[dict[str, Any]], which: int, what: str
):
    days = [DayEvidence(date=day, **found) for day, found in zip(EXPECTED, fields, strict=True)]
    if what == "day":
        poorer = [day for n, day in enumerate(days) if n != which]
    else:
        poorer = [but(day, **{what: None}) if n == which else day for n, day in enumerate(days)]
    before, after = score(days), score(poorer)
    assert after.score <= before.score
    assert not (before.verdict == HOLD and after.verdict == GO)
    assert 0 <= before.score <= 100
    assert (before.verdict == GO) == (before.score == 100 and not before.missing)


def test_the_dates_are_the_seven_up_to_the_last():
    assert (EXPECTED[0], EXPECTED[-1]) == (date(2026, 11, 14), date(2026, 11, 20))
