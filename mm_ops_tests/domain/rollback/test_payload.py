import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.rollback.payload import MOST_ALERTS, Payload, parse_payload
from mm_ops_tests.requirements import require_data

GOOD = {"labels": {"alertname": "A", "bot": "paper"}, "startsAt": "2026-11-23T14:52:50.687Z", "status": "firing"}


def read(name: str) -> Payload:
    return parse_payload(require_data(f"alertmanager/{name}").read_bytes())


def one(**different: Any) -> dict[str, Any]:
    return {key: value for key, value in {**GOOD, **different}.items() if value is not ...}


def parse(*alerts: Any, **fields: Any) -> Payload:
    return parse_payload(json.dumps({"alerts": alerts, **fields}).encode())


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "episodes", "firing", "truncated"),
    [
        (
            "01_2016_no_version_field.json",
            ["5714ca6177701704@2016-04-07T16:08:52.000Z", "4a66b51f01c085c4@2016-04-07T16:08:52.000Z"],
            [True, True],
            0,
        ),
        ("02_2016_version3_numeric_groupkey.json", ["73fd592d16a05de6@2016-04-27T20:46:37.903Z"], [True], 0),
        # the fingerprint given in these two is not that of their labels, which were changed before they were published
        ("03_2019_version4_resolved.json", ["f501e74540549ddb@2019-01-28T20:26:23.868Z"], [False], 0),
        (
            "04_2020_version4_three_firing.json",
            [
                f"{mark}@2020-10-11T14:34:11.279Z"
                for mark in ("c6e4c414b0680105", "349e4e626c3c4391", "5ce1eea7f1b0cd1f")
            ],
            [True, True, True],
            0,
        ),
        (
            "05_v0.25_partly_resolved.json",
            ["927b7cc600263da2@2026-11-23T14:52:50.687Z", "0a60749ae6e94655@2026-11-23T14:52:50.687Z"],
            [False, True],
            0,
        ),
        (
            "06_v0.25_truncated.json",
            ["7853115af8ef9117@2026-11-23T14:52:50.687Z", "b249ad3e599d70d9@2026-11-23T14:52:50.687Z"],
            [True, True],
            2,
        ),
    ],
)
def test_every_shape_that_was_seen_is_read(name: str, episodes: list[str], firing: list[bool], truncated: int):
    payload = read(name)
    assert [alert.episode for alert in payload.alerts] == episodes
    assert [alert.firing for alert in payload.alerts] == firing
    assert (payload.truncated, payload.faults, payload.complete) == (truncated, (), truncated == 0)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("given", "group"),
    [({"alertname": "A", "bot": "b"}, {"alertname": "A", "bot": "b"}), ({}, {}), (None, {}), ([1], {}), ({"a": 1}, {})],
)
def test_a_group_is_narrowed_down_by_what_its_alerts_have_in_common(given: object, group: dict[str, str]):
    assert parse(groupLabels=given).group == group


@pytest.mark.parametrize("name", ["05_v0.25_partly_resolved.json", "06_v0.25_truncated.json"])
def test_the_fingerprint_that_is_computed_is_the_one_that_alertmanager_gives(name: str):
    body = json.loads(require_data(f"alertmanager/{name}").read_bytes())
    given = [alert.pop("fingerprint") for alert in body["alerts"]]
    assert [alert.fingerprint for alert in parse_payload(json.dumps(body).encode()).alerts] == given


@pytest.mark.integration
def test_each_alert_of_a_firing_group_speaks_for_itself():
    resolved, firing = read("05_v0.25_partly_resolved.json").alerts
    assert resolved.ends_at == datetime(2026, 11, 23, 14, 52, 59, 687000, UTC)
    assert (firing.firing, firing.ends_at) == (True, None)


@pytest.mark.parametrize(
    "different",
    [
        {"status": ...},
        {"status": "suppressed"},
        {"status": 7},
        {"endsAt": "0001-01-01T00:00:00Z"},
        {"endsAt": "nonsense"},
    ],
    ids=str,
)
def test_whatever_is_not_resolved_fires(different: dict[str, Any]):
    (alert,) = parse(one(**different)).alerts
    assert (alert.firing, alert.ends_at) == (True, None)


