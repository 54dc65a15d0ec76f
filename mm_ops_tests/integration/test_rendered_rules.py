"""Prometheus' and Alertmanager's own tools, and the servers themselves, on what is rendered."""

import itertools
import json
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request

from mm_ops.adapters import renderings
from mm_ops.domain.rendering.alertmanager import alertmanager_flags, build_alertmanager
from mm_ops.domain.rendering.catalogue import Catalogue
from mm_ops.domain.rendering.prometheus import build_prometheus, prometheus_flags
from mm_ops.domain.rendering.rule_tests import build_rule_tests
from mm_ops.domain.rendering.rules import build_rules
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.windows import format_duration, parse_duration
from mm_ops_tests.alert_stack import free_address, serving
from mm_ops_tests.policies_of_rules import project, scraped, with_bots, with_gate, with_measure
from mm_ops_tests.requirements import PROJECT, require_binary

pytestmark = pytest.mark.integration

RULES, TESTS = "alerts_soak.yml", "alerts_soak_test.yml"
MINUTE = timedelta(minutes=1)
ALERTS = [one.alert.name for one in project().watched]


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    return done.returncode, done.stdout + done.stderr


def check_rules(folder: Path, rules: Any, tests: Any) -> tuple[int, str]:
    """Let promtool judge rules by tests."""
    (folder / RULES).write_text(yaml.safe_dump(rules, sort_keys=False), encoding="utf-8")
    (folder / TESTS).write_text(yaml.safe_dump(tests, sort_keys=False), encoding="utf-8")
    return run(require_binary("promtool"), "test", "rules", str(folder / TESTS))


def test_the_committed_rules_pass_their_committed_tests() -> None:
    code, said = run(require_binary("promtool"), "test", "rules", str(PROJECT / renderings.RULE_TESTS))
    assert (code, "SUCCESS" in said) == (0, True), said


def test_rules_and_configuration_are_without_a_finding() -> None:
    promtool = require_binary("promtool")
    code, said = run(promtool, "check", "rules", "--lint-fatal", str(PROJECT / renderings.RULES))
    count = sum(len(group["rules"]) for group in build_rules(project())["groups"])
    assert (code, f"{count} rules found" in said) == (0, True), said
    code, said = run(promtool, "check", "config", str(PROJECT / renderings.PROMETHEUS))
    assert (code, "1 rule files found" in said) == (0, True), said


def other_policies() -> Catalogue:
    """Another limit, window and duration for every alert, sides changed, and a second bot."""
    changed = with_gate(project(), "tick_latency_p95_ms", limit=25.0, alert_window=2 * MINUTE, alert_hold=3 * MINUTE)
    changed = with_measure(changed, "tick_latency_p95_ms", q=0.9)
    changed = with_measure(changed, "tick_latency_p50_ms", q=0.4)
    changed = with_gate(changed, "deadline_miss_ratio", bound=Bound.AT_LEAST, limit=0.31, alert_keep_firing_for=MINUTE)
    changed = with_gate(changed, "edge_bps_ema24h", limit=-1.5, alert_hold=2 * MINUTE)
    changed = with_gate(changed, "md_cache_hit_ratio", limit=0.93, alert_window=4 * MINUTE)
    changed = with_gate(changed, "circuit_open_seconds", alert_hold=timedelta(0), alert_keep_firing_for=MINUTE)
    changed = with_gate(changed, "guard_trips", limit=2.0, alert_hold=MINUTE, alert_keep_firing_for=2 * MINUTE)
    changed = with_gate(changed, "maker_share", bound=Bound.AT_MOST, limit=0.0, alert_hold=4 * MINUTE)
    changed = with_gate(changed, "ws_lag_max_ms", limit=123.456, alert_hold=timedelta(seconds=15))
    (paper,) = changed.fleet.bots
    return with_bots(changed, scraped(paper, "mm1", bot="mm1", env="live"), paper)


def test_the_rules_of_other_policies_pass_their_own_tests(tmp_path: Path) -> None:
    other = other_policies()
    code, said = check_rules(tmp_path, build_rules(other), build_rule_tests(other, RULES))
    assert code == 0, said


def moved(expression: str, towards: int) -> str:
    """Move a limit by 2 %, or from 0 by more than one event; a state to one that is never, or to any."""
    value, operator, number = expression.rsplit(" ", 2)
    if operator == "==":
        return f"{value} {'== 2' if towards > 0 else '>= 0'}"
    by = (0.02 * abs(float(number)) or 1.5) * towards * (1 if operator == ">" else -1)
    return f"{value} {operator} {float(number) + by!r}"


def waiting(rule: dict[str, Any], steps: int) -> str:
    hold = parse_duration(rule["for"]) + steps * project().soak.evaluation_interval
    return format_duration(max(hold, timedelta(0)))


