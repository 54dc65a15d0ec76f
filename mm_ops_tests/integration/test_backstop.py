"""The backstop with real servers: Alertmanager is killed and returns, groups are truncated, both fall silent.

The webhook is not wired in most of these: what stops the bot is what the backstop reads.
"""

import json
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import requests
import yaml

from mm_ops.adapters.alertmanager import Alertmanager
from mm_ops.adapters.journal_audit import audit_journal
from mm_ops.adapters.journal_place import DEFAULT
from mm_ops.adapters.prometheus_alerts import PrometheusAlerts
from mm_ops.domain.bots import Fleet, HttpControl
from mm_ops.domain.rollback.backstop import Seen as SeenBoth
from mm_ops.domain.rollback.backstop import date_strangers
from mm_ops.domain.rollback.history import Truth
from mm_ops_tests.alert_stack import catalogue_of, free_address
from mm_ops_tests.live_paperbot import RunningBot, running
from mm_ops_tests.live_watcher import TOKEN, RunningWatcher, prepare
from mm_ops_tests.requirements import require_binary
from mm_ops_tests.rollback_world import alert
from mm_ops_tests.stopped_site import StoppedSite

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

TIMEOUT = timedelta(seconds=5)
RULES = """
groups:
- name: g
  interval: 1s
  rules:
  - {alert: SoakLatencyP95High, expr: vector(%(latency)s) > 0, for: 2s, labels: {bot: paper, action: rollback}}
  - {alert: SoakGuardTrip, expr: vector(1), labels: {bot: paper, action: notify, severity: critical}}
  - {alert: Watchdog, expr: vector(%(watchdog)s) > 0, labels: {action: heartbeat}}
"""
PROMETHEUS = """
global: {evaluation_interval: 1s, scrape_interval: 1s, external_labels: {env: soak}}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["%s"]}]}]}
"""
ROUTES = """
route: {receiver: hook, group_by: [env], group_wait: 0s, group_interval: 1s, repeat_interval: 1m}
receivers:
- name: hook
  webhook_configs: [{url: "%s/alert-hook", max_alerts: %d, http_config: {authorization: {credentials: %s}}}]
"""
QUIET = "route: {receiver: nobody, group_wait: 0s, group_interval: 1s}\nreceivers: [{name: nobody}]\n"
QUICK = {
    "blind_after": "12s",
    "backstop": {
        "every": "500ms",
        "timeout": "2s",
        "heard_within": "8s",
        "unknown_for": "3s",
        "source": "made up for a test",
    },
}


@dataclass
class Server:
    """A server that is started, killed and started again at the same address."""

    address: str
    command: tuple[str, ...]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def start(self) -> None:
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(self.command, stdout=stream, stderr=stream)
        until(lambda: _answers(f"{self.url}/-/ready"))

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)


