import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mm_ops.adapters.prometheus_alerts import ActiveAlerts, PrometheusAlerts
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.alert import Alert, fingerprint_of
from mm_ops.domain.rollback.backstop import Active
from mm_ops.domain.rollback.history import Truth
from mm_ops_tests.hostile_server import answer, hostile

AT = datetime(2026, 11, 25, 8, 28, 19, 777912, UTC)
LABELS = {"alertname": "SoakEdgeDegradation", "bot": "paper", "weird": 'a"b\\c'}
CONFIG = "global:\n  external_labels: {env: soak, zone: e1}\n"
ALERT: dict[str, Any] = {
    "labels": LABELS,
    "annotations": {},
    "state": "firing",
    "activeAt": "2026-11-25T08:28:19.777912867Z",
    "value": "1e+00",
}
RULE: dict[str, Any] = {
    "state": "firing",
    "name": "SoakEdgeDegradation",
    "query": "vector(1)",
    "duration": 3,
    "keepFiringFor": 0,
    "labels": {"bot": "paper"},
    "annotations": {},
    "alerts": [ALERT],
    "health": "ok",
    "evaluationTime": 0.000160038,
    "lastEvaluation": "2026-11-25T08:28:27.779288656Z",
    "type": "alerting",
}
"""As 2.42 wrote it."""


@contextmanager
def prometheus(
    rules: object = None, config: object = CONFIG, series: object = ()
) -> Iterator[tuple[PrometheusAlerts, list[str]]]:
    """Serve three documents, each at its path."""
    bodies = {
        "/api/v1/rules?type=alert": {"groups": [{"rules": [RULE] if rules is None else rules}]},
        "/api/v1/status/config": {"yaml": config},
        "/api/v1/query?": {"resultType": "matrix", "result": series},
    }
    asked: list[str] = []

    def behave(peer: socket.socket) -> None:
        found = next(data for path, data in bodies.items() if f"GET {path}" in heads[-1])
        asked.append(heads[-1].splitlines()[0])
        peer.sendall(answer(json.dumps({"status": "success", "data": found})).encode())

    with hostile(behave) as (url, heads):
        yield PrometheusAlerts.at(url, timedelta(seconds=5)), asked


def read(rules: object = None, config: object = CONFIG) -> ActiveAlerts:
    with prometheus(rules, config) as (source, _):
        return source.read()


def active(hold: float = 3) -> Active:
    (found,) = read([{**RULE, "duration": hold}]).alerts
    return found


def test_what_fires_has_the_labels_and_the_fingerprint_that_alertmanager_gets():
    found = active()
    labels = {**LABELS, "env": "soak", "zone": "e1"}
    assert found.alert.labels == labels
    assert found.alert.fingerprint == fingerprint_of(labels) == "d09b31ed3f3a3520"  # as 0.25 gave
    assert (found.alert.starts_at, found.hold, found.fired_at) == (AT, timedelta(seconds=3), None)


def test_an_alerts_own_label_wins_over_an_external_one():
    (found,) = read(config="global: {external_labels: {bot: other}}").alerts
    assert found.alert.bot == "paper"


@pytest.mark.parametrize("config", ["rule_files: []\n", "global: {scrape_interval: 1s}\nalerting: {}\n", "global:\n"])
def test_without_external_labels_none_is_added(config: str):
    (found,) = read(config=config).alerts
    assert found.alert.labels == LABELS


def test_only_alerts_that_fire_are_read_and_each_once():
    recording = {"name": "mm:x", "type": "recording", "query": "1"}
    pending = {**RULE, "alerts": [{**ALERT, "state": "pending"}, {**ALERT, "state": "inactive"}]}
    assert read([recording, pending, {**RULE, "alerts": None}, 7]).alerts == ()
    assert len(read([RULE, RULE]).alerts) == 1


