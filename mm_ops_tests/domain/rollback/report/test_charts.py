from datetime import timedelta

import numpy as np
import pytest

from mm_ops.domain.charts.chart import Chart, worst_point
from mm_ops.domain.rollback.report.charts import (
    Around,
    draw_around,
    read_window,
    selectors_around,
    versions_in,
)
from mm_ops.domain.sli.series import Series
from mm_ops.domain.windows import TimeWindow, to_ns
from mm_ops_tests.rollback_world import NOW
from mm_ops_tests.stopped_site import samples_around
from mm_ops_tests.stories import AROUND, QUARTER, SLIS, SOAK, WINDOW


def draw(table: list[Series], around: Around = AROUND) -> dict[str, Chart]:
    return {chart.name: chart for chart in draw_around(SLIS, SOAK, table, around)}


def test_the_orders_come_first_then_the_alerts_own_indicator():
    names = list(draw(samples_around(NOW)))
    assert names[:3] == ["orders_sent", "orders_open", "tick_latency_p95_ms"]
    assert len(names) == len(SLIS.slis) + 2


def test_orders_are_drawn_as_growth_so_that_a_stop_is_a_line_at_zero():
    times, sent = draw(samples_around(NOW))["orders_sent"].drawn()
    assert set(sent[1:][times[1:] <= to_ns(NOW)]) == {40.0}
    assert set(sent[times > to_ns(NOW)]) == {0.0}


def test_a_counter_that_fell_is_one_of_a_new_process():
    times = np.array([to_ns(NOW + timedelta(seconds=15 * n)) for n in range(4)])
    sent = Series("mm_orders_sent_total", {}, times, np.array([100.0, 130.0, 7.0, 7.0]))
    assert draw([sent])["orders_sent"].values[1:].tolist() == [30.0, 7.0, 0.0]


def test_every_chart_shows_the_window_and_the_stop_and_the_alerts_own_its_breach():
    for name, chart in draw(samples_around(NOW)).items():
        assert chart.window == WINDOW
        assert [(one.at_ns, one.label) for one in chart.moments] == [(to_ns(NOW), "stopped")]
        spans = [(one.span.start_ns, one.span.end_ns) for one in chart.breaches]
        assert spans == ([(to_ns(AROUND.started), to_ns(NOW))] if name == "tick_latency_p95_ms" else [])
        assert all(WINDOW.start_ns <= gap.start_ns < gap.end_ns <= WINDOW.end_ns for gap in chart.gaps)


def test_what_looks_back_is_drawn_from_the_windows_start_on():
    times, values = draw(samples_around(NOW))["tick_latency_p95_ms"].drawn()
    assert times[0] - WINDOW.start_ns < 60e9
    assert np.isfinite(values[0])
    assert read_window(WINDOW, SOAK).start < WINDOW.start - timedelta(minutes=5)


def test_a_gap_before_the_window_is_not_of_it_and_one_across_its_start_is_cut():
    kept = [one.within(TimeWindow(NOW - timedelta(minutes=5), NOW + QUARTER)) for one in samples_around(NOW)]
    (gap,) = draw(kept)["ws_lag_max_ms"].gaps
    assert (gap.start_ns, gap.end_ns) == (WINDOW.start_ns, to_ns(NOW - timedelta(minutes=5)))
    early = Series("mm_ws_lag_max_ms", {}, np.array([read_window(WINDOW, SOAK).start_ns]), np.array([1.0]))
    joined = [*(one for one in samples_around(NOW) if one.metric != early.metric), early]
    assert worst_point(draw(joined)["ws_lag_max_ms"]) is None
    late = [one.within(WINDOW) for one in samples_around(NOW)]
    assert draw(late)["ws_lag_max_ms"].gaps == ()


def test_nothing_measured_is_a_chart_without_samples_for_each():
    for chart in draw([]).values():
        assert worst_point(chart) is None
        assert [(gap.start_ns, gap.end_ns) for gap in chart.gaps] == [(WINDOW.start_ns, WINDOW.end_ns)]


@pytest.mark.parametrize(("confirmed", "label"), [(True, "stopped"), (False, "stop not confirmed")])
def test_a_stop_that_was_not_confirmed_is_marked_as_such(*, confirmed: bool, label: str):
    around = Around(window=WINDOW, alert="x", started=NOW, stopped=NOW - timedelta(seconds=1), confirmed=confirmed)
    assert draw([], around)["orders_open"].moments[0].label == label


def test_everything_that_is_drawn_is_read_and_the_version_too():
    metrics = {one.metric for one in selectors_around(SLIS)}
    assert {"mm_orders_sent_total", "mm_orders_open", "mm_build_info", "mm_ws_lag_max_ms"} <= metrics
    assert versions_in(samples_around(NOW), WINDOW) == ["1.0.1"]
    assert versions_in([], WINDOW) == []
