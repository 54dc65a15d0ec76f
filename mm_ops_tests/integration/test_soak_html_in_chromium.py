"""What the soak page really looks like to a browser; skipped where there is none, since it decides nothing."""

from pathlib import Path

import pytest

from mm_ops.adapters.soak_html import render_soak_page
from mm_ops_tests.browser import measure
from mm_ops_tests.soak_pages import broken, healthy, missing

pytestmark = pytest.mark.integration
PAGES = {"healthy": healthy(), "broken": broken(), "missing": missing()}
WIDTHS = (360, 760, 761, 1020, 1021, 1300)


@pytest.mark.parametrize("name", PAGES)
def test_from_phone_to_desk_nothing_sticks_out_and_no_text_of_a_chart_is_cut_or_too_small(name: str, tmp_path: Path):
    """Up to 760 px the two narrow drawings are shown, beyond it the two wide ones, and never both."""
    for one in measure(render_soak_page(PAGES[name]), WIDTHS, tmp_path):
        assert (one["scrolls"], one["beyond"], one["cut"]) == (0, 0, 0), one
        assert one["drawings"] == ([400, 400] if one["width"] <= 760 else [960, 960])
        assert one["smallest"] >= 9.5
