import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mm_ops.adapters.alertmanager import Alertmanager, PostedAlerts
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.alert import fingerprint_of
from mm_ops_tests.hostile_server import answer, hostile, says

SEEN: dict[str, Any] = {
    "annotations": {"summary": 'x "q"'},
    "endsAt": "2026-11-25T08:28:33.777Z",
    "fingerprint": "54a26eb79a70a96c",
    "receivers": [{"name": "x"}],
    "startsAt": "2026-11-25T08:28:19.777Z",
    "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"},
    "updatedAt": "2026-11-25T08:28:25.782Z",
    "generatorURL": "http://vm:53991/graph?g0.expr=vector%281%29&g0.tab=1",
    "labels": {"action": "rollback", "alertname": "SoakLatencyP95High", "bot": "paper", "env": "soak", "zone": "e1"},
}
"""As 0.25 wrote it."""


def read(document: object) -> PostedAlerts:
    with hostile(says(answer(json.dumps(document)))) as (url, heads):
        found = Alertmanager.at(url, timedelta(seconds=5)).read()
    assert heads[0].startswith("GET /api/v2/alerts HTTP/1.1\r\n")
    return found


def test_an_alert_is_read_as_it_was_written():
    (one,) = read([SEEN]).alerts
    assert one.suppressed == ""
    assert (one.alert.name, one.alert.bot, one.alert.fingerprint) == (
        "SoakLatencyP95High",
        "paper",
        "54a26eb79a70a96c",
    )
    assert one.alert.firing
    assert one.alert.ends_at is None
    assert one.alert.starts_at == datetime(2026, 11, 25, 8, 28, 19, 777000, UTC)


@pytest.mark.parametrize(
    ("status", "suppressed"),
    [
        ({"state": "active", "silencedBy": [], "inhibitedBy": []}, ""),
        ({"state": "unprocessed"}, ""),
        (None, ""),
        ("suppressed", ""),
        ({"state": "suppressed", "silencedBy": ["7f", "8a"], "inhibitedBy": []}, "silenced by 7f, 8a"),
        ({"state": "suppressed", "inhibitedBy": ["9c"], "mutedBy": ["night"]}, "inhibited by 9c; muted by night"),
        ({"state": "suppressed"}, "suppressed"),
    ],
)
def test_what_suppresses_an_alert_is_said_and_what_is_not_known_suppresses_nothing(status: object, suppressed: str):
    (one,) = read([{**SEEN, "status": status}]).alerts
    assert one.suppressed == suppressed


def test_one_that_cannot_be_read_loses_no_other():
    found = read([7, SEEN, {**SEEN, "startsAt": "soon"}])
    assert len(found.alerts) == 1
    assert [fault.split(":")[1].strip() for fault in found.faults] == ["alerts.0", "alerts.2"]


@pytest.mark.parametrize("document", [{}, {"status": "success", "data": {}}, "x", None, 7])
def test_what_is_no_list_is_refused(document: object):
    with pytest.raises(SourceUnavailableError, match=r"expected a list of alerts, .* address of an Alertmanager\?"):
        read(document)


def test_a_group_is_read_without_what_is_suppressed():
    silenced = {**SEEN, "status": {"state": "suppressed", "silencedBy": ["7f"]}, "fingerprint": "0" * 16}
    labels = {**SEEN["labels"], "bot": "other"}
    other = {
        **SEEN,
        "labels": labels,
        "fingerprint": SEEN["fingerprint"],
    }  # whatever is given, other labels are another
    with hostile(says(answer(json.dumps([SEEN, silenced, other])))) as (url, _):
        source = Alertmanager.at(url, timedelta(seconds=5))
        assert [one.fingerprint for one in source.firing({"bot": "paper"})] == [SEEN["fingerprint"]]
        assert [one.fingerprint for one in source.firing({})] == [SEEN["fingerprint"], fingerprint_of(labels)]


def test_a_group_with_one_that_cannot_be_read_is_not_read():
    with hostile(says(answer(json.dumps([SEEN, 7])))) as (url, _):
        source = Alertmanager.at(url, timedelta(seconds=5))
        with pytest.raises(SourceUnavailableError, match=r"alerts\.1: expected an object, was int"):
            source.firing({})
