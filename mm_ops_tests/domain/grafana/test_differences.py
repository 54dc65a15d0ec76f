from typing import Any

import pytest

from mm_ops.domain.grafana.differences import find_differences
from mm_ops.domain.grafana.form import canonical_form
from mm_ops_tests.grafana_boards import board, panel, query


def told(there: dict[str, Any], here: dict[str, Any] | None = None) -> list[str]:
    forms = [canonical_form(one, "x") for one in (here or board(), there)]
    return [str(one) for one in find_differences(*forms)]


CHANGES = {
    "nothing": (board(), []),
    "a query": (
        board(panel(1, targets=[query("A"), query("B", expr="down")]), panel(2)),
        ["$.panels.1.targets.B.expr (Panel 1): committed \"up{x='B'}\", in Grafana 'down'"],
    ),
    "a panel that was added above": (
        board(panel(9, gridPos={"x": 0, "y": 0}), panel(1), panel(2)),
        ["$.panels.9 (Panel 9): committed nothing, in Grafana an object of 5 fields"],
    ),
    "a panel that was removed": (
        board(panel(1)),
        ["$.panels.2 (Panel 2): committed an object of 5 fields, in Grafana nothing"],
    ),
    "a variable": (
        board(templating={"list": board()["templating"]["list"][:2]}),
        ["$.templating.list.width: committed an object of 5 fields, in Grafana nothing"],
    ),
    "a title": (board(title="Mine"), ["$.title: committed 'Operability', in Grafana 'Mine'"]),
    "queries in another order": (
        board(panel(1, targets=[query("B"), query("A")]), panel(2)),
        ["$: committed its queries or variables in one order, in Grafana the same in another"],
    ),
    "panels without numbers of their own": (
        board(panel(1), panel(1)),
        ["$.panels: committed an object of 2 fields, in Grafana a list of 2"],
    ),
    "no panels": (board(panels=None), ["$.panels: committed an object of 2 fields, in Grafana None"]),
    "a long text": (
        board(title="x" * 100),
        [f"$.title: committed 'Operability', in Grafana '{'x' * 78}…"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_difference_is_one_line_in_a_place_that_is_found(name: str):
    there, lines = CHANGES[name]
    assert told(there) == lines


def test_a_panel_without_a_title_is_found_by_its_id():
    assert told(board(panel(1, title=3), panel(2)), board(panel(1, title=4), panel(2))) == [
        "$.panels.1.title: committed 4, in Grafana 3"
    ]
