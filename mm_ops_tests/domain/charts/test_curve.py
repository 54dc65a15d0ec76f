"""Curves of 960 x 260: the plot reaches from 66 to 942 across, and points from 92 to 916."""

import math
import re
from typing import Any

import pytest

from mm_ops.domain.charts.curve import Curve, Point, describe_curve
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.domain.charts.drawing import of_class, pictured, tooltips, words

POINTS = (Point("1s", 1.0, 3.0, (2.0, 4.0)), Point("10s", 10.0, 1.0, (0.5, 2.5)), Point("100s", 100.0, 2.0, None))


def curve(*points: Point, **different: Any) -> Curve:
    usual: dict[str, Any] = {"name": "markout", "title": "Markout of X", "unit": "bps", "points": points or POINTS}
    return Curve(**{**usual, **different})


def places(name: str, drawn: Curve) -> list[float]:
    return [float(one.get("cx", "")) for one in of_class(pictured(drawn), name)]


def numbers(path: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?\d+\.?\d*", path)]


def test_times_lie_at_equal_distances_where_they_grow_by_equal_factors():
    assert places("c-dot", curve()) == [92.0, 504.0, 916.0]


def test_the_value_at_zero_stands_apart_on_the_left():
    """A fifth of the width before the first: 92 + 0.2 x 824 = 256.8."""
    assert places("c-dot", curve(start=Point("at fill", 0.0, 3.5))) == pytest.approx([92.0, 256.8, 586.4, 916.0])


def test_one_time_alone_is_drawn():
    assert places("c-dot", curve(Point("1s", 1.0, 3.0))) == [92.0]


def test_the_band_goes_from_the_lower_to_the_upper_end_where_there_are_any():
    """0 to 4 bps: the axis goes from -0.24 to 4.56 over 204 px, 42.5 px a bps; 4 lies at 49.8, 0.5 at 198.55."""
    (band,) = of_class(pictured(curve()), "c-range")
    steps = numbers(band.get("d") or "")
    xs, ys = [sum(steps[: n + 1 : 2]) for n in range(0, 8, 2)], [sum(steps[1 : n + 1 : 2]) for n in range(1, 9, 2)]
    assert xs == pytest.approx([92, 504, 504, 92])
    assert ys == pytest.approx([49.8, 113.5, 198.6, 134.8], abs=0.11)
    assert not of_class(pictured(curve(Point("1s", 1.0, 3.0))), "c-range")


def test_a_point_without_a_value_breaks_the_line_and_the_band_and_has_no_dot():
    broken = curve(POINTS[0], Point("10s", 10.0, None), POINTS[2], Point("1000s", 1000.0, 1.0))
    (line,) = [one for one in of_class(pictured(broken), "c-line") if one.get("stroke-width") == "2"]
    assert (line.get("d") or "").count("M") == 2
    assert len(places("c-dot", broken)) == 3
    assert "10s no value" in describe_curve(broken)


def test_a_curve_whose_first_and_last_points_are_missing_has_one_line():
    lone = curve(Point("1s", 1.0, None), Point("10s", 10.0, 1.0), Point("100s", 100.0, None))
    assert len(places("c-dot", lone)) == 1


def test_without_any_value_the_drawing_says_so():
    root = pictured(curve(Point("1s", 1.0, None)))
    assert "no values" in words(root)
    assert not of_class(root, "c-line")


def test_every_interval_has_whiskers_and_every_point_tells_it():
    root = pictured(curve())
    assert len([one for one in of_class(root, "c-line") if one.get("stroke-width") == "1.4"]) == 2
    assert tooltips(root) == ["1s: 3 bps (2 to 4)", "10s: 1 bps (0.5 to 2.5)", "100s: 2 bps"]


def test_names_without_room_are_left_out_from_the_left_and_the_last_is_always_there():
    """On 400 px 30 s and 60 s are 24 px apart; a name needs 38."""
    near = curve(Point("1s", 1.0, 1.0), Point("30s", 30.0, 2.0), Point("60s", 60.0, 3.0), Point("300s", 300.0, 4.0))
    written = words(pictured(near, 400))
    assert {"1s", "60s", "300s"} <= set(written)
    assert "30s" not in written


def test_a_number_stands_under_a_point_where_the_curve_sags_and_above_elsewhere():
    sagging = pictured(curve(Point("1s", 1.0, 3.0), Point("10s", 10.0, 1.0), Point("100s", 100.0, 3.0)))
    dots = {round(float(one.get("cx", ""))): float(one.get("cy", "")) for one in of_class(sagging, "c-dot")}
    texts = {round(float(one.get("x", ""))): float(one.get("y", "")) for one in of_class(sagging, "c-text")}
    assert [texts[x] > dots[x] for x in (92, 504, 916)] == [False, True, False]


@pytest.mark.parametrize("seconds", [(), (0.0,), (2.0, 1.0), (1.0, 1.0)])
def test_times_that_do_not_grow_from_above_zero_are_refused(seconds: tuple[float, ...]):
    with pytest.raises(SchemaError, match="expected seconds above 0 that grow"):
        Curve(name="c", title="", unit="", points=tuple(Point("", one, 1.0) for one in seconds))


@pytest.mark.parametrize("point", [Point("1s", 1.0, math.nan), Point("1s", 1.0, 1.0, (0.0, math.inf))])
def test_what_is_no_number_is_refused(point: Point):
    with pytest.raises(SchemaError, match="expected finite values or none"):
        curve(point)