@pytest.mark.parametrize("ends", [..., "", "0001-01-01T00:00:00Z"], ids=str)
def test_a_resolved_alert_may_have_no_end(ends: Any):
    (alert,) = parse(one(status="resolved", endsAt=ends)).alerts
    assert (alert.firing, alert.ends_at) == (False, None)


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("text", "expected an object, was str"),
        (one(labels=...), "labels.alertname: expected a name, was none"),
        (one(labels=[1]), "labels: expected an object, was list"),
        (one(labels={"alertname": 7}), "labels.'alertname': expected a text, was int"),
        (one(labels={"alertname": "A", "x": "\0"}), "labels.'x': expected text that can be stored"),
        (one(annotations={"x": "\ud800"}), "annotations.'x': expected text that can be stored"),
        (one(startsAt=...), "startsAt: expected a time, was none"),
        (one(startsAt="0001-01-01T00:00:00Z"), "startsAt: expected a time, was none"),
        (one(startsAt="2026-11-23"), "startsAt: expected a time of RFC 3339, was '2026-11-23'"),
        (one(startsAt=5), "startsAt: expected a time of RFC 3339, was 5"),
        (one(startsAt="2026-13-23T00:00:00Z"), "startsAt: expected a time of the calendar"),
        (one(startsAt="9999-12-31T23:59:59-23:00"), "startsAt: expected a time of the calendar"),
        (one(startsAt="2026-11-23T00:00:00+99:00"), "startsAt: expected a time of the calendar"),
        (one(startsAt="x" * 500), "startsAt: expected a time of RFC 3339, was 'xxx"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_alert_that_cannot_be_read_is_a_fault_and_loses_no_other(broken: Any, fault: str):
    payload = parse(one(), broken, one(startsAt="2026-11-24T00:00:00Z"))
    assert len(payload.alerts) == 2
    assert len(payload.faults) == 1
    assert payload.faults[0].startswith(f"payload: alerts.1: {fault}")
    assert len(payload.faults[0]) < 200
    assert not payload.complete


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T14:52:50Z", datetime(2026, 11, 23, 14, 52, 50, tzinfo=UTC)),
        ("2026-11-23t14:52:50.1z", datetime(2026, 11, 23, 14, 52, 50, 100000, UTC)),
        ("2026-11-23T14:52:50.123456789+05:30", datetime(2026, 11, 23, 9, 22, 50, 123456, UTC)),
        ("2026-11-23T23:52:50-06:00", datetime(2026, 11, 24, 5, 52, 50, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_every_form_of_rfc_3339(text: str, expected: datetime):
    assert parse(one(startsAt=text)).alerts[0].starts_at == expected


@pytest.mark.parametrize("mark", ["", "../../x", "ABCDEF0123456789", 7, None])
def test_a_fingerprint_that_is_none_is_computed(mark: Any):
    assert parse(one(fingerprint=mark)).alerts == parse(one()).alerts


@pytest.mark.parametrize(("given", "expected"), [(0, 0), (3, 3), (-1, 1), ("2", 1), (True, 1), (None, 1)])
def test_a_count_of_left_out_alerts_that_is_none_says_that_some_may_be(given: Any, expected: int):
    assert parse(truncatedAlerts=given).truncated == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "payload: expected JSON"),
        (b"\xff\xfe", "payload: expected JSON"),
        (b"[" * 200_000, "payload: expected JSON, was nested too deep"),
        (b"[]", "payload: expected an object, was list"),
        (b"{}", "payload: alerts: expected a list, was NoneType"),
        (b'{"alerts": ' + b"9" * 5000 + b"}", "payload: expected JSON"),
        (b'{"alerts": [' + b"0," * MOST_ALERTS + b"0]}", "payload: alerts: expected at most 10000, was 10001"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_body_that_holds_no_alerts_is_refused_in_a_line(body: bytes, message: str):
    with pytest.raises(SchemaError) as refused:
        parse_payload(body)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 150


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["resolved", "firing"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["status", "labels", "annotations", "startsAt", "endsAt", "fingerprint"])


@given(st.dictionaries(FIELDS, VALUES), VALUES)
@example({"labels": {"alertname": "A"}, "startsAt": "2026-11-23T14:52:50+23:59"}, 10**400)
def test_nothing_that_json_can_say_breaks_it(fields: dict[str, Any], truncated: Any):
    payload = parse_payload(json.dumps({"alerts": [{**GOOD, **fields}], "truncatedAlerts": truncated}).encode())
    assert len(payload.alerts) + len(payload.faults) == 1
    for alert in payload.alerts:
        assert len(alert.fingerprint) == 16
        assert alert.episode.startswith(f"{alert.fingerprint}@")


@given(st.binary(max_size=200))
def test_no_bytes_break_it(body: bytes):
    with contextlib.suppress(SchemaError):
        assert isinstance(parse_payload(body), Payload)


@pytest.mark.parametrize(("given", "expected"), [('"stop"', "stop"), ("7", ""), ("null", "")])
def test_the_receiver_is_the_one_that_the_body_names_or_none(given: str, expected: str):
    assert parse_payload(f'{{"alerts": [], "receiver": {given}}}'.encode()).receiver == expected
