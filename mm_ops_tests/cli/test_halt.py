"""``mm-ops halt`` and ``mm-ops notify`` as a user runs them: a live bot over HTTP, a server that says what fires."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from mm_ops.adapters.bot import HttpBot
from mm_ops.adapters.environment import WallClock
from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_audit import audit_journal
from mm_ops.cli.drill import drill
from mm_ops.cli.halt import halt
from mm_ops.cli.notify import notify
from mm_ops.domain.errors import IntegrityError, PolicyError
from mm_ops.domain.rollback.bot import SetTradingState, TradingState
from mm_ops.domain.rollback.decision import Record
from mm_ops.domain.rollback.response import Responder
from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_paperbot import RunningBot, free_port, running
from mm_ops_tests.live_watcher import RunningWatcher, prepare, until_stopped
from mm_ops_tests.rollback_world import POLICY, Pages, alert
from mm_ops_tests.watcher.alerts import body, one

HALTED = {"trading_state": "HALTED", "strategy_scale": 0.0, "circuit": "open", "orders_frozen": True}


@dataclass
class Desk:
    """A live bot that was stopped, the watcher's journal, and a Prometheus that says what fires."""

    folder: Path
    bot: RunningBot
    server: HTTPServer
    firing: list[str] = field(default_factory=lambda: ["Watchdog"])
    asked: int = 0
    after: tuple[int, str] = (1000, "")

    def rules(self, _: Request) -> Response:
        self.asked += 1
        firing = [*self.firing, self.after[1]] if self.asked > self.after[0] else self.firing
        alerts = [
            {
                "labels": {"alertname": name, **({} if name == "Watchdog" else {"bot": "paper"})},
                "annotations": {},
                "state": "firing",
                "activeAt": "2026-11-25T06:00:00Z",
            }
            for name in firing
        ]
        rule = {"type": "alerting", "name": "any", "duration": 0, "alerts": alerts}
        answer = {"status": "success", "data": {"groups": [{"rules": [rule]}]}}
        return Response(json.dumps(answer), content_type="application/json")

    def open(self) -> Journal:
        file = self.folder / "journal.sqlite"
        return Journal(str(file), file.with_name("journal.sqlite.anchor"), owner="a", lease=POLICY.attempts.longest)

    def hear_the_watchdog(self) -> None:
        now = datetime.now(UTC)
        with self.open() as journal:
            journal.note(alert("Watchdog", bot="", starts_at=now), Record("the heartbeat"), now, now)

    def run(self, *arguments: str, say: str | None = None) -> Result:
        place = ["--journal", str(self.folder / "journal.sqlite"), "--prometheus", self.server.url_for("")]
        return CliRunner().invoke(halt, [*arguments, *place], input=say)

    def resume(self, *more: str, to: str = "REDUCING", say: str | None = None) -> Result:
        named = ["--bot", "paper", "--by", "ada", "--reason", "the feed was moved"]
        return self.run("resume", *named, "--to", to, *more, say=say)


@pytest.fixture
def desk(tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with running(tmp_path, "--allow-faults", speed=1) as bot:
        prepare(tmp_path, catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet)
        monkeypatch.setenv("MM_OPS_POLICIES", str(tmp_path / "policies"))
        found = Desk(tmp_path, bot, httpserver)
        config = {"status": "success", "data": {"yaml": "global: {}\n"}}
        httpserver.expect_request("/api/v1/status/config").respond_with_json(config)
        httpserver.expect_request("/api/v1/rules").respond_with_handler(found.rules)
        found.hear_the_watchdog()
        yield found


@pytest.fixture
def stopped(desk: Desk) -> Desk:
    """The bot after a stop by the executor."""
    with desk.open() as journal:
        responder = Responder(journal, {"paper": HttpBot(desk.bot.url)}, POLICY, WallClock(), Pages())
        now = datetime.now(UTC)
        _, outcome = responder.respond(alert(starts_at=now), now)
        assert outcome is not None
        responder.respond(alert(firing=False, starts_at=now), now)  # as Alertmanager says when it fires no more
    assert desk.bot.state()["trading_state"] == "HALTED"
    return desk


def last_line(result: Result) -> str:
    return result.output.rstrip("\n").rsplit("\n", 1)[-1]


def test_a_bot_that_forgot_that_it_was_stopped_is_never_shown_as_well(stopped: Desk):
    control = HttpBot(stopped.bot.url)
    for state in (TradingState.REDUCING, TradingState.ACTIVE):  # past mm_ops, by the bot's own control
        control.apply(SetTradingState(state), f"by-hand-{state.value}")
    result = stopped.run("status")
    assert (result.exit_code, last_line(result)) == (1, "| halt status | ESCAPED | HALT_STATUS=ESCAPED |")
    assert "STOPPED AND RESUMED BY NOBODY, and it is not halted: the watcher stops it again" in result.output


def test_a_journal_that_lost_its_last_records_lets_nobody_go_on(stopped: Desk):
    with sqlite3.connect(stopped.folder / "journal.sqlite") as journal:
        journal.execute("DELETE FROM audit WHERE seq > (SELECT max(seq) FROM audit) - 3")
    journal.close()
    result = stopped.resume("--yes")
    assert isinstance(result.exception, IntegrityError), result.output
    assert stopped.bot.state()["trading_state"] == "HALTED"


def test_a_bot_that_trades_is_shown_as_active(desk: Desk):
    result = desk.run("status")
    assert (result.exit_code, last_line(result)) == (0, "| halt status | ACTIVE | HALT_STATUS=ACTIVE |"), result.output


def test_a_broken_entry_is_not_known_and_keeps_no_other_bot_halted(stopped: Desk):
    path = stopped.folder / "policies/bots.yaml"
    fleet = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**fleet, "bots": [*fleet["bots"], {**fleet["bots"][0], "name": "mm-2"}]}, default=str))
    result = stopped.run("status", "--json")
    assert (result.exit_code, json.loads(result.stdout)["answer"]) == (2, "UNKNOWN")
    assert "bots.1.name: String should match" in json.loads(result.stdout)["faults"][0]
    assert "not known: " in result.stderr
    assert stopped.run("status", "--bot", "paper").exit_code == 1
    unnamed = stopped.run("resume", "--by", "ada", "--reason", "the feed was moved", "--to", "REDUCING", "--yes")
    assert str(unnamed.exception).startswith("--bot: expected one of paper, was none; ")
    assert stopped.resume("--yes").exit_code == 0
    assert stopped.bot.state()["trading_state"] == "REDUCING"


