"""What the page of a stop really looks like to a browser; skipped where there is none, since it decides nothing."""

from pathlib import Path

import pytest

from mm_ops_tests.browser import measure
from mm_ops_tests.stop_pages import HOSTILE, PAGES, page

pytestmark = pytest.mark.integration
WIDTHS = (360, 760, 761, 1020, 1021, 1300)
SHOWN = {**PAGES, "hostile": page(HOSTILE)}


@pytest.mark.parametrize("name", SHOWN)
def test_from_phone_to_desk_nothing_sticks_out_and_no_text_of_a_chart_is_cut_or_too_small(name: str, tmp_path: Path):
    for one in measure(SHOWN[name], WIDTHS, tmp_path):
        assert (one["scrolls"], one["beyond"], one["cut"]) == (0, 0, 0), one
        assert set(one["drawings"]) <= ({400} if one["width"] <= 760 else {960})
        assert one["smallest"] is None or one["smallest"] >= 9.5
