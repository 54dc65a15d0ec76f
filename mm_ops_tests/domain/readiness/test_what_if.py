import math
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from mm_ops.domain.readiness.evidence import FIELDS, DayEvidence
from mm_ops.domain.readiness.score import Readiness, score_readiness
from mm_ops.domain.readiness.what_if import GO, HOLD, Between, value_at_limit
from mm_ops_tests.domain.readiness.week import EXPECTED, GATES, LAST, POLICY, but, week

LIMITS = {"net_edge_bps": 2.5, "order_age_p95_ms": 350.0, "taker_share": 0.15}
FIELD_OF = {"edge": "net_edge_bps", "latency": "order_age_p95_ms", "taker": "taker_share"}


def score(days: list[DayEvidence]) -> Readiness:
    return score_readiness(days, [day.date for day in days], POLICY, GATES)


def edges(*values: float) -> list[DayEvidence]:
    days = [LAST - timedelta(days=back) for back in reversed(range(len(values)))]
    return [but(week()[0], date=day, net_edge_bps=value) for day, value in zip(days, values, strict=True)]


def test_each_section_shows_its_days_and_what_one_less_or_one_more_would_do():
    """Edges 1 to 4 with a median of 2; without one of the lower days it is 2.5, with a day like the worst it is 1.5."""
    section = score(edges(1.0, 2.0, 4.0)).sections["edge"]
    assert section.values == (1.0, 2.0, 4.0)
    assert section.score == pytest.approx(30 * 2.0 / 2.5)
    assert section.one_less == Between(30 * 1.5 / 2.5, 30.0)  # without 4: 1.5; without 1: 3
    assert section.one_more == Between(30 * 1.5 / 2.5, 30.0)  # with another 1: 1.5; with another 4: 3


def test_a_trip_or_a_failure_is_what_one_day_more_may_bring():
    sections = score(week()).sections
    assert sections["guards"].one_more == Between(10 * (7 / 8), 10.0)
    assert sections["chaos"].one_more == Between(0.0, 10.0)
    failed = [but(day, chaos_ok=n != 3, guard_trips=float(n == 3)) for n, day in enumerate(week())]
    assert score(failed).sections["chaos"].one_less == Between(0.0, 10.0)
    assert score(failed).sections["guards"].one_less == Between(10 * (5 / 6), 10.0)


def test_of_one_day_none_can_be_left_out():
    assert score(edges(3.0)).sections["edge"].one_less is None


def test_a_section_that_lacks_a_day_shows_which_and_supposes_nothing():
    section = score([but(day, taker_share=None) if n == 1 else day for n, day in enumerate(week())]).sections["taker"]
    assert section.values[:3] == (0.05, None, 0.05)
    assert (section.one_less, section.one_more) == (None, None)


def test_days_that_are_all_alike_leave_no_doubt():
    assert score(week()).interval == Between(100.0, 100.0)
    assert score(week(net_edge_bps=1.25)).interval == Between(85.0, 85.0)


def test_the_interval_is_as_wide_as_the_days_differ():
    """Edges of which half are full: a drawn week's median may be any of them."""
    interval = score(edges(0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5)).interval
    assert 70 < interval.lowest < 70 + 30 * 2.0 / 2.5
    assert interval.highest == 100.0


def test_no_day_gives_nothing():
    assert score_readiness([], [], POLICY, GATES).interval == Between(0.0, 0.0)


def test_of_a_go_every_sections_margin_is_told_the_nearest_first():
    flips = [flip for flip in score(week(net_edge_bps=2.6)).flips if flip.section]
    assert {flip.to for flip in flips} == {HOLD}
    assert [flip.section for flip in flips] == ["guards", "chaos", "tests", "edge", "latency", "taker"]
    edge = flips[3]
    assert (edge.now, edge.beyond, edge.unit) == (2.6, 2.5, "bps")
    assert edge.words == "edge: median 2.6 bps, HOLD beyond 2.5: 0.1 away"
    assert flips[0].words == "guards: HOLD at one guard trip on any day"


def test_a_day_on_which_a_median_hangs_is_named_with_the_value_at_which_it_turns():
    days = edges(1.0, 1.0, 1.0, 2.75, 3.0, 3.0, 3.0)
    flips = [flip for flip in score(days).flips if flip.date]
    assert [flip.date for flip in flips] == EXPECTED[3:]  # any of the four full days
    assert (flips[0].now, flips[0].beyond) == (2.75, 2.5)
    assert flips[0].words == "2026-11-17: edge 2.75 bps, HOLD beyond 2.5: this day alone"
    assert not [flip for flip in score(week()).flips if flip.date]


WHOLE = st.lists(st.floats(0.5, 6), min_size=1, max_size=8)


