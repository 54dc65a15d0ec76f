from dataclasses import replace

from mm_ops.domain.rendering.alertmanager import alertmanager_flags, build_alertmanager
from mm_ops_tests.policies_of_rules import project

CONFIG = build_alertmanager(project())


def test_an_alert_that_stops_a_bot_waits_for_no_other() -> None:
    stop = CONFIG["route"]["routes"][1]
    assert stop["matchers"] == ['action=~"rollback|hold"']
    assert stop["group_by"] == ["..."]
    assert stop["group_wait"] == "0s"


def test_an_alert_of_an_unknown_action_is_told() -> None:
    assert "matchers" not in CONFIG["route"]
    assert CONFIG["route"]["receiver"] == "notify"


def test_every_receiver_is_the_watcher_with_its_token_and_without_redirects() -> None:
    hook = "https://watcher.example/alert-hook"
    policy = project().alerting
    moved = replace(policy, alertmanager=replace(policy.alertmanager, hook=hook, credentials_file="other.token"))
    receivers = build_alertmanager(replace(project(), alerting=moved))["receivers"]
    assert [receiver["name"] for receiver in receivers] == ["stop", "heartbeat", "notify"]
    for receiver in receivers:
        (webhook,) = receiver["webhook_configs"]
        assert webhook["url"] == hook
        assert webhook["max_alerts"] == 0
        assert webhook["http_config"]["follow_redirects"] is False
        assert webhook["http_config"]["authorization"] == {"type": "Bearer", "credentials_file": "other.token"}


def test_the_heartbeat_has_no_end_to_tell() -> None:
    resolved = {receiver["name"]: receiver["webhook_configs"][0]["send_resolved"] for receiver in CONFIG["receivers"]}
    assert resolved == {"stop": True, "heartbeat": False, "notify": True}


def test_alertmanager_listens_where_prometheus_sends() -> None:
    assert alertmanager_flags(project()) == ['--cluster.listen-address=""', "--web.listen-address=127.0.0.1:9093"]
