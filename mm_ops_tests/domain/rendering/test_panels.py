from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.panels import Panel, first_bad, live_query, plan_panels
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.sli.kinds import Gauge, Kind, Ratio
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops_tests.soak_samples import catalogue, soak_policy

SLIS, SOAK = catalogue(), soak_policy()
BY_NAME = {sli.name: sli for sli in SLIS.slis}
GATES = {gate.name: gate for gate in SOAK.gates}


def panel(title: str, slis: SliCatalogue = SLIS, soak: SoakPolicy = SOAK) -> Panel:
    (found,) = (one for one in plan_panels(slis, soak) if one.title == title)
    return found


def with_gate(name: str, **changes: Any) -> SoakPolicy:
    gates = (replace(gate, **changes) if gate.name == name else gate for gate in SOAK.gates)
    return replace(SOAK, gates=tuple(gates))


def with_measure(name: str, measure: Kind) -> SliCatalogue:
    return SliCatalogue(slis=tuple(replace(sli, measure=measure) if sli.name == name else sli for sli in SLIS.slis))


def test_a_trader_finds_the_seven_questions_in_this_order() -> None:
    assert [one.title for one in plan_panels(SLIS, SOAK)] == [
        "Net edge",
        "Tick latency, p95",
        "Deadline misses per tick",
        "Maker and taker share of notional",
        "Market data cache hits",
        "Websocket lag",
        "Circuit breaker and guards",
    ]


@pytest.mark.parametrize(
    ("title", "queries"),
    [
        (
            "Net edge",
            [
                'min_over_time(mm_edge_bps_ema24h{bot="$bot"}[$__rate_interval])',
                'min_over_time(mm_edge_bps_ema1h{bot="$bot"}[$__rate_interval])',
            ],
        ),
        (
            "Tick latency, p95",
            [
                "histogram_quantile(0.95, sum by (bot, le) "
                f'(rate(mm_stage_duration_ms_bucket{{bot="$bot",stage="{stage}"}}[5m])))'
                for stage in ("tick_total", "fetch_md")
            ],
        ),
        (
            "Deadline misses per tick",
            [
                (
                    'sum by (bot) (rate(mm_deadline_miss_total{bot="$bot"}[5m])) '
                    '/ (sum by (bot) (rate(mm_ticks_total{bot="$bot"}[5m])) > 0)'
                )
            ],
        ),
        (
            "Maker and taker share of notional",
            [
                'min_over_time(mm_maker_share_ratio{bot="$bot"}[$__rate_interval])',
                '1 - min_over_time(mm_maker_share_ratio{bot="$bot"}[$__rate_interval])',
            ],
        ),
        (
            "Market data cache hits",
            [
                (
                    'sum by (bot) (rate(mm_md_cache_hit_total{bot="$bot"}[5m])) '
                    '/ ((sum by (bot) (rate(mm_md_cache_hit_total{bot="$bot"}[5m])) '
                    '+ sum by (bot) (rate(mm_md_cache_miss_total{bot="$bot"}[5m]))) > 0)'
                )
            ],
        ),
        (
            "Websocket lag",
            [
                'max_over_time(mm_ws_lag_max_ms{bot="$bot"}[$__rate_interval])',
                'max_over_time(mm_ws_lag_p95_ms{bot="$bot"}[$__rate_interval])',
            ],
        ),
        (
            "Circuit breaker and guards",
            [
                'sum_over_time((mm_circuit_breaker_state{bot="$bot",state="open"} == bool 1)[72h:15s]) * 15',
                'max_over_time((mm_circuit_breaker_state{bot="$bot",state="open"} == bool 1)[$__rate_interval:15s])',
                'sum by (bot, guard) (increase(mm_guard_trip_total{bot="$bot"}[5m]))',
            ],
        ),
    ],
)
def test_a_panel_asks_what_the_catalogue_asks_of_the_chosen_bot(title: str, queries: list[str]) -> None:
    assert [curve.query for curve in panel(title).curves] == queries


def test_counters_are_shown_over_the_window_of_their_alert() -> None:
    alert = GATES["guard_trips"].alert
    assert alert is not None
    wider = with_gate("guard_trips", alert=replace(alert, window=timedelta(minutes=10)))
    assert panel("Circuit breaker and guards", soak=wider).curves[2].query.endswith("[10m]))")


def test_a_gate_without_an_alert_is_shown_as_the_gate_measures_it() -> None:
    soak = with_gate("ws_lag_max_ms", alert=None)
    shown = panel("Websocket lag", soak=soak)
    assert shown.curves[0].query == 'max_over_time(mm_ws_lag_max_ms{bot="$bot"}[72h])'
    assert shown.description == "Gate ws_lag_max_ms (soft): ≤ 200 ms over 72h. No alert."


