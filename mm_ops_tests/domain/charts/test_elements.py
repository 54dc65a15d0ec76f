import numpy as np
import pytest

from mm_ops.domain.charts.elements import band_path, element, line_path, text


def test_an_element_is_written_short_with_escaped_attributes():
    assert element("rect", x=1.0, width=2.345, class_="c-gap") == '<rect x="1" width="2.35" class="c-gap"/>'
    assert element("g", element("path", d="M0 0"), stroke_width=-0.001) == '<g stroke-width="0"><path d="M0 0"/></g>'
    assert element("svg", aria_label='p95 < 150 & "x"') == '<svg aria-label="p95 &lt; 150 &amp; &quot;x&quot;"/>'


def test_text_is_escaped():
    assert element("text", text("<script> & co")) == "<text>&lt;script&gt; &amp; co</text>"


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([1.5], [2.0], "M1.5 2h0"),
        ([1.0, 2.0, 3.0], [0.04, 10.06, 10.06], "M1 0l1 10.1 1 0"),
        ([0.0, 1.0], [0.0, -0.5], "M0 0l1 -0.5"),
    ],
)
def test_a_line_goes_through_its_points_in_tenths_of_a_pixel(x: list[float], y: list[float], expected: str):
    assert line_path(np.array(x), np.array(y)) == expected


def test_rounding_does_not_add_up_along_a_line():
    """A thousand steps of 0.04 px each: every step alone rounds to nothing, together they are 40 px."""
    path = line_path(np.arange(1001.0), np.linspace(0.0, 40.0, 1001))
    assert sum(
        float(step.split()[1]) for step in path.split("l")[1].replace(" 1 ", "\n1 ").split("\n")
    ) == pytest.approx(40)


def test_a_band_is_closed():
    assert band_path(np.array([0.0, 1.0]), np.array([5.0, 4.0]), np.array([7.0, 8.0])) == "M0 5l1 -1 0 4 -1 -1z"
