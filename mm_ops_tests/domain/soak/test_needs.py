import math
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from mm_ops.domain.sli.measurement import Measurement, Problem
from mm_ops.domain.soak.bucket_rules import Needs
from mm_ops.domain.soak.needs import find_gaps, find_holes, find_unusable, points_of
from mm_ops_tests.domain.soak.bucketed import GOOD, sli_buckets

NEEDS = Needs(min_points=10)


def test_too_few_points_cannot_be_asked_for() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 10"):
        Needs(min_points=9)


def test_a_bucket_counts_from_its_coverage_on_and_with_a_value() -> None:
    sli = sli_buckets([1.0, 2.0, None, 4.0], coverage=(1.0, 0.9, 1.0, 0.89))
    assert points_of(NEEDS, sli) == pytest.approx([1.0, 2.0, math.nan, math.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("measurement", "reason"),
    [
        pytest.param(None, "no measurement of x", id="not measured"),
        pytest.param(replace(GOOD, value=None), "x has no value", id="no value"),
        pytest.param(replace(GOOD, not_finite=2), "x is tainted: 2 samples are NaN or infinite", id="tainted"),
        pytest.param(
            replace(GOOD, value=None, problem=Problem.SOURCE_ERROR, detail="refused"),
            "x: the source gave no answer: refused",
            id="source error",
        ),
        pytest.param(
            replace(GOOD, value=None, problem=Problem.NO_SERIES, detail="no series g in the window"),
            "x: no series g in the window",
            id="no series",
        ),
        pytest.param(
            replace(GOOD, value=None, problem=Problem.NOT_A_NUMBER, detail="0 / 0 is no ratio"),
            "x: 0 / 0 is no ratio",
            id="not a number",
        ),
        pytest.param(
            replace(GOOD, value=None, problem=Problem.AMBIGUOUS, detail="2 label sets"),
            "x: 2 label sets",
            id="two bots",
        ),
        pytest.param(GOOD, None, id="usable"),
    ],
)
def test_what_has_no_value_says_why(measurement: Measurement | None, reason: str | None) -> None:
    assert find_unusable("x", measurement) == reason


def test_a_window_that_is_whole_lacks_nothing() -> None:
    assert find_gaps(NEEDS, "x", replace(GOOD, coverage=0.99, longest_gap_s=300.0)) == []


def test_a_window_says_each_way_in_which_it_falls_short() -> None:
    poor = replace(GOOD, coverage=0.98999, longest_gap_s=301.0, doubt="a bucket is not foreseen")
    assert find_gaps(NEEDS, "x", poor) == [
        "coverage of x is 98.99 %, below 99 %",
        "the longest gap of x, 5m1s, is over 5m",
        "x: a bucket is not foreseen",
    ]
    assert find_gaps(Needs(min_points=10, min_coverage=0.5, max_gap=timedelta(hours=1)), "x", poor) == [
        "x: a bucket is not foreseen"
    ]


def test_a_gap_in_which_samples_were_there_says_what_stood_still() -> None:
    assert find_gaps(NEEDS, "x", replace(GOOD, longest_gap_s=252_000.0, stalled="ticks")) == [
        "the longest gap of x, 70h in which ticks stood still, is over 5m"
    ]


def test_nineteen_of_twenty_buckets_suffice() -> None:
    assert find_holes(NEEDS, "x", sli_buckets([None, *[1.0] * 19], remarks={0: "no series"})) == []


def test_fewer_buckets_do_not_and_the_first_cause_is_told() -> None:
    sli = sli_buckets([None, None, *[1.0] * 18], remarks={0: "no series g", 1: "0 / 0 is no ratio"})
    assert find_holes(NEEDS, "x", sli) == ["18 of 20 buckets of x are measured, fewer than 95 % (no series g)"]


def test_buckets_of_too_few_samples_are_not_measured() -> None:
    sli = sli_buckets([1.0] * 20, coverage=(0.5,) * 20)
    assert find_holes(NEEDS, "x", sli) == ["0 of 20 buckets of x are measured, fewer than 95 %"]


def test_a_doubtful_bucket_is_told() -> None:
    sli = sli_buckets([1.0] * 20, remarks={3: "beyond the highest bucket", 7: "too"})
    assert find_holes(NEEDS, "x", sli) == ["2 buckets of x are doubtful: bucket 3: beyond the highest bucket"]
