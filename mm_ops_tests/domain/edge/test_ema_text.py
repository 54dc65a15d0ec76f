from typing import Any

import pytest

from mm_ops.domain.edge.ema_text import begins_words, ema_rows
from mm_ops.domain.edge.pictures import averages, window_of
from mm_ops.domain.edge.report_text import edge_markdown
from mm_ops_tests.builders import fill
from mm_ops_tests.domain.edge.test_ema_report import measured


def told(**begins: Any) -> dict[str, Any]:
    """Two bought at 99.95 with a mid of 100, closed at 900 s; told an hour later for a half-life of an hour."""
    report = measured(fill(895, "buy", 99.95, 2))
    return {**report, "ema": {**report["ema"], "begins": begins}} if begins else report


def test_each_average_has_a_row_of_all_fills_and_of_each_symbol():
    total, symbol = ema_rows(told())
    assert (total.name, total.group, symbol.group) == ("ema1h", "total", "X")
    assert (total.edge, total.rests_on, total.known, total.age) == ("+5.00 bps", "119 USDT", "100 %", "2700 s")


def test_where_there_is_no_value_the_reason_stands_in_its_place():
    (row,) = ema_rows(measured())
    assert row.edge == "none: no fill with a markout has closed"
    assert (row.rests_on, row.known, row.age) == ("0", "not measured", "not measured")


@pytest.mark.parametrize("report", [{}, {"ema": None}, {"ema": {}}])
def test_a_report_without_averages_has_no_rows_and_no_charts(report: dict[str, Any]):
    assert (ema_rows(report), begins_words(report)) == ([], None)
    assert averages(report, window_of(told())) == []


def test_it_is_told_what_they_begin_with():
    assert begins_words(told()) is None
    carried = told(report="paper/2026-11-19/reports/edge_report.json", digest="sha256:ab", reason=None)
    assert begins_words(carried) == "paper/2026-11-19/reports/edge_report.json sha256:ab"
    anew = told(report="a.json", digest=None, reason="it is not there")
    assert begins_words(anew) == "nothing; a.json: it is not there"
    assert "They begin with nothing; a.json: it is not there." in edge_markdown(anew)
    assert "| ema1h | total | +5.00 bps |" in edge_markdown(told())


def test_the_chart_has_a_point_for_each_time_and_none_where_there_is_no_value():
    report = told()
    (chart,) = averages(report, window_of(report))
    times, values = chart.drawn()
    assert (times.size, chart.title) == (5, "Edge averaged, half-life 1h")
    assert [value != value for value in values.tolist()] == [True, False, False, False, False]  # noqa: PLR0124 - NaN
    assert times[-1] == window_of(report).end_ns - 1
