import numpy as np
import polars as pl
import pytest

from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sli.series import split_series
from mm_ops.domain.soak.picture import chart_of, draw_soak, soak_page, window_of
from mm_ops.domain.soak.summary import gates_summary
from mm_ops.domain.soak.verdicts import fold
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.soak_samples import WINDOW, catalogue, healthy, judged, measured, soak_policy

HOUR_NS = 3_600_000_000_000
AT = WINDOW.start_ns + 10 * HOUR_NS


def draw(frame: pl.DataFrame) -> dict[str, Chart]:
    charts = draw_soak(catalogue(), soak_policy(), split_series(frame), measured(frame))
    return {chart.name: chart for chart in charts}


def during(metric: str, hours: float, value: float) -> pl.Expr:
    hit = (pl.col("metric") == metric) & pl.col("ts_ns").is_between(AT, AT + int(hours * HOUR_NS), closed="left")
    return pl.when(hit).then(value).otherwise("value").alias("value")


HEALTHY = draw(healthy())


def test_every_sli_has_its_chart_with_limit_and_side():
    assert list(HEALTHY) == [sli.name for sli in catalogue().slis]
    shown = HEALTHY["edge_bps_ema24h"]
    assert (shown.limit, shown.bound, shown.unit, shown.values.size) == (2.0, "at_least", "bps", 17_280)
    assert HEALTHY["tick_latency_p50_ms"].limit is None


def test_what_only_a_trend_watches_has_the_limit_of_the_trend():
    files, lag = HEALTHY["open_files"], HEALTHY["ws_lag_p95_ms"]
    assert [(one.limit, one.bound) for one in (files, lag)] == [(512.0, "at_most"), (100.0, "at_most")]


def test_bytes_are_drawn_in_the_unit_of_the_reasons():
    shown = HEALTHY["resident_memory_bytes"]
    assert (shown.unit, shown.limit) == ("MiB", 512.0)
    assert np.mean(shown.values) == pytest.approx(180, rel=0.01)


def test_restarts_are_drawn_as_their_number_so_far():
    start = pl.col("metric") == "process_start_time_seconds"
    later = sum((pl.col("ts_ns") >= AT + hours * HOUR_NS).cast(pl.Float64) for hours in (0, 1, 5))
    shown = draw(healthy().with_columns(pl.when(start).then(1.795e9 + later).otherwise("value").alias("value")))
    values, hours = shown["restarts"].values, (shown["restarts"].times_ns - AT) / HOUR_NS
    assert (values[0], values[-1], shown["restarts"].limit, shown["restarts"].unit) == (0.0, 3.0, 2.0, "count")
    assert [hours[values >= number][0] for number in (1, 2, 3)] == [0.0, 1.0, 5.0]


def test_a_state_has_no_limit_in_seconds_on_its_axis():
    assert (HEALTHY["circuit_open_seconds"].limit, HEALTHY["circuit_open_seconds"].unit) == (None, "")


def test_a_ratio_is_drawn_as_its_alert_sees_it():
    shown = HEALTHY["md_cache_hit_ratio"]
    assert shown.title == "md cache hit ratio, over 5m"
    assert np.nanmin(shown.values) == pytest.approx(0.9)
    assert np.nanmax(shown.values) == pytest.approx(0.9)


def test_the_first_window_of_a_soak_is_not_drawn_from_half_its_samples():
    shown = HEALTHY["md_cache_hit_ratio"]
    assert shown.times_ns[0] == WINDOW.start_ns + 5 * 60 * 1_000_000_000


def test_one_bad_sample_stays_visible():
    frame = healthy().with_columns(during("mm_ws_lag_max_ms", 0.004, 900.0))
    assert draw(frame)["ws_lag_max_ms"].values.max() == 900.0


