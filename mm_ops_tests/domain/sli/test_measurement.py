import math

import pytest

from mm_ops.domain.sli.measurement import (
    Measurement,
    Problem,
    longest_gap_ns,
    not_measured,
    pick,
    weigh,
    with_value,
)
from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.windows import NS_PER_SECOND
from mm_ops_tests.domain.sli.small import scope, series

ANY = Selector("m")


def evidence_of(*many: Series) -> Measurement:
    return weigh([(ANY, pick(many, ANY, scope().window))], scope())


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        ([0, 15, 30, 45], 15),  # a full grid: the tail to the end is one scrape
        ([20, 30, 45], 20),  # the head
        ([0, 15], 45),  # the tail
        ([0, 40, 50], 40),  # in between
        ([30], 30),
    ],
)
def test_the_longest_gap_counts_head_and_tail(at: list[float], seconds: float) -> None:
    one = series("m", [1.0] * len(at), at=at)
    assert longest_gap_ns(one, scope().window) == seconds * NS_PER_SECOND


def test_coverage_is_samples_over_expected_of_the_worst_series_and_at_most_one() -> None:
    assert evidence_of(series("m", [1.0, 1.0, 1.0])).coverage == 0.75
    both = evidence_of(series("m", [1.0] * 4, bot="a"), series("m", [1.0], at=[30], bot="a", x="1"))
    assert (both.samples, both.coverage, both.longest_gap_s, both.series) == (1, 0.25, 30.0, 2)
    assert evidence_of(series("m", [1.0] * 6, at=[0, 1, 2, 3, 4, 5])).coverage == 1.0


def test_samples_that_are_not_finite_are_counted_over_all_series() -> None:
    found = evidence_of(series("m", [math.nan, 1, math.inf, -math.inf], a="1"), series("m", [math.nan], a="2"))
    assert found.not_finite == 4


def test_a_series_without_a_sample_in_the_window_does_not_exist() -> None:
    late = series("m", [1.0], at=[60])
    assert pick([late], ANY, scope().window) == []
    found = evidence_of(late)
    assert (found.problem, found.samples, found.coverage, found.longest_gap_s) == (Problem.NO_SERIES, 0, 0.0, 60.0)
    assert found.detail == "no series m in the window"


def test_other_labels_than_the_matched_and_the_summed_ones_must_be_one_set() -> None:
    selector = Selector("m", {"stage": "x"})
    many = [series("m", [1.0], bot="a", stage="x", le=le) for le in ("1", "2")]
    alone = weigh([(selector, many)], scope(), summed=["le"])
    assert (alone.problem, alone.labels) == (None, {"bot": "a"})
    doubled = weigh([(selector, [*many, series("m", [1.0], bot="b", stage="x", le="1")])], scope(), summed=["le"])
    assert doubled.problem is Problem.AMBIGUOUS
    assert doubled.detail == "2 label sets where one is expected: bot=a; bot=b"


def test_many_label_sets_are_not_all_listed() -> None:
    found = evidence_of(*(series("m", [1.0], bot=str(n)) for n in range(5)))
    assert found.detail == "5 label sets where one is expected: bot=0; bot=1; bot=2; …"


def test_the_two_sides_of_a_ratio_must_be_of_one_bot() -> None:
    other = Selector("n")
    found = weigh([(ANY, [series("m", [1.0], bot="a")]), (other, [series("n", [1.0], bot="b")])], scope())
    assert found.problem is Problem.AMBIGUOUS


def test_absent_comes_before_ambiguous() -> None:
    found = weigh([(ANY, [series("m", [1.0], a="1"), series("m", [1.0], a="2")]), (Selector("n"), [])], scope())
    assert (found.problem, found.detail) == (Problem.NO_SERIES, "no series n in the window")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_no_value(value: float) -> None:
    found = with_value(evidence_of(series("m", [1.0])), value, why_not="because", doubt="hm")
    assert (found.value, found.problem, found.detail, found.doubt) == (
        None,
        Problem.NOT_A_NUMBER,
        "because",
        None,
    )


def test_what_was_not_measured_has_the_whole_window_as_its_gap() -> None:
    found = not_measured(Problem.SOURCE_ERROR, "down", scope().window)
    assert (found.value, found.samples, found.longest_gap_s, found.detail) == (None, 0, 60.0, "down")
