from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.charts.spans import Span, find_gaps
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.domain.charts.small import HOUR, span, times

FIVE = timedelta(minutes=5)
NAN, INF = float("nan"), float("inf")


def gaps(seconds: list[float], values: list[float] | None = None) -> tuple[Span, ...]:
    return find_gaps(times(seconds), np.array(values or [1.0] * len(seconds)), HOUR, FIVE)


def test_a_series_without_a_hole_has_no_gap():
    assert gaps([15.0 * n for n in range(240)]) == ()


def test_a_stretch_of_exactly_the_longest_allowed_is_no_gap_and_a_nanosecond_more_is_one():
    """The hour has 12 stretches of 5 min: samples at 0, 5, … 55 min leave 5 min at the tail."""
    on_time = [300.0 * n for n in range(12)]
    assert gaps(on_time) == ()
    late = times(on_time)
    late[3] += 1
    assert [one.duration for one in find_gaps(late, np.ones(12), HOUR, FIVE)] == [FIVE]


def test_head_and_tail_of_the_window_count():
    assert gaps([600.0, 900.0, 1200.0]) == (span(0, 600), span(1200, 3600))


def test_without_any_sample_the_whole_window_is_one_gap():
    assert gaps([]) == (span(0, 3600),)


def test_samples_without_a_value_do_not_end_a_gap():
    seconds = [60.0 * n for n in range(60)]
    values = [NAN if 10 <= n < 13 or 20 <= n < 30 else INF if n == 30 else 1.0 for n in range(60)]
    assert gaps(seconds, values) == (span(19 * 60, 31 * 60),)


def test_samples_outside_the_window_are_left_out():
    assert gaps([-60.0, *(60.0 * n for n in range(30)), 3600.0, 3660.0]) == (span(29 * 60, 3600),)


def test_a_reversed_span_is_refused():
    with pytest.raises(SchemaError, match="span: expected the start before the end, was 2 to 1 ns"):
        Span(2, 1)


@given(st.sets(st.integers(0, 3599)), st.sets(st.integers(0, 3599)))
def test_losing_samples_never_shortens_the_time_in_gaps(kept: set[int], lost: set[int]):
    def total(seconds: set[int]) -> timedelta:
        return sum((one.duration for one in gaps([float(n) for n in sorted(seconds)])), timedelta(0))

    assert total(kept - lost) >= total(kept)
