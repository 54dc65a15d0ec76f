import numpy as np
import pytest

from mm_ops.domain.charts.frame import lay_out
from mm_ops_tests.domain.charts.small import at, chart


def test_the_plot_takes_the_width_but_for_its_labels_and_a_phone_has_less_for_them():
    wide, narrow = (lay_out(chart([1.0]), width, 260) for width in (960, 400))
    assert (wide.left, wide.right, wide.top, wide.bottom) == (66, 942, 26, 230)
    assert (narrow.left, narrow.right, narrow.wide) == (54, 382, False)


def test_there_is_one_column_for_each_pixel():
    """876 pixels for 3600 s: a sample a second fills them all."""
    frame = lay_out(chart([1.0] * 3600, every=1), 960, 260)
    assert frame.envelope.column.tolist() == list(range(876))


def test_a_coarser_grain_has_fewer_columns_and_ends_with_a_whole_one():
    """876 // 5 = 175 columns of 5 px: 875 px."""
    frame = lay_out(chart([1.0] * 3600, every=1), 960, 260, grain=5)
    assert (frame.envelope.column.tolist(), frame.right) == (list(range(175)), 66 + 875)


def test_times_and_values_outside_are_cut_to_the_plot():
    frame = lay_out(chart([0.0, 100.0]), 960, 260)
    assert [frame.x(at(second)) for second in (-5, 0, 1800, 3600, 9999)] == [66, 66, 504, 942, 942]
    assert frame.y(1e9) == frame.top
    assert frame.y(-1e9) == frame.bottom
    assert frame.ys(np.array([-1e9, 50.0, np.inf])) == pytest.approx([frame.bottom, frame.y(50.0), frame.top])
