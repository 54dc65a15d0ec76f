import pytest

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.marked import replace_block

PAGE = "# Page\n<!-- rendered: x -->\nold\n<!-- /rendered: x -->\nours\n"


def test_what_stands_between_the_markers_is_replaced_and_the_rest_kept() -> None:
    once = replace_block(PAGE, "x", "new\n", "page.md")
    assert once == "# Page\n<!-- rendered: x -->\n\nnew\n\n<!-- /rendered: x -->\nours\n"
    assert replace_block(once, "x", "new\n", "page.md") == once


@pytest.mark.parametrize(
    "page",
    [
        "",
        "# Page\n",
        "<!-- rendered: x -->\n",
        "<!-- /rendered: x -->\n<!-- rendered: x -->\n",
        f"{PAGE}<!-- rendered: x -->\n",
        f"{PAGE}<!-- /rendered: x -->\n",
        "<!-- rendered: y -->\n<!-- /rendered: y -->\n",
        "text <!-- rendered: x -->\n<!-- /rendered: x -->\n",
    ],
)
def test_a_page_without_one_place_for_the_block_is_refused(page: str) -> None:
    with pytest.raises(PolicyError, match=r"page\.md: expected one line <!-- rendered: x --> and after it one line"):
        replace_block(page, "x", "new", "page.md")
