from typing import Any

import pytest

from mm_ops.domain.rendering.dashboard_queries import substitute
from mm_ops_tests.domain.rendering.drawn import DROP, faults_of

MISSES = "panel 3 (Deadline misses per tick): targets.0.expr"
CHOICE = "dashboard: templating.list.1.query"
EXPORTED = {
    "mm_edge_bps_ema24h",
    "mm_edge_bps_ema1h",
    "mm_stage_duration_ms_bucket",
    "mm_deadline_miss_total",
    "mm_ticks_total",
    "mm_maker_share_ratio",
    "mm_md_cache_hit_total",
    "mm_md_cache_miss_total",
    "mm_ws_lag_max_ms",
    "mm_ws_lag_p95_ms",
    "mm_circuit_breaker_state",
    "mm_guard_trip_total",
}
"""What the design says the bot exports, as far as the dashboard shows it."""


@pytest.mark.parametrize("changes", [{"instant": True}, {"range": False}, {"range": DROP, "instant": True}])
def test_a_query_at_one_moment_draws_nothing_over_time(changes: dict[str, Any]) -> None:
    planted = {f"panels/2/targets/0/{name}": value for name, value in changes.items()}
    assert faults_of(planted) == [
        "panel 3 (Deadline misses per tick): targets.0: expected a query over the range, was one at its end"
    ]


def test_a_query_that_says_neither_is_one_over_the_range() -> None:
    assert faults_of({"panels/2/targets/0/range": DROP, "panels/2/targets/0/instant": DROP}) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", f"{MISSES}: expected a query, was empty"),
        ('rate(mm_ticks_total{bot="$bot"}[5m]', f"{MISSES}: not PromQL: unclosed left parenthesis"),
        ('rate(mm_ticks_total{bot="$bot"})', f"{MISSES}: not PromQL: expected type matrix"),
        ('mm_ticks_total{bot="$bot"}[5m]', f"{MISSES}: expected a value at each time, was a range of them"),
        ('mm_ticks_total{bot="$bot"}[5m:15s]', f"{MISSES}: expected a value at each time, was a range of them"),
        ("vector(1)", f"{MISSES}: reads no series"),
        ("mm_ticks_total", f'{MISSES}: mm_ticks_total: expected the matcher bot="$bot", was none'),
        ('mm_ticks_total{bot="paper"}', f'{MISSES}: mm_ticks_total: expected the matcher bot="$bot", was none'),
        ('mm_ticks_total{bot!="$bot"}', f'{MISSES}: mm_ticks_total: expected the matcher bot="$bot", was none'),
        ('mm_ticks_total{bot=~"$bot"}', f'{MISSES}: mm_ticks_total: expected the matcher bot="$bot", was none'),
        ('mm_ticks_total{job="$bot"}', f'{MISSES}: mm_ticks_total: expected the matcher bot="$bot", was none'),
        (
            'mm_ticks_total{bot="$bot" or job="x"}',
            f'{MISSES}: mm_ticks_total: expected the matcher bot="$bot", was none',
        ),
        ('mm_ticks_total{bot="$bot"} / mm_deadline_miss_total', f"{MISSES}: mm_deadline_miss_total: expected the"),
        ('sum(rate(mm_ticks_total[5m])) + mm_ticks_total{bot="$bot"}', f"{MISSES}: mm_ticks_total: expected the"),
        ('mm_tick_total{bot="$bot"}', f"{MISSES}: reads mm_tick_total, which is not exported"),
        ('{bot="$bot"}', f"{MISSES}: reads series without a name, which is not exported"),
        ('mm_ticks_total{bot="$bott"}', f"{MISSES}: uses the variable $bott, which is not defined"),
        ('mm_ticks_total{bot="${bott:regex}"}', f"{MISSES}: uses the variable $bott, which is not defined"),
        ('mm_ticks_total{bot="[[bott]]"}', f"{MISSES}: uses the variable $bott, which is not defined"),
        ('rate(mm_ticks_total{bot="$bot"}[$__rate_intervall])', f"{MISSES}: uses the variable $__rate_intervall"),
    ],
)
def test_a_query_that_answers_nothing_or_for_another_bot_is_named(query: str, expected: str) -> None:
    faults = faults_of({"panels/2/targets/0/expr": query}, EXPORTED)
    assert [fault for fault in faults if fault.startswith(expected)], faults


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"annotations/list/0/expr": "ALERTS"},
            'dashboard: annotations.list.0.expr: ALERTS: expected the matcher bot="$bot',
        ),
        ({"annotations/list/0/expr": DROP}, "dashboard: annotations.list.0.expr: expected a query, was empty"),
        (
            {"annotations/list/0/titleFormat": "$who"},
            "dashboard: annotations.list.0.titleFormat: uses the variable $who",
        ),
        ({"panels/1/title": "Latency of ${bots}"}, "panel 2 (Latency of ${bots}): title: uses the variable $bots"),
        ({"templating/list/1/query": DROP}, f"{CHOICE}: expected label_values(series, label), was empty"),
        (
            {"templating/list/1/query": "label_values(bot)"},
            f"{CHOICE}: expected label_values(series, label), was label",
        ),
        (
            {"templating/list/1/query": "label_values(up{, bot)"},
            f"{CHOICE}: expected label_values(series, label), was la",
        ),
        (
            {"templating/list/1/query": "label_values(1, bot)"},
            f"{CHOICE}: expected label_values(series, label), was label",
        ),
        ({"templating/list/1/query": "label_values(ticks, bot)"}, f"{CHOICE}: reads ticks, which is not exported"),
        ({"templating/list": []}, "panel 1 (Net edge): targets.0.expr: uses the variable $bot, which is not defined"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_marks_and_choices_are_queries_too(changes: dict[str, Any], expected: str) -> None:
    faults = faults_of(changes, EXPORTED)
    assert [fault for fault in faults if fault.startswith(expected)], faults


def test_every_metric_is_one_that_the_design_says_is_exported() -> None:
    assert faults_of({}, EXPORTED) == []
    without = faults_of({}, EXPORTED - {"mm_ws_lag_p95_ms"})
    assert without == [
        "panel 6 (Websocket lag): targets.1.expr: reads mm_ws_lag_p95_ms, which is not exported",
    ]


def test_a_bot_that_exports_nothing_is_compared_too() -> None:
    assert len([fault for fault in faults_of({}, set()) if "which is not exported" in fault]) > len(EXPORTED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('x{bot="$bot"}', 'x{bot="value_of_bot"}'),
        ('x{bot="${bot}"}', 'x{bot="value_of_bot"}'),
        ('x{bot="${bot:regex}"}', 'x{bot="value_of_bot"}'),
        ('x{bot="[[bot]]"}', 'x{bot="value_of_bot"}'),
        ("rate(x[$__rate_interval])", "rate(x[1m])"),
        ("max_over_time(x[${__interval}])", "max_over_time(x[30s])"),
        ('x{a=~"b$"}', 'x{a=~"b$"}'),
    ],
)
def test_variables_are_put_in_as_grafana_does(text: str, expected: str) -> None:
    assert substitute(text) == expected
