from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.soak.bucket_rules import Needs
from mm_ops.domain.soak.buckets import Buckets
from mm_ops.domain.soak.sides import Side, Usable, find_misfits, find_overlap, find_shortfall, find_usable
from mm_ops_tests.builders import START
from mm_ops_tests.domain.soak.bucketed import GOOD, buckets, sli_buckets

NEEDS = Needs(min_points=10)
VALUES = [float(n) for n in range(12)]


def side(found: Buckets | None, name: str = "this soak", **different: Any) -> Side:
    return Side(name=name, buckets=found, measurement=replace(GOOD, **different))


def usable(name: str = "this soak", **different: Any) -> Usable:
    found = find_usable(NEEDS, "x", side(buckets(VALUES, **different), name))
    assert isinstance(found, Usable)
    return found


def test_the_measured_buckets_are_given_in_order_of_time() -> None:
    found = find_usable(NEEDS, "x", side(buckets([3.0, None, *VALUES])))
    assert isinstance(found, Usable)
    assert found.points.tolist() == [3.0, *VALUES]
    assert (found.name, found.measurement) == ("this soak", GOOD)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param(
            Side(name="0.4.1", buckets=buckets(VALUES), measurement=None), "no measurement of x", id="nothing"
        ),
        pytest.param(side(None, "0.4.1"), "x was not measured in buckets", id="no buckets"),
        pytest.param(side(buckets(VALUES, slis={}), "0.4.1"), "x was not measured in buckets", id="another sli"),
        pytest.param(
            side(buckets([*VALUES[:9], None]), "0.4.1"), "9 measured buckets of x are fewer than 10", id="sparse"
        ),
        pytest.param(
            side(buckets(VALUES), "0.4.1", not_finite=1), "x is tainted: 1 samples are NaN or infinite", id="tainted"
        ),
    ],
)
def test_a_soak_that_cannot_be_compared_says_which_and_why(found: Side, reason: str) -> None:
    assert find_usable(NEEDS, "x", found) == f"0.4.1: {reason}"


def test_as_many_points_as_the_rule_asks_for_suffice() -> None:
    found = find_usable(NEEDS, "x", side(buckets([*VALUES[:10], None, None])))
    assert isinstance(found, Usable)
    assert found.points.size == 10


def test_soaks_that_were_measured_alike_fit() -> None:
    assert find_misfits("x", "ms", usable(), usable("0.4.1")) == []


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({"length": timedelta(minutes=30)}, "x has buckets of 1h in this soak and 30m in 0.4.1"),
        ({"scrape_interval_s": 5.0}, "x has scrapes every 15s in this soak and 5s in 0.4.1"),
        ({"sli": sli_buckets(VALUES, unit="s")}, "x has values in ms in this soak and s in 0.4.1"),
        (
            {"sli": sli_buckets(VALUES, definition={"kind": "gauge", "metric": "y", "statistic": "mean", "q": 0.5})},
            "x is defined otherwise in 0.4.1: metric, q",
        ),
    ],
)
def test_soaks_that_were_measured_otherwise_say_in_what(different: dict[str, Any], reason: str) -> None:
    assert find_misfits("x", "ms", usable(), usable("0.4.1", **different)) == [reason]


def test_both_in_another_unit_than_the_rule_do_not_fit() -> None:
    seconds = sli_buckets(VALUES, unit="s")
    found = find_misfits("x", "ms", usable(sli=seconds), usable("0.4.1", sli=seconds))
    assert found == ["x was measured in s, not in ms"]


def test_what_either_lacks_is_told_with_its_name() -> None:
    poor = replace(usable("0.4.1"), measurement=replace(GOOD, coverage=0.5))
    doubtful = usable(sli=sli_buckets(VALUES, remarks={0: "beyond"}))
    assert find_shortfall(NEEDS, "x", (doubtful, poor)) == (
        "this soak: 1 buckets of x are doubtful: bucket 0: beyond; 0.4.1: coverage of x is 50 %, below 99 %"
    )
    assert find_shortfall(NEEDS, "x", (usable(), usable("0.4.1"))) == ""


def test_soaks_of_one_time_are_told_with_both_windows() -> None:
    assert find_overlap(usable(), usable("0.4.1")) == (
        f"compared with itself: this soak is of {usable().buckets.window}, 0.4.1 of {usable().buckets.window}, and "
        "they overlap"
    )


@pytest.mark.parametrize(("hours", "overlaps"), [(-12, False), (-11, True), (-1, True), (11, True), (12, False)])
def test_soaks_overlap_where_they_share_a_bucket(hours: int, *, overlaps: bool) -> None:
    """Either lasts twelve hours."""
    other = usable("0.4.1", start=START + timedelta(hours=hours))
    assert (find_overlap(usable(), other) is not None) is overlaps
    assert (find_overlap(other, usable()) is not None) is overlaps
