import base64
import re
from xml.etree import ElementTree as ET

from mm_ops.domain.charts.image import image, image_markdown


def test_an_image_stands_alone_and_has_words_in_its_place():
    root = ET.fromstring(image(300, 200, 'a "b" <c>', "<g/>"))  # noqa: S314 - our own text
    assert (root.get("role"), root.get("aria-label"), root.get("viewBox")) == ("img", 'a "b" <c>', "0 0 300 200")
    assert (root.get("width"), root.get("height"), len(root)) == ("300", "200", 1)


def test_in_markdown_the_drawing_is_below_its_title_inside_the_address_and_marks_stay_words():
    written = image_markdown("<svg>…</svg>", r"a [b] \c", "p_95 *of* <X>")
    found = re.fullmatch(r"\*\*(.*)\*\*\n\n!\[(.*)\]\(data:image/svg\+xml;base64,(.*)\)", written)
    assert found is not None
    assert (found[1], found[2]) == (r"p\_95 \*of\* \<X>", r"a \[b\] \\c")
    assert base64.b64decode(found[3]).decode() == "<svg>…</svg>"