def test_a_halted_bot_says_why_since_when_and_what_may_be_done_next(stopped: Desk):
    result = stopped.run("status", "--json")
    (row,) = json.loads(result.stdout)["bots"]
    assert result.exit_code == 1
    assert (row["trading_state"], row["next"], row["hindrances"]) == ("HALTED", "REDUCING", [])
    assert (row["stop"]["alert"], row["stop"]["answer"]) == ("SoakLatencyP95High", "confirmed")
    assert row["firing"] == ["Watchdog"]
    stopped.firing.append("SoakLatencyP95High")
    shown = stopped.run("status", "--bot", "paper").output
    assert "REDUCING is refused: alerts: SoakLatencyP95High still fires" in shown
    assert "no, see below" in shown


def test_the_way_back_is_previewed_taken_in_steps_read_back_and_written_down(stopped: Desk):
    preview = stopped.resume("--dry-run")
    assert (preview.exit_code, last_line(preview)) == (0, "| halt resume | PREVIEW | HALT_RESUME=PREVIEW |")
    assert "HALTED" in preview.output
    assert stopped.bot.state()["trading_state"] == "HALTED"
    skipped = stopped.resume("--yes", to="ACTIVE")
    assert (skipped.exit_code, last_line(skipped)) == (1, "| halt resume | REFUSED | HALT_RESUME=REFUSED |")
    kept = stopped.resume(say="n\n")
    assert (kept.exit_code, last_line(kept)) == (1, "| halt resume | KEPT | HALT_RESUME=KEPT |")
    taken = stopped.resume(say="y\n")
    assert (taken.exit_code, last_line(taken)) == (0, "| halt resume | REDUCING | HALT_RESUME=REDUCING |"), taken.output
    state = stopped.bot.state()
    assert (state["trading_state"], state["strategy_scale"], state["circuit"]) == ("REDUCING", 0.25, "half_open")
    alone = ["--by", "ada", "--reason", "the feed was moved", "--yes"]  # the only bot needs no name
    active = stopped.run("resume", "--to", "ACTIVE", *alone)
    assert last_line(active) == "| halt resume | ACTIVE | HALT_RESUME=ACTIVE |"
    assert stopped.bot.state()["trading_state"] == "ACTIVE"
    shown = stopped.run("status").output
    assert "resumed to ACTIVE by ada" in shown
    file = stopped.folder / "journal.sqlite"
    found = audit_journal(str(file), file.with_name("journal.sqlite.anchor"))
    assert (found.problems, found.doubts) == ((), ())


def test_where_nobody_can_be_asked_a_flag_is_asked_for_and_nothing_is_done(stopped: Desk):
    named = ["--bot", "paper", "--by", "ada", "--reason", "the weekly one"]
    for result in (stopped.resume(), CliRunner().invoke(drill, named)):
        assert (result.exit_code, "--yes: expected where nobody can be asked" in result.output) == (2, True)
    assert {name: stopped.bot.state()[name] for name in HALTED} == HALTED


def test_while_the_cause_fires_the_bot_stays_halted(stopped: Desk):
    stopped.firing.append("SoakLatencyP95High")
    result = stopped.resume("--yes")
    assert (result.exit_code, last_line(result)) == (1, "| halt resume | REFUSED | HALT_RESUME=REFUSED |")
    assert "refused: alerts: SoakLatencyP95High still fires" in result.output
    assert stopped.bot.state()["trading_state"] == "HALTED"


