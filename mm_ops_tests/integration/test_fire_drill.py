"""A drill on its real way: ``mm-ops drill``, the watcher's metric, Prometheus, Alertmanager, the webhook, a live bot.

One start of everything, at sixty times the speed; the budget of these tests is a minute, so that no timing is asserted.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner, Result

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.journal_audit import audit_journal
from mm_ops.cli.drill import drill
from mm_ops.cli.halt import halt
from mm_ops.defs.fleet import build_location
from mm_ops.defs.resources import Site
from mm_ops_tests.alert_stack import Stack, alert_stack, catalogue_of
from mm_ops_tests.live_paperbot import RunningBot, free_port, running
from mm_ops_tests.live_watcher import TOKEN, RunningWatcher, prepare

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SCALE = 60
WHO = ["--by", "ada", "--reason", "a drill of the tests"]


@dataclass
class World:
    folder: Path
    bot: RunningBot
    watcher: RunningWatcher
    stack: Stack

    @property
    def place(self) -> list[str]:
        return ["--journal", str(self.folder / "journal.sqlite"), "--prometheus", self.stack.prometheus]

    def drill(self, *more: str) -> tuple[Result, dict[str, Any]]:
        result = CliRunner().invoke(drill, [*WHO, "--yes", "--json", *self.place, *more], catch_exceptions=False)
        return result, json.loads(result.stdout)

    def budget(self, length: str) -> None:
        edit(self.folder / "policies/drill.yaml", "budget", length=length)

    def resume(self, to: str) -> Result:
        asked = ["resume", "--to", to, "--by", "ada", "--reason", "the drill is over", "--yes"]
        return CliRunner().invoke(halt, [*asked, *self.place])

    def anchors(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("journal.sqlite.anchor*"))


def edit(policy: Path, part: str, **fields: str) -> None:
    document = yaml.safe_load(policy.read_text(encoding="utf-8"))
    document[part] |= fields
    policy.write_text(yaml.safe_dump(document), encoding="utf-8")


def is_quiet(watcher: RunningWatcher, servers: Stack) -> bool:
    """What was absent while everything started is there, and nobody waits for the word of that."""
    heard = [one for one in watcher.episodes() if one["alert"] != "Watchdog"]
    return all(one["resolved"] for one in heard) and not servers.alerts("SoakMetricAbsent")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("fire_drill")
    with ExitStack() as stack:
        bot = stack.enter_context(running(folder, "--allow-faults", speed=SCALE))
        port = free_port()
        catalogue = catalogue_of({"paper": bot.url}, f"http://127.0.0.1:{port}/alert-hook", SCALE)
        prepare(folder, catalogue.fleet)
        servers = stack.enter_context(alert_stack(folder, catalogue, TOKEN, SCALE))
        edit(folder / "policies/alerting.yaml", "prometheus", listen=servers.prometheus.removeprefix("http://"))
        named = ("--alertmanager", servers.alertmanager, "--prometheus", servers.prometheus)
        watcher = RunningWatcher(folder, named, port=port)
        watcher.start()
        stack.callback(watcher.stop)
        watcher.until(lambda: bool(watcher.episodes(alert="Watchdog")) and is_quiet(watcher, servers))
        yield World(folder, bot, watcher, servers)


@pytest.fixture
def world(started: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("MM_OPS_POLICIES", str(started.folder / "policies"))
    monkeypatch.setenv("MM_OPS_ARTIFACTS", str(started.folder / "artifacts"))
    started.budget("60s")
    return started


def test_a_drill_stops_the_bot_by_the_way_of_a_breach_and_lets_it_go_on(world: World):
    before = world.bot.value("mm_orders_sent_total")
    result, report = world.drill("--out", str(world.folder / "result.json"))
    assert (result.exit_code, report["verdict"], report["reasons"]) == (0, "pass", []), result.output
    assert "| drill | PASS | DRILL=PASS |" in result.stderr
    told = [one["what"] for one in report["timeline"]]
    way = ["drill asked for by ada", "alert started", "alert received", "halt: read back", "confirmed, written down"]
    assert [one for one in told if one in way] == way
    assert "alert posted by Alertmanager" in told
    assert report["halted"]["trading_state"] == "HALTED"
    assert (report["resumed"], report["left"]) == (["REDUCING", "ACTIVE"], "ACTIVE")
    assert 0 < report["receive_to_halt_ms"] <= report["detect_to_halt_ms"] <= report["budget_ms"]
    assert world.bot.state()["trading_state"] == "ACTIVE"
    world.bot.until(lambda: world.bot.value("mm_orders_sent_total") > before)
    (stored,) = world.folder.glob("artifacts/paper/drills/*/fire_drill.json")
    assert stored.read_bytes() == (world.folder / "result.json").read_bytes() == result.stdout.encode()


def test_it_is_marked_in_the_journal_in_what_people_are_told_and_where_the_bot_stands(world: World):
    (episode,) = world.watcher.episodes(alert="RollbackDrill")[:1]
    assert [(stop["round"], stop["confirmed"]) for stop in episode["stops"]] == [(1, 1)]
    stops = [line for line in world.watcher.log.splitlines() if "paper: stopped" in line]
    assert stops
    assert all("DRILL paper: stopped" in line for line in stops)
    shown = json.loads(CliRunner().invoke(halt, ["status", "--json", *world.place]).stdout)["bots"][0]
    assert (shown["trading_state"], shown["stop"]["alert"]) == ("ACTIVE", "RollbackDrill")
    assert "resumed to ACTIVE by ada" in shown["resumed"]
    assert world.anchors() == ["journal.sqlite.anchor", "journal.sqlite.anchor.drill"]
    for anchor in world.anchors():
        found = audit_journal(str(world.folder / "journal.sqlite"), world.folder / anchor)
        assert (found.problems, found.doubts) == ((), ())


def test_dagster_drills_by_the_name_in_the_policy_and_its_check_passes(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MM_OPS_JOURNAL", str(world.folder / "journal.sqlite"))
    definitions = build_location(Site.of(Environment.read())).definitions
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("fire_drill").execute_in_process(instance=instance, raise_on_error=False)
        assert result.success
        (made,) = [event.materialization for event in result.get_asset_materialization_events()]
        (judged,) = result.get_asset_check_evaluations()
        looked = definitions.resolve_job_def("drill_age").execute_in_process(instance=instance, raise_on_error=False)
        (again,) = looked.get_asset_check_evaluations()
    assert made.metadata["verdict"].value == "pass"
    assert (judged.check_name, judged.passed, again.passed) == ("last_drill", True, True)
    assert "asked for by the desk" in str(again.description)
    assert world.bot.state()["trading_state"] == "ACTIVE"
    steps = json.loads(CliRunner().invoke(halt, ["status", "--json", *world.place]).stdout)["bots"][0]
    assert "resumed to ACTIVE by the desk" in steps["resumed"]


def test_over_its_budget_it_fails_and_the_bot_stays_halted_until_a_person_lets_it_go_on(world: World):
    world.budget("1ms")
    result, report = world.drill()
    assert (result.exit_code, report["verdict"], report["left"]) == (1, "fail", "HALTED"), result.output
    assert "detect to halt took" in report["reasons"][0]
    assert world.bot.state()["trading_state"] == "HALTED"
    world.bot.until(lambda: world.resume("REDUCING").exit_code == 0)  # refused while the drill's alert still fires
    assert world.resume("ACTIVE").exit_code == 0
    assert world.bot.state()["trading_state"] == "ACTIVE"


def test_while_a_breach_has_stopped_the_bot_no_drill_is_begun(world: World):
    drills = len(world.watcher.episodes(alert="RollbackDrill"))
    world.bot.faults(latency=4.0)

    def stopped() -> bool:
        written = [one for one in world.watcher.episodes() if one.get("fired") and one["stops"]]
        return any(one["alert"] != "RollbackDrill" for one in written)

    world.watcher.until(stopped, 120)
    result, report = world.drill()
    assert (result.exit_code, report["verdict"], report["begun"]) == (2, "inconclusive", False), result.output
    said = "; ".join(report["reasons"])
    assert "bot: expected ACTIVE, was HALTED" in said
    assert "alerts: Soak" in said
    assert "a breach is open: Soak" in said
    assert len(world.watcher.episodes(alert="RollbackDrill")) == drills
