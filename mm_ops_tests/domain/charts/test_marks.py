"""The plot of a chart of 960 x 260 reaches from 66 to 942 across and from 26 to 230 down."""

import itertools
import math
from xml.etree import ElementTree as ET

import pytest

from mm_ops.domain.charts.frame import lay_out
from mm_ops.domain.charts.spans import Breach, Moment
from mm_ops_tests.domain.charts.drawing import box, drawn, of_class, tooltips, words
from mm_ops_tests.domain.charts.small import at, chart, span

NAN = math.nan


@pytest.mark.parametrize(("bound", "edge"), [("at_most", "top"), ("at_least", "bottom")])
def test_the_side_where_no_value_may_be_is_shaded_from_the_limit_to_the_edge(bound: str, edge: str):
    limited = chart([3.0, 7.0], limit=5.0, bound=bound)
    (beyond,) = of_class(drawn(limited), "c-beyond")
    frame = lay_out(limited, 960, 260)
    left, top, width, height = box(beyond)
    assert (left, width) == (66, 876)
    upper, lower = (26, frame.y(5.0)) if edge == "top" else (frame.y(5.0), 230)
    assert (top, top + height) == pytest.approx((upper, lower), abs=0.02)


def test_the_limit_is_a_line_with_its_number():
    limited = drawn(chart([3.0], limit=5.0))
    assert len(of_class(limited, "c-limit")) == 1
    assert "limit ≤ 5 ms" in words(limited)
    assert "limit ≥ 5 ms" in words(drawn(chart([3.0], limit=5.0, bound="at_least")))


def test_without_a_limit_nothing_is_forbidden():
    free = drawn(chart([3.0, 4.0]))
    assert not of_class(free, "c-beyond")
    assert not of_class(free, "c-limit")
    assert "highest 4 ms, 18 Nov 00:01" in words(free)


def test_a_gap_is_hatched_over_its_whole_length_with_a_pattern_of_this_drawing_only():
    wide, narrow = (drawn(chart([1.0], gaps=(span(900, 1800),)), width) for width in (960, 400))
    (gap,) = of_class(wide, "c-gap")
    assert box(gap)[::2] == (66 + 876 / 4, 876 / 4)
    patterns = [next(one for one in root.iter() if one.tag.endswith("pattern")).get("id") for root in (wide, narrow)]
    assert gap.get("fill") == f"url(#{patterns[0]})"
    assert patterns == ["gap-ws_lag-960", "gap-ws_lag-400"]
    assert "no data: 18 Nov 00:15 to 18 Nov 00:30 (15 min)" in tooltips(wide)


def test_a_breach_is_shaded_barred_and_says_label_length_and_worst():
    breaches = (Breach(span(0, 1800), 912.0, "SoakWSLagHigh"), Breach(span(1800, 2400), None, "SoakWSLagHigh"))
    root = drawn(chart([1.0], breaches=breaches))
    bars = [one for one in of_class(root, "c-breach") if one.tag.endswith("rect")]
    assert [box(bar)[:3] for bar in bars] == [(66, 21, 438), (504, 21, 146)]
    assert "SoakWSLagHigh: 18 Nov 00:00 to 18 Nov 00:30 (30 min), worst 912 ms" in tooltips(root)
    assert "SoakWSLagHigh: 18 Nov 00:30 to 18 Nov 00:40 (10 min)" in tooltips(root)


@pytest.mark.parametrize("moment", [0, 1800, 3600])
def test_what_lasts_no_time_is_still_wide_enough_to_see_and_inside_the_plot(moment: int):
    root = drawn(chart([1.0], gaps=(span(moment, moment),)))
    left, _, width, _ = box(of_class(root, "c-gap")[0])
    assert width == 3
    assert 66 <= left <= 942 - 3


def test_each_restart_is_marked_at_its_time():
    root = drawn(chart([1.0], restarts=(at(1800), at(2700))))
    marks = of_class(root, "c-restart")
    assert [mark[1].get("d", "").split()[0] for mark in marks] == ["M504.0", "M723.0"]
    assert [text for text in tooltips(root) if "restart" in text] == ["restart: 18 Nov 00:30", "restart: 18 Nov 00:45"]


