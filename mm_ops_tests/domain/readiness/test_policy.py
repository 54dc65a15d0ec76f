from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from mm_ops_tests.domain.readiness.week import POLICY


def test_points_that_do_not_sum_to_a_hundred_are_refused():
    with pytest.raises(ValidationError, match="expected the sections to sum to 100, was 101"):
        replace(POLICY, edge=replace(POLICY.edge, points=31))


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("edge", "min_measured_share"),
        ("edge", "min_quote_coverage"),
        ("latency", "min_known_share"),
        ("taker", "min_known_share"),
        ("guards", "min_coverage"),
    ],
)
@pytest.mark.parametrize("share", [0.0, 1.01, float("nan")])
def test_a_share_that_would_take_nothing_or_refuse_everything_is_refused(section: str, name: str, share: float):
    found: Any = getattr(POLICY, section)
    with pytest.raises(ValidationError, match=name):
        replace(found, **{name: share})


@pytest.mark.parametrize("age", [0.0, float("inf"), float("nan")])
def test_an_age_that_no_quote_could_have_or_exceed_is_refused(age: float):
    with pytest.raises(ValidationError, match="max_quote_age_p95_ms"):
        replace(POLICY.edge, max_quote_age_p95_ms=age)