def test_a_stretch_in_which_the_alert_fired_is_a_breach():
    (breach,) = draw(healthy().with_columns(during("mm_ws_lag_max_ms", 1, 900.0)))["ws_lag_max_ms"].breaches
    assert (breach.label, breach.worst) == ("SoakWSLagHigh", 900.0)
    assert (breach.span.start_ns, breach.span.end_ns) == (AT + HOUR_NS // 4, AT + HOUR_NS)


def test_an_outage_is_a_gap_in_every_chart_and_draws_no_value():
    gone = pl.col("ts_ns").is_between(AT, AT + HOUR_NS)
    charts = draw(healthy().filter(~gone))
    for chart in charts.values():
        ((start, end),) = [(gap.start_ns, gap.end_ns) for gap in chart.gaps]
        assert start < AT < end
        inside = (chart.times_ns > start) & (chart.times_ns < end)
        assert not np.isfinite(chart.values[inside]).any()


def test_a_restart_is_marked():
    started = pl.when((pl.col("metric") == "process_start_time_seconds") & (pl.col("ts_ns") >= AT))
    charts = draw(healthy().with_columns(started.then(1_795_100_000.0).otherwise("value").alias("value")))
    assert {chart.restarts for chart in charts.values()} == {(AT,)}


def test_what_is_not_there_is_one_gap_and_no_line():
    frame = healthy().filter(pl.col("metric") != "mm_md_cache_miss_total")
    shown = draw(frame)["md_cache_hit_ratio"]
    assert not np.isfinite(shown.values).any()
    nothing = draw(healthy().filter(pl.col("metric") == "mm_ticks_total"))["edge_bps_ema24h"]
    assert (nothing.values.size, [(gap.start_ns, gap.end_ns) for gap in nothing.gaps]) == (
        0,
        [(WINDOW.start_ns, WINDOW.end_ns)],
    )


def test_two_bots_in_one_gauge_are_not_drawn_as_one_line():
    both = pl.concat([healthy(), healthy(bot="other")]).sort("metric", "labels", "ts_ns")
    assert draw(both)["edge_bps_ema24h"].values.size == 0


def test_each_rule_has_the_chart_of_its_sli():
    charts = chart_of(soak_policy())
    assert charts["ws_lag_max_ms_sustained"] == "ws_lag_max_ms"
    assert charts["ws_lag_trend"] == "ws_lag_p95_ms"
    assert charts["edge_baseline"] == "edge_bps_ema24h"
    assert set(charts) == {rule.name for rule in soak_policy().rules}


def test_the_page_holds_verdict_findings_queries_and_policies():
    metrics = measured(healthy(), source="a test")
    findings = judged(metrics)
    summary = gates_summary(findings, fold(findings, soak_policy()), metrics["window"])
    summary["policies"] = {"soak.yaml": "sha256:0"}
    page = soak_page(summary, list(HEALTHY.values()), metrics, bot="paper", soak=soak_policy(), remarks=["late"])
    assert (page.verdict, page.window, page.source, page.remarks) == (Verdict.PASS, WINDOW, "a test", ["late"])
    assert page.policies == {"soak.yaml": "sha256:0"}
    assert page.queries["ws_lag_max_ms"] == 'max_over_time(mm_ws_lag_max_ms{bot="paper"}[72h])'
    assert len(page.findings) == len(soak_policy().rules)


def test_a_source_that_is_down_has_no_buckets_and_no_restarts():
    metrics = {**measured(healthy()), "buckets": None}
    charts = draw_soak(catalogue(), soak_policy(), split_series(healthy()), metrics)
    assert {chart.restarts for chart in charts} == {()}


def test_a_window_that_is_none_is_refused():
    with pytest.raises(SchemaError, match="window: expected two times, was yesterday/"):
        window_of({"window": "yesterday"})


def test_a_stored_soak_without_its_replay_has_no_breaches():
    metrics = {**measured(healthy()), "sustained": {}}
    charts = draw_soak(catalogue(), soak_policy(), split_series(healthy()), metrics)
    assert {chart.breaches for chart in charts} == {()}
