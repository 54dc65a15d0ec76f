import math

import numpy as np
import pytest

from mm_ops.domain.charts.sparkline import sparkline

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "bound", "width", "expected"),
    [
        pytest.param([], "at_most", 8, "", id="no samples"),
        pytest.param([0, 1, 2, 3, 4, 5, 6, 7], "at_most", 8, "▁▂▃▄▅▆▇█", id="every bar"),
        pytest.param([5, 5, 5], "at_most", 8, "▁▁▁", id="always the same"),
        pytest.param([0, NAN, math.inf, 7], "at_most", 8, "▁··█", id="a sample without a value is a dot"),
        pytest.param([NAN, NAN], "at_most", 8, "··", id="nothing at all"),
        pytest.param([0, 0, 0, 7, 0, 0], "at_most", 3, "▁█▁", id="a spike of one sample stays"),
        pytest.param([7, 7, 7, 0, 7, 7], "at_least", 3, "█▁█", id="and so does a dip, where low is bad"),
        pytest.param([0, 3, 2, 2], "at_most", 2, "█▁", id="the highest counts and not the mean"),
        pytest.param([0, 3, 1, 1], "at_least", 2, "▁█", id="where low is bad the lowest counts"),
        pytest.param([-1.7e308, 1.7e308], "at_most", 8, "▁█", id="the largest floats"),
    ],
)
def test_bars_show_the_worst_of_what_they_stand_for(values: list[float], bound: str, width: int, expected: str):
    assert sparkline(np.array(values, dtype=np.float64), bound, width) == expected
