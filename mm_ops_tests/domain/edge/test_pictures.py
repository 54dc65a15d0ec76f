import json
import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.charts.bars import Bars
from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.curve import Curve
from mm_ops.domain.charts.waterfall import Waterfall
from mm_ops.domain.edge.earned import Earned
from mm_ops.domain.edge.pictures import (
    Absent,
    averages,
    cumulative,
    draw_pictures,
    hours,
    interval_at,
    markout_curve,
    net_by_symbol,
    number_at,
    waterfall,
    window_of,
)
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import START, edge_policy, fill, fills, instruments, minute, quotes
from mm_ops_tests.edge_pages import DAY, earned, group, report


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "3", True, [], {}])
def test_what_is_no_finite_number_is_none(value: Any):
    assert number_at({"a": {"b": value}}, "a", "b") is None
    assert number_at({}, "a", "b") is None
    assert number_at({"a": 3}, "a", "b") is None
    assert number_at({"a": {"b": 3}}, "a", "b") == 3.0


def test_the_window_is_read_before_and_after_json():
    assert window_of(report()) == DAY == window_of({"window": {"start": DAY.start, "end": DAY.end}})


@pytest.mark.parametrize("window", [None, {}, {"start": "2026-11-20", "end": "2026-11-21"}, {"start": 1, "end": 2}])
def test_without_a_window_with_a_zone_there_is_no_page(window: Any):
    with pytest.raises(SchemaError, match="edge report: window: expected a start and an end with a zone, was"):
        window_of({"window": window})


def test_the_waterfall_goes_from_capture_to_net():
    """4 - 1 - 0.2 - 0.2 = 2.6."""
    found = waterfall(report(), "5s")
    assert isinstance(found, Waterfall)
    assert [step.change for step in found.steps] == [4.0, -1.0, -0.2, -0.2]
    assert found.total.change == 2.6


def test_what_has_no_mid_at_the_horizon_is_a_step_of_its_own():
    """4 - 1 + 0.5 - 0.2 is 3.3, so 0.7 less was earned by fills that have no mid there."""
    found = waterfall(report(total=group(inventory_bps_5s=0.5)), "5s")
    assert isinstance(found, Waterfall)
    assert found.steps[-1].words == "no mid at 5s"
    assert found.steps[-1].change == pytest.approx(-0.7)


def test_a_waterfall_of_a_horizon_that_was_not_measured_says_so():
    found = waterfall(report(), "30s")
    assert found == Absent(
        "waterfall",
        "From spread capture to net edge, horizon 30s",
        "the report has no adverse_selection_bps_30s, inventory_bps_30s",
    )


def test_a_markout_curve_begins_with_the_capture_and_has_the_intervals_that_there_are():
    found = markout_curve(report(), "AAA-USDT")
    assert isinstance(found, Curve)
    assert (found.name, found.start and found.start.value) == ("markout.AAA_2dUSDT", 4.0)
    assert [(one.label, one.seconds, one.value, one.interval) for one in found.points] == [
        ("1s", 1.0, 3.5, (3.2, 3.8)),
        ("5s", 5.0, 3.0, None),
    ]


def test_a_markout_curve_without_numbers_says_so():
    lost = report(by_symbol={"X": group(markout_bps_1s=None, markout_bps_5s=None)})
    assert markout_curve(lost, "X") == Absent("markout.X", "Markout of X", "no fill has a mid at any horizon")


@pytest.mark.parametrize("horizons", [[], None, "1s"])
def test_a_markout_curve_without_horizons_says_so(horizons: Any):
    found = markout_curve(report(horizons=horizons), "AAA-USDT")
    assert isinstance(found, Absent)
    assert found.why == "the report has no horizons"


@pytest.mark.parametrize("stored", [None, [1.0], [1.0, None], [math.nan, 1.0], "ab", {"low": 1}, 3.0])
def test_half_an_interval_is_none(stored: Any):
    assert interval_at({"intervals_by_symbol": {"X": {"net_edge_bps": stored}}}, "X", "net_edge_bps") is None
    assert interval_at({"intervals_by_symbol": stored}, "X", "net_edge_bps") is None


def test_a_day_has_24_hours_and_one_without_fills_has_no_value():
    found = hours(report(), DAY)
    assert isinstance(found, Bars)
    assert len(found.labels) == 24
    assert (found.values[7], found.values[8]) == (None, 1.0)


