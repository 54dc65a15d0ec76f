from dataclasses import replace
from datetime import timedelta

from mm_ops.domain.rendering.policy import Target
from mm_ops.domain.rendering.prometheus import build_prometheus, prometheus_flags
from mm_ops_tests.policies_of_rules import project, scraped, with_bots


def test_every_target_carries_the_name_of_its_bot() -> None:
    (paper,) = project().fleet.bots
    fleet = with_bots(project(), paper, scraped(paper, "mm1", bot="mm1"))
    policy = fleet.alerting.prometheus
    second = Target(bot="mm1", address="10.0.0.7:9108", source="made up for a test")
    two = replace(policy, targets=(*policy.targets, second))
    config = build_prometheus(replace(fleet, alerting=replace(fleet.alerting, prometheus=two)), "rules.yml")
    job, _ = config["scrape_configs"]
    assert job["static_configs"] == [
        {"targets": ["127.0.0.1:9108"], "labels": {"bot": "paper"}},
        {"targets": ["10.0.0.7:9108"], "labels": {"bot": "mm1"}},
    ]


def test_the_watcher_is_scraped_where_alerts_are_posted_to_it() -> None:
    catalogue = project()
    hook = replace(catalogue.alerting.alertmanager, hook="https://watch.example.org:8443/alert-hook")
    config = build_prometheus(replace(catalogue, alerting=replace(catalogue.alerting, alertmanager=hook)), "rules.yml")
    _, job = config["scrape_configs"]
    assert job == {
        "job_name": "mm_ops_watcher",
        "scheme": "https",
        "static_configs": [{"targets": ["watch.example.org:8443"]}],
    }


def test_the_bot_is_scraped_as_often_as_its_soak_expects() -> None:
    soak = replace(project().soak, scrape_interval=timedelta(seconds=12))
    config = build_prometheus(replace(project(), soak=soak), "rules.yml")
    assert config["global"] == {"scrape_interval": "12s", "scrape_timeout": "10s", "evaluation_interval": "15s"}
    assert config["rule_files"] == ["rules.yml"]


def test_what_the_file_cannot_hold_is_said_as_flags() -> None:
    assert prometheus_flags(project()) == [
        "--rules.alert.resend-delay=10s",
        "--rules.alert.for-grace-period=1m",
        "--web.listen-address=127.0.0.1:9090",
    ]
