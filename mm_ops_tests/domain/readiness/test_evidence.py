from typing import Any

import pytest

from mm_ops.domain.readiness.evidence import DayEvidence, DayReports, read_day
from mm_ops_tests.domain.readiness.week import LAST

EDGE = {
    "identity": {"holds": True},
    "total": {"net_edge_bps": 3.0, "order_age_p95_ms": 250.0, "taker_share": 0.05},
}
SOAK = {"day": {"slis": {"guard_trips": {"value": 0.0, "coverage": 1.0}}}}
REPORTS: dict[str, Any] = {"edge": EDGE, "soak": SOAK, "chaos": {"outcome": "ok"}, "tests": {"verdict": "ok"}}


def read(**different: Any) -> DayEvidence:
    return read_day(LAST, DayReports(**{**REPORTS, **different}), min_coverage=0.99)


def test_a_whole_day_lacks_nothing():
    day = read()
    assert (day.missing(), day.absent) == ([], ())
    assert (day.net_edge_bps, day.guard_trips, day.chaos_ok, day.tests_ok) == (3.0, 0.0, True, True)


@pytest.mark.parametrize(
    ("report", "fields"),
    [
        ("edge", ["net_edge_bps", "order_age_p95_ms", "taker_share"]),
        ("soak", ["guard_trips"]),
        ("chaos", ["chaos_ok"]),
        ("tests", ["tests_ok"]),
    ],
)
def test_a_report_that_is_not_stored_is_named_with_what_it_would_have_said(report: str, fields: list[str]):
    day = read(**{report: None})
    assert day.missing() == [f"{LAST}: {field}" for field in fields]
    assert day.absent == (f"{LAST}: no {report} report is stored",)


@pytest.mark.parametrize("holds", [False, None])
def test_an_edge_whose_identity_does_not_hold_counts_as_missing(holds: object):
    day = read(edge={**EDGE, "identity": {"holds": holds}})
    assert day.net_edge_bps is None
    assert day.absent == (f"{LAST}: the identity of the edge report does not hold",)


@pytest.mark.parametrize(
    ("measured", "why"),
    [
        ({"value": 0.0, "coverage": 0.5}, "guard trips cover 50.0% of the day, at least 99.0% is needed"),
        ({"value": None, "coverage": 1.0}, "guard trips were not measured"),
    ],
)
def test_guard_trips_of_a_day_that_was_not_watched_are_missing_and_not_zero(measured: dict[str, Any], why: str):
    day = read(soak={"day": {"slis": {"guard_trips": measured}}})
    assert (day.guard_trips, day.absent) == (None, (f"{LAST}: {why}",))


def test_guard_trips_that_nobody_measures_are_missing():
    assert read(soak={"day": {"slis": {}}}).guard_trips is None


def test_failures_are_answers_and_not_absence():
    day = read(chaos={"outcome": "failed"}, tests={"verdict": "failed"})
    assert (day.chaos_ok, day.tests_ok, day.missing()) == (False, False, [])


def test_a_test_run_in_which_nothing_ran_is_missing():
    assert read(tests={"verdict": "missing"}).tests_ok is None