@pytest.mark.parametrize(("second", "anchor"), [(900, "start"), (2700, "end")])
def test_each_moment_is_marked_and_named_on_the_side_that_has_room(second: int, anchor: str):
    root = drawn(chart([1.0], moments=(Moment(at(second), "stopped"),)))
    (mark,) = of_class(root, "c-moment")
    assert mark[1].get("d", "").split()[0] == {900: "M285.0", 2700: "M723.0"}[second]
    assert f"stopped: 18 Nov 00:{second // 60}" in tooltips(root)
    (name,) = (one for one in root.iter() if one.text == "stopped")
    assert name.get("text-anchor") == anchor


def test_the_worst_sample_is_ringed_and_named():
    spiky = chart([80.0] * 30 + [912.0] + [80.0] * 29, limit=200.0)
    (ring,) = of_class(drawn(spiky), "c-worst")
    frame = lay_out(spiky, 960, 260)
    assert (float(ring.get("cx", "")), float(ring.get("cy", ""))) == pytest.approx(
        (frame.x(at(1800)), frame.y(912.0)), abs=0.01
    )
    assert "worst 912 ms, 18 Nov 00:30" in words(drawn(spiky))
    assert "worst 912 ms" in words(drawn(spiky, 400))


def test_what_never_changes_has_no_worst_moment():
    root = drawn(chart([0.0, 0.0], limit=0.0, unit="count"))
    assert not of_class(root, "c-worst")
    assert "always 0" in words(root)


@pytest.mark.parametrize("values", [[], [NAN, NAN]])
def test_without_samples_the_drawing_says_so(values: list[float]):
    root = drawn(chart(values, limit=200.0))
    assert "no samples" in words(root)
    assert not of_class(root, "c-line")
    assert not of_class(root, "c-worst")


def labels(root: ET.Element) -> list[tuple[float, float, float, float]]:
    """Left, upper, right and lower edge of the words inside the plot, 7 px a character and 13 px high."""
    boxes = []
    for one in of_class(root, "c-text"):
        x, y, length = float(one.get("x", "")), float(one.get("y", "")), 7 * len(one.text or "")
        left = {"start": x, "end": x - length, "middle": x - length / 2}[one.get("text-anchor", "")]
        boxes.append((left, y - 11, left + length, y + 3))
    return boxes


@pytest.mark.parametrize("width", [400, 960])
@pytest.mark.parametrize("bound", ["at_most", "at_least"])
@pytest.mark.parametrize("where", [0, 1, 29, 30, 31, 58, 59])
@pytest.mark.parametrize("worst", [0.0, 4.5, 4.9, 5.0, 5.1, 5.5, 10.0])
def test_no_label_leaves_the_drawing_or_lies_on_another_or_on_the_limit(
    width: int, bound: str, where: int, worst: float
):
    side = -1 if bound == "at_most" else 1
    values = [worst + side * 0.5] * 60
    values[where] = worst
    limited = chart(values, limit=5.0, bound=bound)
    found = labels(drawn(limited, width))
    limit_y = lay_out(limited, width, 260).y(5.0)
    for left, upper, right, lower in found:
        assert left >= 0
        assert right <= width
        assert upper >= 0
        assert lower <= 260 - 20
        assert not upper < limit_y < lower
    for one, other in itertools.combinations(found, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_a_pointer_is_told_lowest_and_highest_of_each_stretch_also_around_a_gap():
    """Each of the 48 stripes of an hour is 75 s: the first holds the samples at 0 and 60 s."""
    root = drawn(chart([1.0, 900.0, 3.0, 4.0], gaps=(span(0, 60),)))
    assert [text for text in tooltips(root) if text.startswith("from")] == [
        "from 18 Nov 00:00: 1 to 900 ms",
        "from 18 Nov 00:01:15: 3 ms",
        "from 18 Nov 00:02:30: 4 ms",
    ]


def test_a_phone_has_no_pointer_and_gets_no_stripes():
    assert not tooltips(drawn(chart([1.0]), 400))