def test_a_cause_that_fires_again_between_the_preview_and_the_step_refuses_it(stopped: Desk):
    stopped.after = (1, "SoakEdgeDegradation")
    result = stopped.resume("--yes")
    assert (result.exit_code, last_line(result)) == (1, "| halt resume | REFUSED | HALT_RESUME=REFUSED |")
    assert "SoakEdgeDegradation still fires" in result.output
    assert {name: stopped.bot.state()[name] for name in HALTED} == HALTED


def test_a_breach_that_the_watcher_has_just_heard_of_keeps_the_bot_halted_until_it_is_over(desk: Desk):
    """The Prometheus that is asked knows nothing of it: another raised it."""
    watcher = RunningWatcher(desk.folder)
    watcher.start()
    try:
        assert watcher.post(body(one("SoakLatencyP95High"))).ok
        until_stopped(watcher)
        result = desk.resume("--yes")
        assert (result.exit_code, last_line(result)) == (1, "| halt resume | REFUSED | HALT_RESUME=REFUSED |")
        assert "refused: alerts: SoakLatencyP95High, " in result.output
        assert {name: desk.bot.state()[name] for name in HALTED} == HALTED
        assert watcher.post(body(one("SoakLatencyP95High", firing=False))).ok
        watcher.until(lambda: watcher.episodes(alert="SoakLatencyP95High")[0]["resolved"] == 1)
        result = desk.resume("--yes")
        assert (result.exit_code, desk.bot.state()["trading_state"]) == (0, "REDUCING"), result.output
    finally:
        watcher.stop()


@pytest.mark.parametrize("missing", ["prometheus", "watchdog there", "watchdog here", "bot"])
def test_what_is_not_known_is_its_own_answer_and_no_step(stopped: Desk, missing: str):
    match missing:
        case "prometheus":
            stopped.server.clear()
        case "watchdog there":
            stopped.firing.clear()
        case "watchdog here":
            for file in stopped.folder.glob("journal.sqlite*"):
                file.unlink()
            stopped.open().close()
        case _:
            stopped.bot.process.kill()
            stopped.bot.process.wait(30)
    result = stopped.resume("--yes")
    assert (result.exit_code, last_line(result)) == (2, "| halt resume | UNKNOWN | HALT_RESUME=UNKNOWN |"), (
        result.output
    )
    assert "not known: " in result.output
    if missing == "bot":
        assert stopped.run("status").exit_code == 2
    else:
        assert {name: stopped.bot.state()[name] for name in HALTED} == HALTED


@pytest.mark.parametrize("fault", ["refuse", "lie"])
def test_a_bot_that_does_not_do_it_is_not_reported_as_resumed(stopped: Desk, fault: str):
    stopped.bot.faults(**{fault: True})
    result = stopped.resume("--yes")
    assert (result.exit_code, last_line(result)) == (2, "| halt resume | UNCONFIRMED | HALT_RESUME=UNCONFIRMED |"), (
        result.output
    )
    assert "not confirmed: " in result.output


def test_words_that_say_nothing_are_refused(stopped: Desk):
    result = stopped.run("resume", "--bot", "paper", "--to", "REDUCING", "--by", " ", "--reason", "ok", "--yes")
    assert result.exit_code == 1
    assert "by: expected the name of a person, was none" in result.output
    assert "reason: expected at least 10 letters, was 2" in result.output
    unknown = stopped.run(
        "resume", "--bot", "other", "--to", "REDUCING", "--by", "ada", "--reason", "the feed was moved"
    )
    assert isinstance(unknown.exception, PolicyError)


def channels(folder: Path, *urls: str) -> None:
    file = folder / "policies/notify.yaml"
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["channels"] = []
    for number, url in enumerate(urls):
        (folder / f"url{number}").write_text(url, encoding="utf-8")
        kept = {"file": str(folder / f"url{number}")}
        one = {"name": f"c{number}", "kind": "webhook", "address": kept, "audiences": ["oncall"]}
        document["channels"].append({**one, "source": "a test's own"})
    file.write_text(yaml.safe_dump(document), encoding="utf-8")


def test_each_channel_is_tried_and_says_whether_it_has_delivered(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
):
    prepare(tmp_path, catalogue_of({"paper": "http://127.0.0.1:9"}, "http://127.0.0.1/alert-hook", 1).fleet)
    monkeypatch.setenv("MM_OPS_POLICIES", str(tmp_path / "policies"))
    httpserver.expect_request("/hook").respond_with_data("ok")
    nothing = CliRunner().invoke(notify, ["test"])
    assert isinstance(nothing.exception, PolicyError)
    channels(tmp_path, httpserver.url_for("/hook"), f"http://127.0.0.1:{free_port()}/secret")
    result = CliRunner().invoke(notify, ["test"])
    assert (result.exit_code, last_line(result)) == (1, "| notify test | FAILED | NOTIFY_TEST=FAILED |")
    assert "refused" in result.output
    assert "secret" not in result.output
    one = CliRunner().invoke(notify, ["test", "--channel", "c0"])
    assert (one.exit_code, last_line(one)) == (0, "| notify test | DELIVERED | NOTIFY_TEST=DELIVERED |")
    sent = [json.loads(request.data) for request, _ in httpserver.log]
    assert all(body["title"].startswith("TEST of channel c0 at ") for body in sent)
