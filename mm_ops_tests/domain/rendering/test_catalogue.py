from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.catalogue import Catalogue, matchers_of
from mm_ops.domain.rendering.policy import Record
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.bucket_rules import Trend
from mm_ops.domain.soak.policy import Gate
from mm_ops.domain.verdict import Severity
from mm_ops_tests.policies_of_rules import project, scraped, watched, with_bots, with_gate

MINUTE = timedelta(minutes=1)


def with_alerting(**different: Any) -> Catalogue:
    return replace(project(), alerting=replace(project().alerting, **different))


def with_no_data(which: str, /, **different: Any) -> Catalogue:
    data = project().alerting.no_data
    return with_alerting(no_data=replace(data, **{which: replace(getattr(data, which), **different)}))


def with_prometheus(**different: Any) -> Catalogue:
    return with_alerting(prometheus=replace(project().alerting.prometheus, **different))


def test_a_gate_on_a_counter_needs_each_of_its_label_values() -> None:
    needed = project().needed()
    guards = [one.match["guard"] for one in needed["mm_guard_trip_total"]]
    assert guards == ["max_position", "price_band", "loss_limit", "drift"]
    assert needed["mm_circuit_breaker_state"] == [Selector("mm_circuit_breaker_state", {"state": "open"})]


def with_trends(*trends: Trend) -> Catalogue:
    """The project's gates but that on restarts with these trends, and every other SLI reported."""
    catalogue = project()
    gates = tuple(gate for gate in catalogue.soak.gates if gate.sli != "restarts")
    rules: tuple[Gate | Trend, ...] = (*gates, *trends)
    judged = {rule.sli for rule in rules}
    reported = tuple(sli.name for sli in catalogue.slis.slis if sli.name not in judged)
    return replace(catalogue, soak=replace(catalogue.soak, gates=gates, trends=trends, baselines=(), reported=reported))


def test_a_trend_needs_its_series_and_to_know_of_restarts() -> None:
    """The p50 reads the same buckets as the p95, which has a gate: they are needed once."""
    trend = Trend(
        name="tick_latency_p50_trend",
        sli="tick_latency_p50_ms",
        bound=Bound.AT_MOST,
        limit=100.0,
        unit="ms",
        horizon=timedelta(days=7),
        significance=0.01,
        min_points=24,
        severity=Severity.SOFT,
        source="made up for a test",
    )
    before, after = with_trends().needed(), with_trends(trend).needed()
    assert set(after) - set(before) == {"process_start_time_seconds"}
    assert len(after["mm_stage_duration_ms_bucket"]) == 1


def test_only_gauges_that_a_gate_reads_can_be_not_a_number() -> None:
    assert {one.metric for one in with_trends().gauges()} == {
        "mm_edge_bps_ema24h",
        "mm_circuit_breaker_state",
        "mm_maker_share_ratio",
        "mm_build_info",
        "mm_ws_lag_max_ms",
    }


def test_a_recorded_value_is_named_after_its_window() -> None:
    changed = with_gate(project(), "deadline_miss_ratio", alert_window=10 * MINUTE)
    assert changed.record_of(watched(changed, "deadline_miss_ratio")) == "mm:deadline_miss:ratio_10m"
    assert project().record_of(watched(project(), "deadline_miss_ratio")) == "mm:deadline_miss:ratio_5m"
    assert project().record_of(watched(project(), "edge_bps_ema24h")) is None
    assert project().record_of(watched(project(), "guard_trips")) is None


def test_a_bot_is_selected_by_the_labels_of_its_server_or_by_its_name() -> None:
    (paper,) = project().fleet.bots
    assert matchers_of(paper) == {"bot": "paper"}
    assert matchers_of(scraped(paper, "mm1", bot="mm1", env="live")) == {"bot": "mm1", "env": "live"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda: with_alerting(records=(Record(sli="maker_share", name="mm:x:y"),)),
            "alerting.yaml: records.0.sli: expected an sli whose gate has an alert with a window, was maker_share",
        ),
        (
            lambda: with_alerting(records=(Record(sli="nobody", name="mm:x:y"),)),
            "alerting.yaml: records.0.sli: expected an sli whose gate has an alert with a window, was nobody",
        ),
        (
            lambda: with_no_data("absent", name="SoakGuardTrip"),
            "alerting.yaml: SoakGuardTrip: soak.yaml has an alert of that name",
        ),
        (
            lambda: with_no_data("stalled", metric="mm_other_total"),
            "alerting.yaml: no_data.stalled.metric: expected a metric that a gate reads, was mm_other_total",
        ),
        (
            lambda: with_no_data("absent", hold=timedelta(seconds=20)),
            "alerting.yaml: no_data.absent.hold: expected a multiple of 15s, was 20s",
        ),
        (
            lambda: with_no_data("stalled", window=timedelta(seconds=45)),
            "alerting.yaml: no_data.stalled.window: expected at least 1m (four scrapes), was 45s",
        ),
        (
            lambda: with_gate(project(), "guard_trips", alert_window=timedelta(seconds=100)),
            "soak.yaml: guard_trips: alert.window: expected a multiple of 15s, was 1m40s",
        ),
        (
            lambda: with_gate(project(), "ws_lag_max_ms", alert_keep_firing_for=timedelta(seconds=1)),
            "soak.yaml: ws_lag_max_ms: alert.keep_firing_for: expected a multiple of 15s, was 1s",
        ),
        (
            lambda: with_prometheus(scrape_timeout=MINUTE),
            "alerting.yaml: prometheus.scrape_timeout: expected at most the scrape interval, 15s",
        ),
        (
            lambda: with_bots(project(), scraped(project().fleet.bots[0], "mm1", bot="mm1")),
            "alerting.yaml: prometheus.targets.0.bot: no bot paper in bots.yaml; there are: mm1",
        ),
        (
            lambda: with_bots(project(), *project().fleet.bots, scraped(project().fleet.bots[0], "mm1", job="mm")),
            "bots.yaml: mm1: samples.match: expected bot: mm1, or its alerts would name no bot",
        ),
    ],
)
def test_policies_that_disagree_are_refused(change: Any, message: str) -> None:
    with pytest.raises(PolicyError) as refused:
        change()
    assert str(refused.value).splitlines() == [message]


def test_every_disagreement_is_told_at_once() -> None:
    data = project().alerting.no_data
    absent = replace(data.absent, hold=timedelta(seconds=1))
    with pytest.raises(PolicyError) as refused:
        with_alerting(no_data=replace(data, absent=absent, stalled=replace(data.stalled, metric="mm_x_total")))
    assert len(str(refused.value).splitlines()) == 2