MUTATIONS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str, set[str]]] = {
    "a looser limit": (lambda rule: {"expr": moved(rule["expr"], 1)}, "just beyond the limit", set()),
    "a stricter limit": (lambda rule: {"expr": moved(rule["expr"], -1)}, "just inside the limit", set()),
    "a longer wait": (lambda rule: {"for": waiting(rule, 1)}, "just beyond the limit", set()),
    "a shorter wait": (lambda rule: {"for": waiting(rule, -1)}, "just beyond the limit", {"SoakGuardTrip"}),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_rule_that_is_not_the_catalogue_s_fails_its_test(tmp_path: Path, name: str) -> None:
    mutate, what, cannot = MUTATIONS[name]
    rules, tests = build_rules(project()), build_rule_tests(project(), RULES)
    for rule in itertools.chain.from_iterable(group["rules"] for group in rules["groups"]):
        if rule.get("alert") in ALERTS:
            rule.update(mutate(rule))
    tests["tests"] = [test for test in tests["tests"] if test["name"].split(": ")[-1] == what]
    code, said = check_rules(tmp_path, rules, tests)
    failed = set(re.findall(r"name: (\w+): ", said))
    assert code == 1
    assert failed == set(ALERTS) - cannot


def route(*arguments: str) -> str:
    """The receivers of an alert with these labels; on standard error amtool warns of what it was told to do."""
    command = [require_binary("amtool"), "config", "routes", "test", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.mark.parametrize(
    ("action", "receiver"),
    [("rollback", "stop"), ("hold", "stop"), ("heartbeat", "heartbeat"), ("notify", "notify"), ("odd", "notify")],
)
def test_every_action_is_routed(action: str, receiver: str) -> None:
    config = f"--config.file={PROJECT / renderings.ALERTMANAGER}"
    labels = ("alertname=SoakX", "bot=paper", f"action={action}")
    assert route(config, *labels) == receiver


def test_every_rendered_alert_goes_where_its_action_says() -> None:
    config = f"--config.file={PROJECT / renderings.ALERTMANAGER}"
    rules = itertools.chain.from_iterable(group["rules"] for group in build_rules(project())["groups"])
    labels = {rule["alert"]: rule["labels"] for rule in rules if "alert" in rule}
    for name, its in labels.items():
        given = [f"{key}={value}" for key, value in its.items()]
        expected = {"rollback": "stop", "hold": "stop", "heartbeat": "heartbeat", "notify": "notify"}[its["action"]]
        assert route(config, f"alertname={name}", "bot=paper", *given) == expected, name


def test_alertmanager_accepts_its_configuration() -> None:
    code, said = run(require_binary("amtool"), "check-config", str(PROJECT / renderings.ALERTMANAGER))
    assert (code, "SUCCESS" in said, "3 receivers" in said) == (0, True, True), said


def quick(hook: str, alertmanager: str, listen: str) -> Catalogue:
    """The project's policies, evaluated and sent each second, with absence told at once, and other addresses."""
    alerting = project().alerting
    data = replace(alerting.no_data, absent=replace(alerting.no_data.absent, hold=timedelta(0)))
    return replace(
        project(),
        soak=replace(project().soak, evaluation_interval=timedelta(seconds=1)),
        alerting=replace(
            alerting,
            no_data=data,
            prometheus=replace(
                alerting.prometheus, alertmanagers=(alertmanager,), listen=listen, resend_delay=timedelta(seconds=1)
            ),
            alertmanager=replace(alerting.alertmanager, hook=hook),
        ),
    )


def test_what_the_servers_deliver_is_one_alert_each_with_the_token(tmp_path: Path, httpserver: HTTPServer) -> None:
    """Nothing is scraped: the watchdog and every absence arrive, each absence alone, naming its bot."""
    httpserver.expect_request("/alert-hook", method="POST").respond_with_data("")
    alertmanager, prometheus = free_address(), free_address()
    catalogue = quick(httpserver.url_for("/alert-hook"), alertmanager, prometheus)
    for name, document in (
        (RULES, build_rules(catalogue)),
        ("prometheus.yml", build_prometheus(catalogue, RULES)),
        ("alertmanager.yml", build_alertmanager(catalogue)),
    ):
        (tmp_path / name).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    (tmp_path / "hook.token").write_text("a-secret\n", encoding="utf-8")
    alertmanager_command = (
        require_binary("prometheus-alertmanager"),
        f"--config.file={tmp_path / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'am'}",
        *shlex.split(" ".join(alertmanager_flags(catalogue))),
    )
    prometheus_command = (
        require_binary("prometheus"),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        *prometheus_flags(catalogue),
    )
    with (
        serving(alertmanager, tmp_path / "alertmanager.log", *alertmanager_command),
        serving(prometheus, tmp_path / "prometheus.log", *prometheus_command),
    ):
        delivered = wait_for(httpserver, 1 + len([one for of in catalogue.needed().values() for one in of]))
    shutil.rmtree(tmp_path / "tsdb")
    absent = [alerts for alerts in delivered if alerts[0]["labels"]["alertname"] == "SoakMetricAbsent"]
    assert {len(alerts) for alerts in absent} == {1}
    labels = {(alert["labels"]["metric"], alert["labels"].get("guard")) for alerts in absent for alert in alerts}
    assert labels == {
        (metric, one.match.get("guard")) for metric, series in catalogue.needed().items() for one in series
    }
    assert {alert["labels"]["bot"] for alerts in absent for alert in alerts} == {"paper"}
    assert [alerts for alerts in delivered if alerts[0]["labels"]["alertname"] == "Watchdog"]
    assert {request.headers.get("Authorization") for request in posted(httpserver)} == {"Bearer a-secret"}


def posted(httpserver: HTTPServer) -> list[Request]:
    """What came to the hook; a server of another test may still ask for what was at this port before."""
    return [request for request, _ in list(httpserver.log) if (request.method, request.path) == ("POST", "/alert-hook")]


def wait_for(httpserver: HTTPServer, alerts: int) -> list[list[dict[str, Any]]]:
    """The alerts of each delivery, once so many different ones have arrived."""
    until = time.monotonic() + 60
    while True:
        delivered = [json.loads(request.get_data())["alerts"] for request in posted(httpserver)]
        seen = {alert["fingerprint"] for group in delivered for alert in group}
        if len(seen) >= alerts:
            return delivered
        assert time.monotonic() < until, f"{len(seen)} of {alerts} alerts arrived"
        time.sleep(0.1)