def test_a_rule_that_cannot_be_evaluated_and_an_alert_that_cannot_be_read_are_said():
    broken = {**RULE, "alerts": [], "lastError": "many-to-many matching"}
    odd = {**RULE, "alerts": [7, {**ALERT, "activeAt": "soon"}, ALERT]}
    endless = {**RULE, "duration": True}
    found = read([broken, odd, endless])
    assert len(found.alerts) == 1
    assert [fault.partition(": ")[2] for fault in found.faults] == [
        "rule SoakEdgeDegradation: many-to-many matching",
        "rule SoakEdgeDegradation: expected an alert with labels, was none",
        "rule SoakEdgeDegradation: startsAt: expected a time of RFC 3339, was 'soon'",
        "rule SoakEdgeDegradation: duration: expected seconds, was True",
    ]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("a: [", "its configuration is no YAML"),
        ("", "expected its configuration, was none"),
        (7, "expected its configuration, was none"),
        (
            "alerting: {alert_relabel_configs: [{action: labeldrop, regex: env}]}",
            "alert_relabel_configs: expected none",
        ),
    ],
)
def test_labels_that_cannot_be_known_are_refused(config: object, said: str):
    with pytest.raises(SourceUnavailableError, match=said):
        read(config=config)


def test_the_first_sample_since_its_active_at_is_when_it_began_to_fire():
    times = [AT.timestamp() - 3600, AT.timestamp() + 2.9999, AT.timestamp() + 4]
    series = [{"metric": {}, "values": [[round(time, 3), "1"] for time in times]}]
    found = active()
    with prometheus(series=series) as (source, asked):
        assert source.fired_at(found) == datetime(2026, 11, 25, 8, 28, 22, 778000, UTC)
    (query,) = [line for line in asked if "query" in line]
    assert "env" not in query
    assert "weird%3D%22a%5C%22b%5C%5Cc%22" in query
    assert f"%5B604s%5D&time={AT.timestamp() + 603:.3f}" in query


def test_without_a_sample_of_its_firing_it_is_not_known_and_without_a_hold_it_is_its_active_at():
    with prometheus(series=[]) as (source, asked):
        assert source.fired_at(active()) is None
        assert source.fired_at(active(hold=0)) == AT
    assert len([line for line in asked if "query" in line]) == 1


@pytest.mark.parametrize("series", [7, [7], [{"values": [["x", "1"]]}], [{"values": [[1e300, "1"]]}], [{}]])
def test_what_are_no_series_is_refused(series: object):
    found = active()
    with prometheus(series=series) as (source, _), pytest.raises(SourceUnavailableError, match="expected series"):
        source.fired_at(found)


@pytest.mark.parametrize(
    ("ago_s", "span_s"), [(0, 60), (300, 360), (100_000, 3600), (-500, 60)], ids=["now", "5 min", "a day", "in future"]
)
def test_it_is_asked_whether_an_alert_fired_since_it_began_within_an_hour(ago_s: float, span_s: int):
    alert: Alert = active().alert
    now = AT + timedelta(seconds=ago_s)
    with prometheus(series=[{"metric": {}, "values": [[1.0, "1"]]}]) as (source, asked):
        assert source.truth_of(alert, now) is Truth.FIRES
    assert any(f"%5B{span_s}s%5D" in line for line in asked)
    with prometheus(series=[]) as (source, _):
        assert source.truth_of(alert, now) is Truth.UNKNOWN


@pytest.mark.parametrize("body", ["{}", "[]", '{"status":"error","error":"x"}', '{"status":"success","data":[]}'])
def test_what_is_no_prometheus_is_refused(body: str):
    with hostile(lambda peer: peer.sendall(answer(body).encode())) as (url, _):
        source = PrometheusAlerts.at(url, timedelta(seconds=5))
        with pytest.raises(SourceUnavailableError, match=r"is this the address of a Prometheus\?"):
            source.read()


def test_rules_without_groups_are_refused():
    bodies = iter([{"yaml": CONFIG}, {}])

    def behave(peer: socket.socket) -> None:
        peer.sendall(answer(json.dumps({"status": "success", "data": next(bodies)})).encode())

    with hostile(behave) as (url, _), pytest.raises(SourceUnavailableError, match=r"expected data\.groups, was none"):
        PrometheusAlerts.at(url, timedelta(seconds=5)).read()
