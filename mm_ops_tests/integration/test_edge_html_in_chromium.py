"""What the edge page really looks like to a browser; skipped where there is none, since it decides nothing."""

from pathlib import Path

import pytest

from mm_ops.adapters.edge_html import render_edge_page
from mm_ops_tests.browser import measure
from mm_ops_tests.edge_pages import doubtful, empty, sound

pytestmark = pytest.mark.integration
PAGES = {"sound": (sound(), 5), "doubtful": (doubtful(), 4), "empty": (empty(), 0)}
WIDTHS = (360, 760, 761, 1020, 1021, 1300)


@pytest.mark.parametrize("name", PAGES)
def test_from_phone_to_desk_nothing_sticks_out_and_no_text_of_a_picture_is_cut_or_too_small(name: str, tmp_path: Path):
    """Up to 760 px all drawings are narrow; beyond it all but the two markouts are wide, and never both."""
    page, pictures = PAGES[name]
    for one in measure(render_edge_page(page), WIDTHS, tmp_path):
        assert (one["scrolls"], one["beyond"], one["cut"]) == (0, 0, 0), one
        sizes = [400] * pictures if one["width"] <= 760 else [960, 400, 400, 960, 960][:pictures]
        assert one["drawings"] == sizes
        assert one["smallest"] is None if not pictures else one["smallest"] >= 9
