import numpy as np
import polars as pl
import pytest

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sli.series import (
    SAMPLE_SCHEMA,
    Selector,
    Series,
    check_samples,
    find_runs,
    join_runs,
    parse_labels,
    split_series,
)
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.soak_samples import END


def frame(*rows: tuple[int, str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SAMPLE_SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("match", "labels", "selected"),
    [
        ({}, {"bot": "a"}, True),
        ({"bot": "a"}, {"bot": "a", "stage": "x"}, True),
        ({"bot": "a"}, {"bot": "b"}, False),
        ({"bot": "a"}, {}, False),
        ({"bot": ""}, {}, True),
        ({"bot": ""}, {"bot": "a"}, False),
    ],
)
def test_a_selector_wants_equal_labels_and_an_empty_one_means_absent(
    match: dict[str, str], labels: dict[str, str], *, selected: bool
) -> None:
    assert Selector("m", match).selects("m", labels) is selected


def test_a_selector_wants_its_metric_only() -> None:
    assert not Selector("m").selects("m_total", {})


def test_a_selector_writes_sorted_and_quoted_matchers_and_its_own_win() -> None:
    assert Selector("m").promql({}) == "m"
    assert Selector("m", {"b": 'x"y'}).promql({"a": "1", "b": "z"}) == r'm{a="1",b="x\"y"}'


def test_a_selector_refuses_names_that_prometheus_has_not() -> None:
    with pytest.raises(ValueError, match="m-x"):
        Selector("m-x")
    with pytest.raises(ValueError, match="a-b"):
        Selector("m", {"a-b": "x"})


def test_a_series_is_cut_to_the_half_open_window() -> None:
    window = TimeWindow.of_day(END)
    ts = np.array([window.start_ns - 1, window.start_ns, window.end_ns - 1, window.end_ns], dtype=np.int64)
    cut = Series("m", {}, ts, np.arange(4.0)).within(window)
    assert cut.values.tolist() == [1.0, 2.0]


def test_the_schema_is_checked_by_name_type_and_null() -> None:
    assert check_samples(SAMPLE_SCHEMA.to_frame(), "x").is_empty()
    with pytest.raises(SchemaError, match="x: labels: expected String, was absent"):
        check_samples(SAMPLE_SCHEMA.to_frame().drop("labels"), "x")
    with pytest.raises(SchemaError, match="x: value: expected Float64, was String"):
        check_samples(SAMPLE_SCHEMA.to_frame().cast({"value": pl.String}), "x")
    nulled = frame((1, "m", "{}", 1.0)).with_columns(pl.lit(None, pl.Float64).alias("value"))
    with pytest.raises(SchemaError, match="x: value: expected a value in every row, was null in 1 of them"):
        check_samples(nulled, "x")


def test_runs_are_series_in_their_order() -> None:
    rows = frame((1, "a", "{}", 1.0), (2, "a", "{}", 2.0), (1, "a", '{"x":"1"}', 3.0), (1, "b", "{}", 4.0))
    found = [(metric, labels, list(part["value"])) for metric, labels, part in find_runs(rows)]
    assert found == [("a", "{}", [1.0, 2.0]), ("a", '{"x":"1"}', [3.0]), ("b", "{}", [4.0])]
    assert find_runs(SAMPLE_SCHEMA.to_frame()) == []


def test_a_series_in_two_places_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"a\{\}: expected all rows of a series together, was in two places"):
        find_runs(frame((1, "a", "{}", 1.0), (1, "b", "{}", 1.0), (2, "a", "{}", 1.0)))


@pytest.mark.parametrize("times", [(2, 1), (1, 1)])
def test_times_that_do_not_increase_are_refused(times: tuple[int, int]) -> None:
    first, second = times
    with pytest.raises(SchemaError, match=r"a\{\}: expected times that increase, was 1 ns"):
        find_runs(frame((first, "a", "{}", 1.0), (second, "a", "{}", 1.0)))


@pytest.mark.parametrize("text", ["", "[]", '{"a":1}', '{"a": "1"}', '{"b":"1","a":"2"}'])
def test_labels_have_one_spelling(text: str) -> None:
    with pytest.raises(SchemaError, match="m: labels: expected"):
        parse_labels("m", text)


def test_joining_runs_sorts_the_series_and_keeps_their_pieces_in_order() -> None:
    runs = {(metric, labels): [part] for metric, labels, part in find_runs(frame((1, "b", "{}", 1.0)))}
    runs["a", "{}"] = [frame((1, "a", "{}", 2.0)), frame((2, "a", "{}", 3.0))]
    joined = join_runs(runs)
    assert joined["metric"].to_list() == ["a", "a", "b"]
    assert [one.values.tolist() for one in split_series(joined)] == [[2.0, 3.0], [1.0]]
    assert join_runs({}).equals(SAMPLE_SCHEMA.to_frame())
