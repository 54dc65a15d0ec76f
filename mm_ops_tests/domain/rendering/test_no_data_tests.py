from datetime import timedelta

import pytest

from mm_ops.domain.rendering.no_data_tests import absent_alerts, labels_of, no_data_tests, not_finite_alert
from mm_ops.domain.sli.series import Selector
from mm_ops_tests.policies_of_rules import project, scraped, with_bots, with_gate

CATALOGUE = project()
(PAPER,) = CATALOGUE.fleet.bots


def test_every_series_that_is_needed_is_missed_by_name() -> None:
    alerts = absent_alerts(CATALOGUE)
    series = [(metric, one.match) for metric, of in CATALOGUE.needed().items() for one in of]
    told = [alert.labels for alert in alerts]
    assert [labels["metric"] for labels in told] == [metric for metric, _ in series]
    assert all(match.items() <= labels.items() for labels, (_, match) in zip(told, series, strict=True))
    assert [labels["guard"] for labels in told if "guard" in labels][-1] == "drift"
    assert {alert.annotations["summary"].split(": ")[0] for alert in alerts} == {"paper"}


def test_what_is_present_of_one_bot_is_missed_of_another() -> None:
    fleet = with_bots(CATALOGUE, PAPER, scraped(PAPER, "mm1", bot="mm1"))
    ticks = Selector("mm_ticks_total").promql(labels_of(fleet, PAPER))
    missed = [alert.labels["bot"] for alert in absent_alerts(fleet, {ticks}) if "ticks" in alert.labels["metric"]]
    assert missed == ["mm1"]


def test_a_gauge_keeps_the_labels_that_select_it() -> None:
    gauge = next(one for one in CATALOGUE.gauges() if one.match)
    alert = not_finite_alert(CATALOGUE, gauge, labels_of(CATALOGUE, PAPER))
    assert alert.labels["state"] == "open"
    assert alert.labels["metric"] == "mm_circuit_breaker_state"


def test_each_alert_on_missing_evidence_fires_in_one_test_and_is_silent_in_another() -> None:
    fires: set[str] = set()
    silent: set[str] = set()
    for test in no_data_tests(CATALOGUE):
        for check in test.checks:
            (fires if check.expected else silent).add(check.alert)
    without_limit = set(CATALOGUE.alerting.alert_names)
    assert fires == without_limit
    assert without_limit - {"Watchdog"} <= silent


@pytest.mark.parametrize("hold", [timedelta(minutes=30), timedelta(hours=2)])
def test_silence_is_looked_at_for_longer_than_any_alert_waits(hold: timedelta) -> None:
    changed = with_gate(CATALOGUE, "ws_lag_max_ms", alert_hold=hold)
    nothing = next(no_data_tests(changed))
    last = max(check.step for check in nothing.checks)
    assert not nothing.series
    assert last * changed.soak.evaluation_interval > hold
    assert {check.alert for check in nothing.checks if check.step == last} == set(changed.alert_names)
