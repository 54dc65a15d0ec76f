import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.envelope import find_envelope
from mm_ops_tests.domain.charts.small import DAYS, HOUR, at, chart, span, times

NAN = math.nan
VALUES = st.floats(-1e6, 1e6) | st.sampled_from([NAN, math.inf, -math.inf])


def test_each_column_has_lowest_highest_and_mean_of_its_samples():
    """Four samples in two columns of 30 min: at 0 and 20 min, and at 40 and 60 min minus a second."""
    found = find_envelope(chart([1.0, 3.0, 8.0, 4.0], times_ns=times([0, 1200, 2400, 3599])), 2)
    assert found.column.tolist() == [0, 1]
    assert (found.low.tolist(), found.high.tolist(), found.mean.tolist()) == ([1.0, 4.0], [3.0, 8.0], [2.0, 6.0])
    assert found.segments() == [slice(0, 2)]


def test_a_sample_on_the_edge_of_two_columns_is_in_the_later_one():
    assert find_envelope(chart([1.0, 2.0], times_ns=times([1799.999, 1800])), 2).column.tolist() == [0, 1]


def test_no_line_crosses_a_gap_even_inside_one_column():
    drawn = chart([1.0, 2.0, 3.0, 4.0], gaps=(span(60, 120),))
    found = find_envelope(drawn, 1)
    assert found.column.tolist() == [0, 0]
    assert (found.high.tolist(), found.segments()) == ([2.0, 4.0], [slice(0, 1), slice(1, 2)])


def test_no_line_crosses_a_sample_without_a_value():
    found = find_envelope(chart([NAN, 1.0, NAN, NAN, 2.0, 3.0, math.inf]), 60)
    assert found.column.tolist() == [1, 4, 5]
    assert found.segments() == [slice(0, 1), slice(1, 3)]


def test_a_gap_before_the_first_and_after_the_last_sample_breaks_nothing():
    found = find_envelope(chart([1.0, 2.0], gaps=(span(-60, 0), span(60, 3600))), 60)
    assert found.segments() == [slice(0, 2)]


def test_nothing_is_drawn_where_there_is_nothing():
    for nothing in (chart(), chart([NAN, NAN])):
        assert (find_envelope(nothing, 10).column.size, find_envelope(nothing, 10).segments()) == (0, [])


def test_a_spike_of_one_sample_among_17280_stays_visible():
    values = np.full(17_280, 80.0)
    values[9000] = 900.0
    drawn = chart(window=DAYS, times_ns=DAYS.start_ns + np.arange(17_280) * 15 * 10**9, values=values)
    found = find_envelope(drawn, 800)
    assert (found.high == 900.0).sum() == 1
    assert found.column[found.high.argmax()] == 9000 * 800 // 17_280
    assert found.column.tolist() == list(range(800))


def test_the_largest_floats_do_not_stop_the_drawing():
    found = find_envelope(chart([1.7e308, 1.7e308]), 1)
    assert (found.high.tolist(), found.mean.tolist()) == ([1.7e308], [math.inf])


def drawn_by_hand(drawn: Chart, columns: int) -> dict[int, list[float]]:
    """The finite values of each column, one sample after the other."""
    length = HOUR.end_ns - HOUR.start_ns
    found: dict[int, list[float]] = {}
    for moment, value in zip(drawn.times_ns.tolist(), drawn.values.tolist(), strict=True):
        if math.isfinite(value) and HOUR.start_ns <= moment < HOUR.end_ns:
            column = max(n for n in range(columns) if HOUR.start_ns + length * n // columns <= moment)
            found.setdefault(column, []).append(value)
    return found


@given(st.dictionaries(st.integers(-100, 3700), VALUES, max_size=60), st.integers(1, 50), st.integers(0, 3000))
def test_columns_are_those_of_a_plain_loop_whatever_the_breaks(samples: dict[int, float], columns: int, gap: int):
    seconds = sorted(samples)
    values = np.array([samples[one] for one in seconds], dtype=np.float64)
    drawn = chart(times_ns=times(seconds), values=values, gaps=(span(gap, gap + 500),))
    found = find_envelope(drawn, columns)
    expected = drawn_by_hand(drawn, columns)
    assert set(found.column.tolist()) == set(expected)
    for column, inside in expected.items():
        here = found.column == column
        assert (found.low[here].min(), found.high[here].max()) == (min(inside), max(inside))
        if here.sum() == 1:
            assert found.mean[here][0] == pytest.approx(sum(inside) / len(inside), abs=1e-6)
    for part in found.segments():
        assert (np.diff(found.column[part]) > 0).all()


def test_a_window_of_nanoseconds_near_the_largest_time_does_not_overflow():
    assert find_envelope(chart([1.0], times_ns=np.array([at(3599)], dtype=np.int64)), 880).column.tolist() == [879]
