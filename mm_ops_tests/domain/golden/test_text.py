from typing import Any

from mm_ops.domain.comparison import Drift
from mm_ops.domain.golden.text import SHOWN, drift_rows, golden_markdown


def drift(n: int, actual: Any = 2.5) -> Drift:
    return Drift(f"$.{n}", "number", 1.0, actual, 1.5, 0.1)


def test_a_row_shows_both_values_their_difference_and_what_is_tolerated():
    assert list(drift_rows([drift(1)])) == [("$.1", "number", "1.0", "2.5", "1.5", "0.1")]
    (row,) = drift_rows([Drift("$", "value", "x" * 99, "y")])
    assert row == ("$", "value", f"'{'x' * 47}…", "'y'", "", "")


def test_of_many_differences_the_first_are_shown_and_the_rest_counted():
    rows = list(drift_rows([drift(n) for n in range(SHOWN + 7)]))
    assert len(rows) == SHOWN + 1
    assert rows[-1][0] == "… and 7 more"


def test_the_page_tells_each_case_with_who_accepted_it():
    none = {"accepted": None, "creep": ["$.a: too far"], "unrecorded": ["nobody's"]}
    text = golden_markdown(
        {
            "cases": {"tiny": [drift(1)], "hour": []},
            "acceptances": {"tiny": none, "hour": {"accepted": "by Ada", "creep": [], "unrecorded": []}},
            "unreferenced": ["x/old.json"],
        }
    )
    assert "## tiny: 1 differences\n\n| path | why |" in text
    assert "| $.1 | number | 1.0 | 2.5 | 1.5 | 0.1 |" in text
    assert "- $.a: too far\n" in text
    assert "- nobody's\n" in text
    assert "## hour: 0 differences\n\nBaseline accepted by Ada.\n" in text
    assert "- no case names x/old.json\n" in text