def test_a_shorter_window_has_the_hours_that_it_touches_in_their_order():
    late = TimeWindow(START + timedelta(hours=22, minutes=30), START + timedelta(hours=26))
    found = hours(report(), late)
    assert isinstance(found, Bars)
    assert found.labels == ("22", "23", "00", "01")


def test_an_hour_that_the_window_grazes_is_drawn_where_it_was_filled():
    late = TimeWindow(START + timedelta(hours=22, minutes=30), START + timedelta(hours=24, milliseconds=80))
    for by_hour, labels in ((("22",), ("22", "23")), (("22", "00"), ("22", "23", "00"))):
        found = hours(report(by_hour={hour: {"net_edge_bps": 1.0} for hour in by_hour}), late)
        assert isinstance(found, Bars)
        assert found.labels == labels


@pytest.mark.parametrize(("known", "drawn"), [(2, 0), (3, 1)])
def test_an_average_of_two_values_is_no_line(known: int, drawn: int):
    at = [(START + timedelta(minutes=15 * n)).isoformat() for n in range(1, 5)]
    section = {"at": at, "series": {"ema1h": [None] * (4 - known) + [1.0] * known}}
    assert len(averages(report(ema=section), DAY)) == drawn


def test_hours_without_numbers_say_so():
    assert hours(report(by_hour={}), DAY) == Absent(
        "by_hour", "Net edge by hour, UTC", "no hour has a net edge in the report"
    )


def test_money_adds_up_in_the_order_of_time_and_fills_of_one_moment_at_once():
    found = cumulative(earned((3, 5.0), (1, 2.0), (1, -3.0)), DAY, "USDT")
    assert isinstance(found, Chart)
    assert [(ns - DAY.start_ns) // 3_600_000_000_000 for ns in found.times_ns.tolist()] == [1, 3]
    assert (found.values.tolist(), found.unit) == ([-1.0, 4.0], "USDT")


@pytest.mark.parametrize(("given", "currency"), [(None, "USDT"), (earned(), "USDT"), (earned((1, 1.0)), None)])
def test_without_money_or_its_currency_the_sum_is_absent(given: Earned | None, currency: str | None):
    assert isinstance(cumulative(given, DAY, currency), Absent)


def test_an_amount_that_is_no_number_is_refused():
    with pytest.raises(SchemaError, match="edge page: cumulative: expected a finite amount for each time"):
        cumulative(earned((1, math.nan)), DAY, "USDT")
    with pytest.raises(SchemaError, match=r"was \(1,\) and \(2,\)"):
        cumulative(Earned(np.array([DAY.start_ns]), np.array([1.0, 2.0])), DAY, "USDT")


def test_symbols_come_by_their_notional():
    assert net_by_symbol(report()) == ["BBB-USDT", "AAA-USDT"]
    assert net_by_symbol(report(by_symbol={"B": group(), "A": group(), "C": group(notional=None)})) == ["A", "B", "C"]
    assert net_by_symbol({}) == []


def test_the_largest_symbols_are_drawn():
    names = [one.name for one in draw_pictures(report(), "5s", None, 1)]
    assert names == ["waterfall", "markout.BBB_2dUSDT", "by_hour", "cumulative"]


def test_a_report_with_nothing_in_it_but_a_window_has_pictures_that_say_why_not():
    found = draw_pictures({"window": report()["window"], "settlement": 3}, "5s", earned((1, 1.0)), 8)
    assert len(found) == 3
    assert all(isinstance(one, Absent) for one in found)


def test_what_the_edge_report_writes_is_what_the_pictures_read():
    """Two fills, of which the later has no mid 5 s later."""
    market = quotes((0, 99, 101), (2, 98, 100), (4, 101, 103), (9, 103, 105))
    built = build_edge_report(
        fills(fill(1.5, "buy", 99), fill(57, "sell", 105)),
        market,
        policy=edge_policy(),
        instruments=instruments(),
        window=minute(),
    )
    found = draw_pictures(json.loads(encode(built)), "5s", None, 8)
    assert [type(one) for one in found[:3]] == [Waterfall, Curve, Bars]
    assert isinstance(found[0], Waterfall)
    assert found[0].steps[-1].words == "no mid at 5s"
