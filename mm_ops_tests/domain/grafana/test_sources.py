from typing import Any

import pytest

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.grafana.form import canonical_form
from mm_ops_tests.grafana_boards import board, panel


def source(uid: str, kind: str = "prometheus") -> dict[str, str]:
    return {"type": kind, "uid": uid}


def mapped(*sources: Any, variables: list[dict[str, Any]] | None = None) -> tuple[list[Any], list[tuple[str, str]]]:
    """The data sources of some panels as they are then, and all data source variables by name and type."""
    panels = [panel(number + 1, datasource=one, targets=[]) for number, one in enumerate(sources)]
    form = canonical_form(board(*panels, templating={"list": variables or []}), "x")
    listed = form["templating"]["list"] if "templating" in form else []
    made = [(item["name"], item["query"]) for item in listed if item["type"] == "datasource"]
    return [item["datasource"] for item in form["panels"]], made


def variable(name: str, kind: str = "prometheus", **different: Any) -> dict[str, Any]:
    return {"name": name, "type": "datasource", "query": kind, **different}


def test_a_data_source_by_uid_becomes_a_new_variable_and_another_one_another():
    found, made = mapped(
        source("a"), source("b"), source("a"), source("c", "loki"), source("d", "my-kind"), source("e")
    )
    assert [one["uid"] for one in found] == [
        "${datasource}",
        "${datasource_2}",
        "${datasource}",
        "${datasource_loki}",
        "${datasource_my_kind}",
        "${datasource_3}",
    ]
    assert made == [
        ("datasource", "prometheus"),
        ("datasource_2", "prometheus"),
        ("datasource_loki", "loki"),
        ("datasource_my_kind", "my-kind"),
        ("datasource_3", "prometheus"),
    ]


def test_it_becomes_the_variable_that_it_was_chosen_for():
    variables = [variable("one", current={"value": "b"}), variable("two", current={"value": "a"})]
    found, made = mapped(source("a"), source("b"), source("c"), variables=variables)
    assert [one["uid"] for one in found] == ["${two}", "${one}", "${datasource}"]
    assert made == [("datasource", "prometheus"), ("one", "prometheus"), ("two", "prometheus")]


def test_else_it_becomes_the_first_of_its_type_that_stands_for_none():
    other = {"name": "datasource", "type": "query", "query": "x"}
    variables = [variable("logs", "loki"), variable("free", current={"value": ""}), variable("last", current=3), other]
    found, _ = mapped(source("a"), source("b"), source("c"), source("d", "loki"), variables=variables)
    assert [one["uid"] for one in found] == ["${free}", "${last}", "${datasource_2}", "${logs}"]


@pytest.mark.parametrize(
    "there",
    [
        None,
        "$ds",
        "-- Grafana --",
        "-- Mixed --",
        {"uid": "${ds}"},
        {"type": "__expr__", "uid": "__expr__"},
        {"type": "datasource", "uid": "grafana"},
        {"type": "prometheus"},
    ],
)
def test_what_every_grafana_has_stays(there: Any):
    assert mapped(there) == ([there], [])


def test_a_dashboard_without_variables_gets_a_list_of_them():
    bare = {"title": "t", "panels": [{"id": 1, "datasource": source("a")}]}
    assert [item["name"] for item in canonical_form(bare, "x")["templating"]["list"]] == ["datasource"]


UNCLEAR = {
    "a name": ("Prometheus", "x.panels[0].datasource: 'Prometheus' is a name, as before Grafana 8.3"),
    "no type": ({"uid": "a"}, "x.panels[0].datasource: 'a' without a type: choose the data source again"),
    "an empty type": ({"uid": "a", "type": ""}, "x.panels[0].datasource: 'a' without a type"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_says_too_little_is_refused_with_its_place(name: str):
    there, said = UNCLEAR[name]
    with pytest.raises(SchemaError) as refused:
        mapped(there)
    assert str(refused.value).startswith(said)
