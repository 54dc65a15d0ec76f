import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.sli.measurement import (
    Measurement,
    Problem,
    longest_gap_ns,
    not_measured,
    pick,
    stand_still,
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
    assert longest_gap_ns(one.ts_ns, scope().window) == seconds * NS_PER_SECOND


def coverage_of(at: Sequence[float], seconds: int = 60, every: int = 15) -> float:
    span = scope(seconds, every)
    one = series("m", [1.0] * len(at), at=at)
    return weigh([(ANY, pick([one], ANY, span.window))], span).coverage


def test_coverage_is_that_of_the_worst_series() -> None:
    assert evidence_of(series("m", [1.0, 1.0, 1.0])).coverage == 0.75
    both = evidence_of(series("m", [1.0] * 4, bot="a"), series("m", [1.0], at=[30], bot="a", x="1"))
    assert (both.samples, both.coverage, both.longest_gap_s, both.series) == (1, 0.25, 30.0, 2)


@pytest.mark.parametrize(
    ("at", "covered"),
    [
        pytest.param([0, 1, 2, 3, 4, 5], 20, id="five seconds one by one, then one interval"),
        pytest.param([0, 15, 30], 45, id="nothing speaks for the last interval"),
        pytest.param([14, 29, 44, 59], 60, id="a grid may begin anywhere: 1 s behind the last, 14 s before"),
        pytest.param([0, 15, 20, 25, 30, 45], 60, id="more than expected"),
        pytest.param([30, 59.9], 30, id="the space around the edges is one, of 30.1 s: it counts an interval"),
        pytest.param([0, 15.15, 30, 45.15], 60, id="1 % late is on the grid"),
        pytest.param([0, 16, 30, 45], 59, id="later is not: of 16 s there are 15"),
    ],
)
def test_a_sample_covers_the_time_to_the_next_one_and_an_interval_at_most(at: list[float], covered: float) -> None:
    assert coverage_of(at) == pytest.approx(covered / 60)


def test_bursts_cover_what_they_last_and_not_what_they_count() -> None:
    """21 samples a second apart every 300 s: 20 s and one interval of each, as many samples as expected."""
    bursts = [300 * burst + second for burst in range(12) for second in range(21)]
    assert len(bursts) > 3600 / 15
    assert coverage_of(bursts, 3600) == pytest.approx(35 / 300)


@given(st.sets(st.integers(0, 239), min_size=1), st.integers(0, 14))
def test_on_a_grid_coverage_is_the_share_of_the_samples(kept: set[int], phase: int) -> None:
    assert coverage_of([15 * n + phase for n in sorted(kept)], 3600) == pytest.approx(len(kept) / 240)


@given(st.sets(st.integers(0, 3599), min_size=1, max_size=60), st.sets(st.integers(0, 3599), max_size=60))
def test_coverage_is_never_more_than_the_samples_or_the_window_and_a_lost_one_never_adds(
    some: set[int], more: set[int]
) -> None:
    found, of_more = coverage_of(sorted(some), 3600), coverage_of(sorted(some | more), 3600)
    assert found <= of_more <= 1
    assert found <= len(some) / 240


@given(st.lists(st.integers(-5, 5), min_size=240, max_size=240))
def test_a_jitter_of_milliseconds_costs_nothing(late: list[int]) -> None:
    assert coverage_of([15 * n + 5 + ms / 1000 for n, ms in enumerate(late)], 3600) == pytest.approx(1)
    assert coverage_of([15 * n + 5 + ms / 1000 for n, ms in enumerate(late[:120])], 3600) == pytest.approx(
        0.5, abs=1e-5
    )


def test_a_stretch_in_which_nothing_was_counted_is_a_gap_if_it_is_longer() -> None:
    evidence, span = evidence_of(series("m", [1.0] * 4)), scope().window
    marks = [span.start_ns + np.array(at) * NS_PER_SECOND for at in ([0, 15], [0, 20])]
    stalled = stand_still(evidence, marks, span, "m")
    assert (stalled.longest_gap_s, stalled.stalled) == (40.0, "m")
    both = [marks[0], marks[1] + 30 * NS_PER_SECOND]
    assert stand_still(evidence, both, span, "m").longest_gap_s == 20.0  # 0, 15, 30 and 50 s
    assert stand_still(evidence, [span.start_ns + np.array([0, 15, 30, 45]) * NS_PER_SECOND], span, "m") == evidence


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
