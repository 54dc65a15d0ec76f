import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mm_ops.domain.charts.scale import Scale, quantity, signed_range, tick_labels, tick_step, value_range, value_ticks

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def test_a_scale_is_a_straight_line_also_downwards():
    assert Scale(0, 10, 200, 100).px(2.5) == 175.0


@pytest.mark.parametrize(
    ("known", "limit", "bound", "expected"),
    [
        pytest.param([], None, "at_most", (0.0, 1.0), id="nothing is known"),
        pytest.param([20.0, 100.0], None, "at_most", (-3.0, 113.0), id="zero is shown where nothing is below it"),
        pytest.param([-50.0, 50.0], None, "at_most", (-56.0, 63.0), id="a number below zero is shown"),
        pytest.param([20.0, 50.0], 100.0, "at_most", (-3.0, 116.0), id="the limit is shown, with room beyond"),
        pytest.param([20.0, 100.0], 95.0, "at_most", (-3.0, 113.0), id="beyond the limit there is room already"),
        pytest.param([3.0, 4.0], None, "at_least", (2.87, 4.06), id="at least: room below the lowest"),
        pytest.param([3.0, 4.0], 2.0, "at_least", (1.68, 4.12), id="at least: the limit, with room below"),
        pytest.param([0.0, 0.0], 0.0, "at_most", (-0.03, 1.13), id="all zero: up to one"),
        pytest.param([4.0, 4.0], None, "at_least", (3.48, 8.24), id="always the same: as much again above"),
    ],
)
def test_the_axis_shows_what_must_be_seen(
    known: list[float], limit: float | None, bound: str, expected: tuple[float, float]
):
    assert value_range(known, limit, bound) == pytest.approx(expected)


@example([], -1.797693132662316e308, "at_least")
@given(st.lists(NUMBERS, max_size=2), st.none() | NUMBERS, st.sampled_from(["at_most", "at_least"]))
def test_any_numbers_give_an_axis_with_round_ticks_inside(known: list[float], limit: float | None, bound: str):
    low, high = value_range(known, limit, bound)
    assert low < high
    ticks = value_ticks(low, high, 4)
    assert 1 <= len(ticks) <= 6
    assert all(a < b for a, b in itertools.pairwise(ticks))
    assert len(tick_labels(ticks, tick_step(low, high, 4))) == len(ticks)
    for number in (*known, *([] if limit is None else [limit])):
        assert low <= max(-1e300, min(1e300, number)) <= high


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 100.0, ["0", "25", "50", "75", "100"]),
        (-0.3, 1.1, ["0", "0.5", "1.0"]),
        (0.0, 0.02, ["0", "0.005", "0.010", "0.015", "0.020"]),
        (-130.0, 900.0, ["0", "500"]),
        (2.2, 2.9, ["2.2", "2.4", "2.6", "2.8"]),
        (2.2, 3.1, ["2.25", "2.50", "2.75", "3.00"]),
        (0.0, 9000.0, ["0", "2500", "5000", "7500"]),
        (0.0, 90_000.0, ["0", "25k", "50k", "75k"]),
        (0.0, 3.1e9, ["0", "1G", "2G", "3G"]),
        (0.0, 4e20, ["0", "1.0e+20", "2.0e+20", "3.0e+20", "4.0e+20"]),
        (0.0, 4e-12, ["0", "1.0e-12", "2.0e-12", "3.0e-12", "4.0e-12"]),
    ],
)
def test_ticks_are_round_and_written_alike(low: float, high: float, expected: list[str]):
    ticks = value_ticks(low, high, 4)
    assert tick_labels(ticks, tick_step(low, high, 4)) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (191.188123, "ms", "191.19 ms"),
        (0.0785446, "bps", "0.078545 bps"),
        (3.0, "count", "3"),
        (0.85, "ratio", "0.85"),
        (17_280.0, "count", "17280"),
        (259_200.0, "s", "259,200 s"),
        (1_234_567_890.0, "bytes", "1.2346G bytes"),
        (-2_500_000.0, "", "-2.5M"),
        (1e20, "", "1e+08T"),
    ],
)
def test_a_number_is_written_for_reading(value: float, unit: str, expected: str):
    assert quantity(value, unit) == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param([], (-0.06, 0.06), id="nothing is known"),
        pytest.param([5.0, 10.0], (-0.6, 11.4), id="zero is seen below, with room for a label above"),
        pytest.param([-10.0], (-11.4, 0.6), id="zero is seen above, with room for a label below"),
        pytest.param([-5.0, 5.0], (-6.4, 6.4), id="room on both sides"),
    ],
)
def test_an_axis_with_signs_shows_zero(known: list[float], expected: tuple[float, float]):
    assert signed_range(known) == pytest.approx(expected)
