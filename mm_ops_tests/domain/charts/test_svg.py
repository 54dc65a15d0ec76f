import base64
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.charts.chart import describe
from mm_ops.domain.charts.spans import Breach
from mm_ops.domain.charts.svg import chart_markdown, chart_svg
from mm_ops_tests.domain.charts.drawing import drawn, of_class, words
from mm_ops_tests.domain.charts.small import DAYS, at, chart, span

ANY = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40)


def test_a_drawing_is_an_image_with_a_text_that_stands_for_it():
    root = drawn(chart([1.0, 2.0], limit=3.0))
    assert (root.get("role"), root.get("aria-label")) == ("img", describe(chart([1.0, 2.0], limit=3.0)))
    assert (root.get("viewBox"), root.get("width"), root.get("height")) == ("0 0 960 260", "960", "260")


def test_the_same_chart_gives_the_same_text():
    assert chart_svg(chart([1.0, 2.0])) == chart_svg(chart([1.0, 2.0]))


def test_words_from_elsewhere_cannot_leave_their_place():
    evil = '"><script>alert(1)</script>&'
    hurt = chart([1.0], title=evil, unit=evil, limit=1.0, breaches=(Breach(span(0, 60), 1.0, evil),))
    assert "<script" not in chart_svg(hurt)
    assert evil in words(drawn(hurt))


def test_axes_carry_round_numbers_the_unit_and_times_in_utc():
    values = np.full(3, 80.0)
    values[1] = 900.0
    written = words(drawn(chart(window=DAYS, times_ns=DAYS.start_ns + np.arange(3) * 10**12, values=values)))
    assert {"ms", "UTC", "0", "500", "1000", "18 Nov", "19 Nov", "06:00", "21 Nov"} <= set(written)


def numbers(path: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?\d+\.?\d*", path)]


def test_a_line_is_broken_at_a_gap_and_lone_samples_are_dots():
    """876 px for 60 min: 14.6 px a minute; the first pixel column begins at 66 and its middle is 66.5."""
    values = [1.0, 1.0, 2.0, math.nan, 1.0]
    (line,) = of_class(drawn(chart(values, gaps=(span(60, 120),))), "c-line")
    first, second, third = (line.get("d") or "").split("M")[1:]
    assert numbers(first)[::2] == [66.5, 14.0]
    assert (numbers(second)[0], second[-2:]) == (66.5 + 29, "h0")
    assert (numbers(third)[0], third[-2:]) == (66.5 + 58, "h0")


def test_a_coarser_grain_keeps_the_spike_and_its_place():
    """The sample at 30 min lies in the middle of the plot, 66 + 438 px, give or take half a column."""
    values = [80.0] * 3600
    values[1800] = 900.0
    fine, coarse = (chart_svg(chart(values, every=1), grain=grain, hover=False) for grain in (1, 3))
    assert len(coarse) < len(fine) / 2
    (band,) = re.findall(r'<path d="([^"]*)" class="c-band"', coarse)
    heights, places = np.cumsum(numbers(band)[1::2]), np.cumsum(numbers(band)[::2])
    assert abs(places[heights.argmin()] - 504) <= 1.5
    assert heights.min() == pytest.approx(48.9, abs=0.06)


def test_a_band_is_drawn_only_where_lowest_and_highest_differ():
    assert not of_class(drawn(chart([1.0, 5.0, 1.0])), "c-band")
    assert len(of_class(drawn(chart([1.0, 5.0] * 1800, every=1)), "c-band")) == 1


def test_the_band_reaches_from_the_lowest_to_the_highest_sample():
    """On 0 to 900 ms the axis goes from -27 to 1017: 900 is at 230 - 927/1044*204 = 48.9, 0 at 224.7 px."""
    values = [0.0] * 3600
    values[1800] = 900.0
    (band,) = of_class(drawn(chart(values, every=1)), "c-band")
    xs_and_ys = numbers(band.get("d") or "")
    height = np.cumsum(xs_and_ys[1::2])
    assert (height.min(), height.max()) == pytest.approx((48.9, 224.7), abs=0.06)


@given(ANY, st.none() | st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["at_most", "at_least"]))
def test_whatever_the_numbers_every_coordinate_lies_in_the_drawing(
    values: list[float], limit: float | None, bound: str
):
    root = drawn(chart(values, limit=limit, bound=bound))
    for one in root.iter():
        for name, most in (("x", 960), ("y", 260), ("cx", 960), ("cy", 260)):
            assert 0 <= float(one.get(name, "0")) <= most
        assert not re.search(r"nan|inf", one.get("d", ""))


def test_a_chart_in_markdown_is_an_image_that_holds_the_drawing():
    lag = chart([1.0], title="lag [max]", restarts=(at(1),))
    title, drawn = chart_markdown(lag, 760, 220).split("\n\n")
    assert title == r"**lag \[max\]**", "the UI does not show the words that stand for an image"
    found = re.fullmatch(r"!\[(.*)\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", drawn)
    assert found is not None
    assert found[1].startswith(r"lag \[max\], 18 Nov")
    assert base64.b64decode(found[2]).decode() == chart_svg(lag, 760, 220, hover=False)
    assert "no data" not in chart_svg(lag, 760, 220, hover=False)