def test_a_label_of_the_catalogue_stays_and_the_bot_s_is_the_chosen_one() -> None:
    lag = Gauge(metric="mm_ws_lag_max_ms", match={"feed": "a", "bot": "other"}, statistic="max")
    query = live_query(GATES["ws_lag_max_ms"], replace(BY_NAME["ws_lag_max_ms"], measure=lag), SOAK)
    assert query == 'max_over_time(mm_ws_lag_max_ms{bot="$bot",feed="a"}[$__rate_interval])'


def test_a_description_says_which_gate_and_which_alert_watch_the_limit() -> None:
    assert panel("Circuit breaker and guards").description == (
        "Gate circuit_open_seconds (soft): ≤ 300 s over 72h. "
        "Alert SoakCircuitBreakerOpen (critical, notify): == 1, held for 5m.\n\n"
        "Gate guard_trips (soft): ≤ 0 count over 72h. Alert SoakGuardTrip (critical, notify): > 0 over 5m."
    )


def test_what_has_no_limit_of_its_own_or_another_unit_stands_on_the_right() -> None:
    shown = {
        curve.legend: (curve.apart, curve.unit, curve.bars) for one in plan_panels(SLIS, SOAK) for curve in one.curves
    }
    assert shown == {
        "24 h EMA": (False, "bps", False),
        "1 h EMA": (False, "bps", False),
        "whole tick": (False, "ms", False),
        "fetching market data": (False, "ms", False),
        "missed": (False, "ratio", False),
        "maker": (False, "ratio", False),
        "taker": (True, "ratio", False),
        "hits": (False, "ratio", False),
        "max": (False, "ms", False),
        "p95": (False, "ms", False),
        "breaker open, total": (False, "s", False),
        "breaker open now": (True, "count", False),
        "trips of {{guard}}": (True, "count", True),
    }


def test_a_gate_with_an_alert_that_no_panel_foresees_gets_its_own() -> None:
    gate = GATES["ws_lag_max_ms"]
    assert gate.alert is not None
    lag = replace(BY_NAME["ws_lag_max_ms"], name="order_age_ms")
    added = replace(gate, name="order_age_ms", sli="order_age_ms", alert=replace(gate.alert, name="SoakOrderAge"))
    slis, soak = SliCatalogue(slis=(*SLIS.slis, lag)), replace(SOAK, gates=(*SOAK.gates, added))
    *others, last = plan_panels(slis, soak)
    assert len(others) == 7
    assert (last.title, [curve.gate for curve in last.curves]) == ("order age ms", [added])


def test_a_panel_whose_gates_are_gone_is_left_out() -> None:
    gates = tuple(gate for gate in SOAK.gates if gate.name != "ws_lag_max_ms")
    slis = SliCatalogue(slis=tuple(sli for sli in SLIS.slis if sli.name != "ws_lag_max_ms"))
    titles = [one.title for one in plan_panels(slis, replace(SOAK, gates=gates))]
    assert len(titles) == 6
    assert "Websocket lag" not in titles


@pytest.mark.parametrize(
    ("name", "measure", "message"),
    [
        (
            "ws_lag_max_ms",
            Ratio(numerator=(Selector("mm_late_total"),), denominator=(Selector("mm_ticks_total"),)),
            "ws_lag_max_ms: expected a measure with metric on the dashboard, was a ratio",
        ),
        (
            "circuit_open_seconds",
            BY_NAME["ws_lag_max_ms"].measure,
            "circuit_open_seconds: expected a condition_time on the dashboard, was gauge",
        ),
    ],
)
def test_a_measure_that_a_panel_cannot_show_is_refused(name: str, measure: Kind, message: str) -> None:
    alert = GATES[name].alert
    assert alert is not None
    window = timedelta(minutes=5) if measure.windowed else None
    with pytest.raises(PolicyError, match=message):
        plan_panels(with_measure(name, measure), with_gate(name, alert=replace(alert, window=window)))


def test_files_that_do_not_agree_are_refused() -> None:
    with pytest.raises(PolicyError, match=r"no sli nothing in slis\.yaml"):
        plan_panels(SLIS, with_gate("ws_lag_max_ms", sli="nothing"))


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("tick_latency_p95_ms", {}, 150.0),
        ("edge_bps_ema24h", {}, 2.0),
        ("guard_trips", {}, 1.0),
        ("guard_trips", {"limit": 3.0}, 4.0),
        ("guard_trips", {"bound": Bound.AT_LEAST, "limit": 3.0}, 3.0),
    ],
)
def test_colour_begins_at_the_limit_or_at_the_next_count(name: str, changes: dict[str, Any], expected: float) -> None:
    assert first_bad(replace(GATES[name], **changes)) == expected