@settings(max_examples=40)
@given(WHOLE)
def test_the_value_at_which_a_day_turns_a_go_is_exact(values: list[float]):
    found = score(edges(*values))
    turning = {flip.date: flip.beyond for flip in found.flips if flip.date and flip.unit == "bps"}
    for n, day in enumerate(edges(*values)) if found.verdict == GO else ():
        lowest = score([but(day, net_edge_bps=-9.0) if m == n else other for m, other in enumerate(edges(*values))])
        assert (day.date in turning) == (lowest.verdict == HOLD)
        if day.date in turning:
            at = turning[day.date]
            assert at is not None
            for moved, verdict in ((at + 1e-9, GO), (at - 1e-9, HOLD)):
                changed = edges(*values[:n], moved, *values[n + 1 :])
                assert score(changed).verdict == verdict


@pytest.mark.parametrize(("others", "at"), [([], 2.5), ([1.0, 4.0], 2.5), ([1.0, 2.0, 4.0], 3.0), ([4.0], 1.0)])
def test_the_value_that_makes_the_median_the_limit(others: list[float], at: float):
    assert value_at_limit(others, 2.5) == at


FREED: dict[str, tuple[dict[str, Any], str]] = {
    "edge": ({"net_edge_bps": 2.0}, "edge alone: median 2 bps, GO from 2.5 on"),
    "latency": ({"order_age_p95_ms": 400.0}, "latency alone: median 400 ms, GO from 350 on"),
    "guards": ({"guard_trips": 1.0}, "guards alone: no guard trip on any day"),
    "tests": ({"tests_ok": None}, "tests alone: a test run that is OK on every day"),
    "taker": ({"taker_share": None}, "taker alone: every day measured"),
}


@pytest.mark.parametrize("name", FREED)
def test_of_a_hold_the_one_section_that_holds_is_named_with_what_it_needs(name: str):
    different, words = FREED[name]
    (flip,) = score(week(**different)).flips
    assert (flip.to, flip.section, flip.words) == (GO, name, words)


def test_of_a_hold_the_one_day_that_holds_is_named():
    days = [but(day, chaos_ok=False, guard_trips=2.0) if n == 2 else day for n, day in enumerate(week())]
    (flip,) = score(days).flips
    assert (flip.to, flip.date, flip.section) == (GO, EXPECTED[2], None)
    assert flip.words == "2026-11-16 alone: with a good day in its place it is GO"


def test_where_more_than_one_holds_nothing_alone_frees():
    assert score(week(net_edge_bps=2.0, taker_share=0.2)).flips == []


SOME = st.lists(
    st.builds(
        lambda **fields: fields,
        net_edge_bps=st.none() | st.floats(0, 5),
        order_age_p95_ms=st.none() | st.floats(100, 700),
        taker_share=st.none() | st.floats(0, 0.4),
        guard_trips=st.none() | st.sampled_from([0.0, 1.0]),
        chaos_ok=st.none() | st.booleans(),
        tests_ok=st.none() | st.booleans(),
    ),
    min_size=7,
    max_size=7,
)


@settings(max_examples=40)
@given(SOME, st.integers(0, 6), st.sampled_from(FIELDS))
def test_losing_evidence_never_raises_an_end_of_the_interval(fields: list[dict[str, Any]], which: int, what: str):
    days = [DayEvidence(date=day, **found) for day, found in zip(EXPECTED, fields, strict=True)]
    before = score(days).interval
    after = score([but(day, **{what: None}) if n == which else day for n, day in enumerate(days)]).interval
    assert 0 <= after.lowest <= after.highest <= 100
    assert after.lowest <= before.lowest
    assert after.highest <= before.highest


@settings(max_examples=40)
@given(SOME)
def test_what_is_said_to_free_a_hold_does(fields: list[dict[str, Any]]):
    days = [DayEvidence(date=day, **found) for day, found in zip(EXPECTED, fields, strict=True)]
    found = score(days)
    for flip in found.flips if found.verdict == HOLD else ():
        good = {"net_edge_bps": 9.0, "order_age_p95_ms": 1.0, "taker_share": 0.0, "guard_trips": 0.0}
        good_day: dict[str, Any] = {**good, "chaos_ok": True, "tests_ok": True}
        if flip.date:
            freed = [but(day, **good_day) if day.date == flip.date else day for day in days]
        else:
            field = FIELD_OF.get(
                flip.section or "", {"guards": "guard_trips"}.get(flip.section or "", f"{flip.section}_ok")
            )
            freed = [but(day, **{field: good_day[field]}) for day in days]
        assert score(freed).verdict == GO
        assert flip.beyond is None or math.isfinite(flip.beyond)
