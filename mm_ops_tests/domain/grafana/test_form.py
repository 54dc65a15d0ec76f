import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.grafana.form import canonical_form, form_digest
from mm_ops_tests.grafana_boards import board, panel, query
from mm_ops_tests.grafana_server import BUILT_IN, as_javascript
from mm_ops_tests.requirements import PROJECT

COMMITTED = (PROJECT / "deploy/grafana/dashboards/mm_operability.json").read_bytes()


def form(document: Any) -> dict[str, Any]:
    return canonical_form(document, "x")


def saved(document: dict[str, Any]) -> dict[str, Any]:
    """As a Grafana gives it after somebody saved it in the browser without changing anything."""
    document = copy.deepcopy(document)
    document |= {"id": 7, "version": 12, "iteration": 1690000000000, "__requires": [{"id": "grafana", "version": "12"}]}
    document["annotations"]["list"].insert(0, BUILT_IN)
    for item in document["panels"]:
        item["pluginVersion"] = "12.3.1"
    for variable in document["templating"]["list"][:2]:
        variable |= {"current": {"text": "a", "value": "b"}, "options": [{"text": "a"}]}
    return as_javascript(document)


def test_what_a_grafana_writes_for_itself_is_not_in_the_form():
    assert form(saved(board())) == form(board())
    assert encode(form(saved(board()))) == encode(form(board()))


def test_the_committed_dashboard_is_in_its_one_form_and_comes_back_to_the_byte():
    assert encode(form(json.loads(COMMITTED))) == COMMITTED
    assert encode(form(saved(json.loads(COMMITTED)))) == COMMITTED


def test_what_a_person_chose_as_a_default_of_fixed_choices_stays():
    assert form(board())["templating"]["list"][2]["current"] == {"value": "2"}


@given(st.randoms(use_true_random=False))
def test_neither_the_order_of_panels_nor_that_of_fields_matters(chance: random.Random):
    nested = panel(3, type="row", panels=[panel(8), panel(4)], collapsed=True)
    document = board(panel(1), panel(2), nested)
    shuffled = _shuffle(document, chance)
    chance.shuffle(shuffled["panels"])
    assert encode(form(shuffled)) == encode(form(document))
    assert [item["id"] for item in form(document)["panels"][2]["panels"]] == [4, 8]


def _shuffle(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(name, _shuffle(item, chance)) for name, item in value.items()]
        chance.shuffle(items)
        return dict(items)
    return [_shuffle(item, chance) for item in value] if isinstance(value, list) else value


def test_the_form_of_a_form_is_itself():
    once = form(saved(board(panel(1, datasource={"type": "prometheus", "uid": "abc"}))))
    assert form(once) == once


def test_a_whole_number_is_one_however_it_is_written_and_others_stay():
    changed = form(board(panel(1, min=2.0, max=2.5, huge=1e300, none=None, yes=True)))["panels"][0]
    assert [repr(changed[name]) for name in ("min", "max", "huge", "none", "yes")] == [
        "2",
        "2.5",
        "1e+300",
        "None",
        "True",
    ]


def test_a_panel_without_a_place_and_parts_of_another_shape_are_left_as_they_are():
    odd = board(panel(1, gridPos=None), panel(2, gridPos={"x": "left"}))
    assert [item["id"] for item in form(odd)["panels"]] == [1, 2]
    bare = {"title": "t", "panels": "none", "annotations": {"list": None}, "templating": [1]}
    assert form(bare) == bare
    assert form({"title": "no panels at all"}) == {"title": "no panels at all"}
    assert form({"title": "t", "annotations": {"list": [3]}, "panels": [3], "templating": {"list": [4]}})["panels"] == [
        3
    ]


@pytest.mark.parametrize("document", [None, [], {}, {"uid": "x"}, {"title": 3}])
def test_what_is_no_dashboard_is_refused(document: Any):
    with pytest.raises(SchemaError, match=r"^x: expected a dashboard, an object with a title and a uid$"):
        form(document)


def test_what_was_exported_for_sharing_has_blanks_and_is_refused():
    with pytest.raises(SchemaError, match=r"^x: __inputs: exported for sharing"):
        form(board(__inputs=[{"name": "DS_PROMETHEUS"}]))
    assert form(board(__inputs=[]))["title"]


def test_any_change_of_a_query_changes_the_digest():
    changed = form(board(panel(1, targets=[query("A", expr="down")]), panel(2)))
    assert form_digest(changed) != form_digest(form(board()))