@dataclass
class Stack:
    folder: Path
    alertmanager: Server = field(init=False)
    prometheus: Server = field(init=False)

    def __post_init__(self) -> None:
        am, prometheus = free_address(), free_address()
        self.write(latency=0, watchdog=1)
        self.write_routes(QUIET)
        (self.folder / "prometheus.yml").write_text(PROMETHEUS % am, encoding="utf-8")
        self.alertmanager = Server(
            am,
            (
                require_binary("prometheus-alertmanager"),
                f"--config.file={self.folder / 'alertmanager.yml'}",
                f"--storage.path={self.folder / 'alertmanager'}",
                "--cluster.listen-address=",
                f"--web.listen-address={am}",
            ),
            self.folder / "alertmanager.log",
        )
        self.prometheus = Server(
            prometheus,
            (
                require_binary("prometheus"),
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'tsdb'}",
                "--rules.alert.resend-delay=1s",
                "--web.enable-lifecycle",
                f"--web.listen-address={prometheus}",
            ),
            self.folder / "prometheus.log",
        )

    def write(self, *, latency: int, watchdog: int) -> None:
        (self.folder / "rules.yml").write_text(RULES % {"latency": latency, "watchdog": watchdog}, encoding="utf-8")

    def write_routes(self, text: str) -> None:
        (self.folder / "alertmanager.yml").write_text(text, encoding="utf-8")

    def set(self, *, latency: int = 0, watchdog: int = 1) -> None:
        """Change the rules and let Prometheus read them."""
        self.write(latency=latency, watchdog=watchdog)
        requests.post(f"{self.prometheus.url}/-/reload", timeout=10).raise_for_status()

    def firing(self, name: str) -> bool:
        found = requests.get(f"{self.prometheus.url}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        return any(one["labels"]["alertname"] == name and one["state"] == "firing" for one in found)

    def has(self, name: str) -> bool:
        found = requests.get(f"{self.alertmanager.url}/api/v2/alerts", timeout=10).json()
        return any(one["labels"]["alertname"] == name for one in found)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.ConnectionError:
        return False


def until(reached: Callable[[], bool], within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < end, "the condition was not reached"
        time.sleep(0.05)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "servers").mkdir()
    stack = Stack(tmp_path / "servers")
    try:
        stack.alertmanager.start()
        stack.prometheus.start()
        yield stack
    finally:
        stack.prometheus.end(signal.SIGTERM)
        stack.alertmanager.end(signal.SIGTERM)


@dataclass
class World:
    stack: Stack
    bot: RunningBot
    watcher: RunningWatcher

    def stops(self) -> list[tuple[str, int, bool]]:
        found = self.watcher.episodes(bot="paper")
        return [(one["episode"], stop["round"], bool(stop["confirmed"])) for one in found for stop in one["stops"]]

    def source(self, name: str) -> dict[str, object]:
        found: dict[str, object] = self.watcher.get("/state")["backstop"]["sources"][name]
        return found

    def has_truncated(self) -> bool:
        """Whether a body came that says that something was left out, and all that came was dealt with."""
        with sqlite3.connect(self.watcher.folder / "journal.sqlite") as journal:
            rows = journal.execute("SELECT body, seen - handled FROM inbox").fetchall()
        return any(json.loads(body)["truncatedAlerts"] > 0 for body, _ in rows) and not any(left for _, left in rows)

    def pages(self, words: str) -> int:
        return sum(words in line for line in self.watcher.log.splitlines() if "PAGE" in line)


@contextmanager
def watched(folder: Path, stack: Stack) -> Iterator[World]:
    with ExitStack() as running_now:
        (folder / "bot").mkdir()
        (folder / "watcher").mkdir()
        bot = running_now.enter_context(running(folder / "bot"))
        fleet: Fleet = catalogue_of({"paper": bot.url}, "http://127.0.0.1:9/alert-hook", 1).fleet
        fleet = replace(
            fleet, bots=tuple(replace(one, control=HttpControl(kind="http", url=bot.url)) for one in fleet.bots)
        )

        def quick(document: dict[str, object]) -> None:
            document["blind_after"] = {"length": QUICK["blind_after"], "source": "made up for a test"}
            document["backstop"] = QUICK["backstop"]

        prepare(folder / "watcher", fleet, quick)
        flags = ("--alertmanager", stack.alertmanager.url, "--prometheus", stack.prometheus.url)
        watcher = RunningWatcher(folder / "watcher", flags)
        try:
            watcher.start()
            yield World(stack, bot, watcher)
        finally:
            if watcher.process is not None and watcher.process.poll() is None:
                watcher.stop()


def test_both_servers_tell_of_one_breach_with_one_fingerprint_and_one_start(servers: Stack):
    servers.set(latency=1)
    until(lambda: servers.has("SoakLatencyP95High"))
    (posted,) = [
        one
        for one in Alertmanager.at(servers.alertmanager.url, TIMEOUT).read().alerts
        if one.alert.name == "SoakLatencyP95High"
    ]
    prometheus = PrometheusAlerts.at(servers.prometheus.url, TIMEOUT)
    (active,) = [one for one in prometheus.read().alerts if one.alert.name == "SoakLatencyP95High"]
    assert active.alert.fingerprint == posted.alert.fingerprint
    assert active.alert.labels == posted.alert.labels
    assert posted.alert.starts_at - active.alert.starts_at >= timedelta(seconds=1.9)
    assert prometheus.fired_at(active) == posted.alert.starts_at
    now = datetime.now(UTC)
    assert prometheus.truth_of(posted.alert, now) is Truth.FIRES
    assert prometheus.truth_of(alert(symbol="forged", starts_at=now), now) is Truth.UNKNOWN
    dated = date_strangers(SeenBoth(posted=None, active=[active]), {}, prometheus.fired_at)
    assert [one.fired_at for one in dated.active or ()] == [posted.alert.starts_at]


def test_a_silence_of_the_real_alertmanager_is_read(servers: Stack):
    until(lambda: servers.has("SoakGuardTrip"))
    silence = {
        "matchers": [{"name": "alertname", "value": "SoakGuardTrip", "isRegex": False}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2100-01-01T00:00:00Z",
        "createdBy": "ada",
        "comment": "known",
    }
    made = requests.post(f"{servers.alertmanager.url}/api/v2/silences", json=silence, timeout=10)
    made.raise_for_status()
    source = Alertmanager.at(servers.alertmanager.url, TIMEOUT)
    named = f"silenced by {made.json()['silenceID']}"
    until(lambda: named in [one.suppressed for one in source.read().alerts])
    assert "SoakGuardTrip" not in [one.name for one in source.firing({})]


def test_alertmanager_is_killed_and_returns_and_one_breach_is_one_stop(servers: Stack, tmp_path: Path):
    with watched(tmp_path, servers) as world:
        world.watcher.until(lambda: bool(world.watcher.episodes(alert="Watchdog")))
        servers.alertmanager.end(signal.SIGKILL)
        servers.set(latency=1)
        world.watcher.until(lambda: any(confirmed for _, _, confirmed in world.stops()))
        assert world.bot.state()["trading_state"] == "HALTED"
        assert world.source("alertmanager")["last_success"] is not None
        assert "refused" in str(world.source("alertmanager")["last_fault"])
        (first,) = world.stops()
        servers.alertmanager.start()
        until(lambda: servers.has("SoakLatencyP95High"))
        (posted,) = [
            one.alert
            for one in Alertmanager.at(servers.alertmanager.url, TIMEOUT).read().alerts
            if one.alert.name == "SoakLatencyP95High"
        ]
        assert posted.episode == first[0]
        heard = world.watcher.episodes(episode=first[0])[0]["last_at"]
        world.watcher.until(lambda: world.watcher.episodes(episode=first[0])[0]["last_at"] > heard)
        assert world.stops() == [first]
        assert world.pages("stopped (") == 1
        assert world.watcher.episodes(alert="SoakLatencyP95High")[0]["told"] == ""


def test_a_truncated_group_is_read_in_full(servers: Stack, tmp_path: Path):
    with watched(tmp_path, servers) as world:
        world.watcher.stop()
        world.watcher.flags = ("--alertmanager", servers.alertmanager.url)
        world.watcher.start()
        servers.write_routes(ROUTES % (world.watcher.url, 1, TOKEN))
        requests.post(f"{servers.alertmanager.url}/-/reload", timeout=10).raise_for_status()
        servers.set(latency=1)
        world.watcher.until(lambda: any(confirmed for _, _, confirmed in world.stops()))
        world.watcher.until(world.has_truncated)
        assert world.pages("left out") == 0


def test_both_fall_silent_and_that_is_blind_and_paged_once(servers: Stack, tmp_path: Path):
    with watched(tmp_path, servers) as world:
        world.watcher.until(lambda: bool(world.watcher.episodes(alert="Watchdog")))
        servers.prometheus.end()
        servers.alertmanager.end()
        world.watcher.until(lambda: bool(world.watcher.get("/state")["backstop"]["blind"]))
        world.watcher.until(lambda: bool(world.watcher.get("/state")["blind"]))
        world.watcher.stop(signal.SIGKILL)
        world.watcher.start()
        world.watcher.until(lambda: world.watcher.get("/state")["backstop"]["counts"]["looks"] > 5)
        assert world.watcher.get("/state")["backstop"]["blind"]
        assert world.watcher.get("/state")["blind"]
        assert world.pages("blind: no source of alerts answers") == 1
        assert world.pages("blind: the Watchdog") == 1
        servers.alertmanager.start()
        servers.prometheus.start()
        world.watcher.until(lambda: not world.watcher.get("/state")["backstop"]["blind"])
        world.watcher.until(lambda: not world.watcher.get("/state")["blind"])
        assert "the Watchdog is heard again" in world.watcher.log


def test_the_watchdog_stops_and_that_is_blind_though_both_servers_answer(servers: Stack, tmp_path: Path):
    with watched(tmp_path, servers) as world:
        world.watcher.until(lambda: bool(world.watcher.episodes(alert="Watchdog")))
        servers.set(watchdog=0)
        world.watcher.until(lambda: bool(world.watcher.get("/state")["blind"]))
        looks = world.watcher.get("/state")["backstop"]["counts"]["looks"]
        world.watcher.until(lambda: world.watcher.get("/state")["backstop"]["counts"]["looks"] > looks + 8)
        assert not world.watcher.get("/state")["backstop"]["blind"]
        assert world.pages("blind: the Watchdog") == 1


def test_bot_watcher_and_alertmanager_are_all_killed_in_the_middle_and_the_bot_is_stopped(
    servers: Stack, tmp_path: Path
):
    with watched(tmp_path, servers) as world:
        servers.write_routes(ROUTES % (world.watcher.url, 0, TOKEN))
        requests.post(f"{servers.alertmanager.url}/-/reload", timeout=10).raise_for_status()
        world.watcher.until(lambda: bool(world.watcher.episodes(alert="Watchdog")))
        world.bot.process.kill()
        world.bot.process.wait(30)
        servers.set(latency=1)
        world.watcher.until(lambda: bool(world.stops()))
        world.watcher.stop(signal.SIGKILL)
        servers.alertmanager.end()
        with (tmp_path / "bot" / "again.log").open("wb") as log:
            again = subprocess.Popen(world.bot.process.args, stdout=log, stderr=log)
        try:
            servers.alertmanager.start()
            world.watcher.start()
            world.watcher.until(lambda: any(confirmed for _, _, confirmed in world.stops()))
            stops = world.stops()
            heard = world.watcher.episodes(episode=stops[0][0])[0]["last_at"]
            world.watcher.until(lambda: world.watcher.episodes(episode=stops[0][0])[0]["last_at"] > heard)
            assert world.bot.state()["trading_state"] == "HALTED"
            assert world.stops() == stops
            assert len({episode for episode, _, _ in stops}) == 1
            assert [confirmed for _, _, confirmed in stops].count(True) == 1
            assert world.pages("begun and not finished is confirmed") + world.pages("stopped (") >= 1
            assert world.watcher.stop() == 0
        finally:
            again.terminate()
            again.wait(30)
    found = audit_journal(str(tmp_path / "watcher/journal.sqlite"), tmp_path / "watcher/journal.sqlite.anchor")
    assert (found.problems, found.doubts) == ((), ())


def test_the_watcher_is_killed_for_good_and_dagster_stops_the_bot(servers: Stack, tmp_path: Path):
    """The sensor reads both real servers; its run commands the live bot."""
    site = StoppedSite(tmp_path / "site", "")
    with watched(tmp_path, servers) as world:
        world.watcher.until(lambda: bool(world.watcher.episodes(alert="Watchdog")))
        world.watcher.stop(signal.SIGKILL)
        journal = site.root / DEFAULT
        shutil.copytree(tmp_path / "watcher", journal.parent)
        point_at(site, world.bot.url, servers)
        servers.set(latency=1)
        with site.instance() as instance:
            requested: list[dg.RunRequest] = []

            def asked() -> bool:
                tick = site.tick(instance, None, "rollback_backstop_sensor")
                requested.extend(tick.run_requests or [])
                return bool(requested)

            until(asked)
            job = site.location().definitions.resolve_job_def("rollback_backstop")
            ran = job.execute_in_process(
                run_config=requested[0].run_config, instance=instance, resources={"site": site.location().site}
            )
        assert ran.success
        assert world.bot.state()["trading_state"] == "HALTED"
        with site.open_journal() as written:
            stops = [stop for one in written.episodes() for stop in one["stops"]]
        assert [(stop["bot"], stop["confirmed"]) for stop in stops] == [("paper", 1)]


def point_at(site: StoppedSite, bot: str, servers: Stack) -> None:
    policies = site.root / "deploy/policies"
    alerting, fleet = (yaml.safe_load((policies / name).read_text()) for name in ("alerting.yaml", "bots.yaml"))
    alerting["prometheus"] |= {"listen": servers.prometheus.address, "alertmanagers": [servers.alertmanager.address]}
    fleet["bots"][0]["control"]["url"] = bot
    site.edit("alerting.yaml", **alerting)
    site.edit("bots.yaml", **fleet)
    site.edit(
        "rollback.yaml", backstop=QUICK["backstop"], blind_after={"length": "12s", "source": "made up for a test"}
    )
