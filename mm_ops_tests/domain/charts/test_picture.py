import base64
import re

import pytest

from mm_ops.domain.charts.picture import Picture, picture_markdown, picture_svg, picture_words
from mm_ops.domain.charts.svg import chart_markdown, chart_svg
from mm_ops_tests.domain.charts.drawing import pictured, words
from mm_ops_tests.domain.charts.small import chart
from mm_ops_tests.domain.charts.test_bars import bars
from mm_ops_tests.domain.charts.test_curve import curve
from mm_ops_tests.domain.charts.test_waterfall import fall

EVERY = [chart([1.0, 2.0]), bars(1.0, None), fall(), curve()]
KINDS = pytest.mark.parametrize("picture", EVERY, ids=lambda picture: type(picture).__name__)


@KINDS
def test_every_picture_is_an_image_with_words_in_its_place_and_the_same_each_time(picture: Picture):
    root = pictured(picture, 760, 240)
    assert (root.get("viewBox"), root.get("aria-label")) == ("0 0 760 240", picture_words(picture))
    assert picture_svg(picture) == picture_svg(picture)


@KINDS
def test_in_markdown_it_is_the_same_drawing(picture: Picture):
    title, drawn = picture_markdown(picture).split("\n\n")
    assert title == f"**{picture.title}**"
    found = re.fullmatch(r"!\[.*\]\(data:image/svg\+xml;base64,(.*)\)", drawn)
    assert found is not None
    assert base64.b64decode(found[1]).decode() == picture_svg(picture, 760, 240, hover=False)


def test_a_chart_over_time_is_drawn_as_alone():
    assert picture_svg(chart([1.0]), hover=True) == chart_svg(chart([1.0]))
    assert picture_markdown(chart([1.0]), 760, 220) == chart_markdown(chart([1.0]))


EVIL = '"><script>alert(1)</script>&'


@pytest.mark.parametrize("picture", [bars(1.0, unit=EVIL, title=EVIL, labels=(EVIL,)), curve(unit=EVIL, title=EVIL)])
def test_words_from_elsewhere_cannot_leave_their_place(picture: Picture):
    assert "<script" not in picture_svg(picture)
    assert EVIL in words(pictured(picture))
