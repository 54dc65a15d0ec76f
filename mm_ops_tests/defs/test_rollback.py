"""The sensor, the report, the check and the state, on a real journal and the live paper bot."""

import itertools
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Response

from mm_ops.adapters.bot import HttpBot
from mm_ops.defs.rollback.checks import verify_halt
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops.domain.rollback.bot import Circuit, FreezeOrders, SetCircuit, SetScale, SetTradingState, TradingState
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.live_paperbot import RunningBot, free_port, running
from mm_ops_tests.rollback_world import ACTIVE, HALTED, MemoryBot, alert, lies
from mm_ops_tests.stopped_site import KEYS, StoppedSite, samples_around

JSON = "application/json"
WITHIN = timedelta(seconds=5)
WAY_BACK = (SetTradingState(TradingState.REDUCING), SetTradingState(TradingState.ACTIVE))
ALL_OPEN = (SetScale(1.0), SetCircuit(Circuit.CLOSED), FreezeOrders(frozen=False))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running(tmp_path_factory.mktemp("bot"), "--allow-faults", speed=20) as one:
        yield one


@pytest.fixture
def bot(live: RunningBot) -> RunningBot:
    """The live bot, trading: resumed from whatever the test before did to it."""
    live.faults()
    control = HttpBot(live.url, timeout=WITHIN, attempt=WITHIN)
    for command in WAY_BACK[(live.state()["trading_state"] == "ACTIVE") * 2 :]:
        control.apply(command, datetime.now(UTC).isoformat())
    for opened in ALL_OPEN:
        control.apply(opened, datetime.now(UTC).isoformat())
    before = live.value("mm_orders_sent_total")
    live.until(lambda: live.value("mm_orders_sent_total") > before)
    return live


@pytest.fixture
def site(bot: RunningBot, tmp_path: Path) -> StoppedSite:
    return StoppedSite(tmp_path / "site", bot.url)


@pytest.fixture
def dead(tmp_path: Path) -> StoppedSite:
    """A site whose bot is not there: what the journal says is made by a bot in memory."""
    return StoppedSite(tmp_path / "site", f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home)) as one:
        yield one


def report_of(site: StoppedSite) -> dict[str, Any]:
    (path,) = site.root.rglob("rollback_report.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def answers(run: dg.ExecuteInProcessResult) -> list[tuple[bool, str]]:
    return [(one.passed, one.metadata["verdict"].value) for one in run.get_asset_check_evaluations()]  # type: ignore[misc]


def test_a_stop_becomes_one_run_whose_report_holds_what_the_journal_and_the_samples_say(
    site: StoppedSite, instance: dg.DagsterInstance
):
    outcome = site.stop()
    assert outcome.confirmed, outcome.faults
    at = datetime.now(UTC)
    site.record(samples_around(at), at)
    tick = site.tick(instance, None)
    (request,) = tick.run_requests
    assert request.run_key == f"{outcome.stop.episode}/1"
    assert (request.tags["mm_ops/bot"], request.tags["mm_ops/alert"]) == ("paper", "SoakLatencyP95High")
    assert (request.tags["mm_ops/answer"], request.tags["mm_ops/late"]) == ("confirmed", "false")

    run = site.run(instance, request)
    assert run.success
    assert answers(run) == [(True, "pass")]
    report = report_of(site)
    assert (report["episode"], report["answer"], report["bot"]) == (outcome.stop.episode, "confirmed", "paper")
    assert report["breach_to_halt_ms"] > 90_000
    assert 0 < report["receive_to_halt_ms"] < 10_000
    (only,) = report["rounds"]
    assert [one["observed"] for one in only["actions"]] == [
        "trading_state = HALTED",
        "strategy_scale = 0",
        "circuit = open",
        "orders_frozen = yes",
    ]
    told = [line["what"] for line in report["timeline"]]
    assert told[:3] == ["alert started", "alert received", "decided and journalled: stop paper"]
    assert told[-1] == "confirmed, written down"
    assert {f"{name}: read back" for name in ("halt", "scale_to_zero", "open_circuit", "freeze_orders")} <= set(told)
    drawn = {one["name"]: one for one in report["metrics"]["indicators"]}
    assert (drawn["orders_sent"]["worst"], drawn["orders_open"]["worst"]) == (40.0, 12.0)
    assert report["release"]["by_metrics"] == ["1.0.1"]
    assert report["release"]["other_than_expected"] == ["1.0.1"]
    (event,) = run.get_asset_materialization_events()
    assert event.materialization.partition == outcome.stop.episode
    assert event.materialization.metadata["answer"].value == "confirmed"
    assert "data:image/svg+xml" in str(event.materialization.metadata["charts"].value)


def test_a_tick_that_is_lost_with_its_cursor_asks_for_the_same_runs_and_a_kept_one_for_none(
    dead: StoppedSite, instance: dg.DagsterInstance
):
    dead.stop(control=MemoryBot())
    first, again = dead.tick(instance, None), dead.tick(instance, None)
    assert [one.run_key for one in first.run_requests] == [one.run_key for one in again.run_requests]
    later = dead.tick(instance, first.cursor)
    assert later.run_requests == []
    assert "no stop has ended since record" in later.skip_message
    assert instance.get_dynamic_partitions("paper_episodes") == [first.run_requests[0].partition_key]


def test_after_the_quarter_the_report_is_made_once_more_and_then_always_of_the_same_bytes(
    dead: StoppedSite, instance: dg.DagsterInstance
):
    dead.stop(control=MemoryBot())
    at = datetime.now(UTC)
    dead.record(samples_around(at), at)
    first = dead.tick(instance, None)
    dead.run(instance, first.run_requests[0])
    assert report_of(dead)["metrics"]["whole"] is False
    made = []
    for minutes in (17, 50):
        dead.now = at + timedelta(minutes=minutes)
        (request,) = dead.tick(instance, first.cursor).run_requests
        assert request.run_key.endswith("/1/whole")
        dead.run(instance, request)
        made.append({path.name: path.read_bytes() for path in dead.root.rglob("rollbacks/*/*")})
    report = report_of(dead)
    assert report["metrics"]["whole"] is True
    drawn = {one["name"]: one for one in report["metrics"]["indicators"]}
    assert (drawn["orders_sent"]["worst"], drawn["orders_sent"]["last"]) == (40.0, 0.0)
    assert set(made[0]) == {"rollback_report.json", "ROLLBACK.md", "ROLLBACK.html"}
    assert made[0] == made[1]


def test_a_flood_is_worked_off_a_few_at_a_time_and_none_is_lost(dead: StoppedSite, instance: dg.DagsterInstance):
    now = datetime.now(UTC)
    alerts = [alert(starts_at=now, symbol=f"S{number}") for number in range(7)]
    stopped = [dead.stop(one, MemoryBot()).stop.episode for one in alerts]
    cursor, asked = None, []
    for most in (5, 2, 0):
        tick = dead.tick(instance, cursor)
        assert len(tick.run_requests) == most
        asked += [one.run_key for one in tick.run_requests]
        cursor = tick.cursor
    assert asked == [f"{episode}/1" for episode in stopped]


def test_samples_that_are_missing_are_said_and_keep_no_report_back(dead: StoppedSite, instance: dg.DagsterInstance):
    dead.stop(control=MemoryBot())
    (request,) = dead.tick(instance, None).run_requests
    dead.run(instance, request)
    missing = report_of(dead)["metrics"]["missing"]
    assert "no samples of any day" in missing
    (page,) = dead.root.rglob("ROLLBACK.html")
    assert "Metrics are missing" in page.read_text(encoding="utf-8")


def test_a_default_journal_that_never_was_is_told_and_one_that_is_gone_fails_the_tick(
    dead: StoppedSite, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    for name in ("rollback_sensor", "rollback_state_sensor"):
        tick = dead.tick(instance, None, name)
        assert "no journal there: `mm-ops watch` makes it" in tick.skip_message
    dead.stop(control=MemoryBot())
    cursors = {name: dead.tick(instance, None, name).cursor for name in ("rollback_sensor", "rollback_state_sensor")}
    dead.journal.unlink()
    for name, cursor in cursors.items():
        with pytest.raises(MissingEvidenceError, match="no journal there"):
            dead.tick(instance, cursor, name)
    monkeypatch.setenv("MM_OPS_JOURNAL", "elsewhere/journal.sqlite")
    with pytest.raises(MissingEvidenceError, match=r"elsewhere/journal.sqlite: no journal there.*MM_OPS_JOURNAL"):
        dead.tick(instance, None)


def test_a_journal_that_was_replaced_or_is_damaged_fails_the_tick_with_one_line(
    dead: StoppedSite, instance: dg.DagsterInstance
):
    dead.stop(control=MemoryBot())
    cursor = dead.tick(instance, None).cursor
    with sqlite3.connect(dead.journal) as connection:
        connection.execute("DELETE FROM audit WHERE seq > 4")
    connection.close()
    with pytest.raises(IntegrityError, match=r"expected at least \d+ audit records as anchored, was 4"):
        dead.tick(instance, cursor)
    for suffix in ("", "-wal", "-shm"):
        dead.journal.with_name(dead.journal.name + suffix).unlink(missing_ok=True)
    dead.journal.write_bytes(b"no database" * 500)
    for name in ("rollback_sensor", "rollback_state_sensor"):
        with pytest.raises(IntegrityError, match="damaged"):
            dead.tick(instance, cursor if name == "rollback_sensor" else None, name)
    found = verify_halt(dead.location().site, dead.bot())
    assert (found.verdict, "damaged" in found.reason) == (Verdict.INCONCLUSIVE, True)


def test_a_bot_that_lies_about_its_state_is_found_out_by_its_orders(
    tmp_path: Path, httpserver: HTTPServer, instance: dg.DagsterInstance
):
    """Its state reads back as asked and its gauges agree; only the counter of orders goes on."""
    sent = itertools.count(1000, 3)
    said = {**to_plain(HALTED), "instance": "x"}
    httpserver.expect_request("/state").respond_with_handler(
        lambda _: Response(json.dumps({**said, "observed_at": datetime.now(UTC).isoformat()}), 200, mimetype=JSON)
    )
    gauges = 'mm_orders_open 0\nmm_trading_state{state="HALTED"} 1\nprocess_start_time_seconds 1.7e9\n'
    httpserver.expect_request("/metrics").respond_with_handler(
        lambda _: Response(f"{gauges}mm_orders_sent_total {next(sent)}\n")
    )
    liar = StoppedSite(tmp_path / "site", httpserver.url_for("").rstrip("/"))
    assert liar.stop(control=MemoryBot()).confirmed, "the watcher believes the state that is read back"
    run = liar.run(instance, liar.tick(instance, None).run_requests[0])
    assert not run.success
    assert answers(run) == [(False, "fail")]
    (one,) = run.get_asset_check_evaluations()
    assert one.severity is dg.AssetCheckSeverity.ERROR
    assert "orders were sent after the halt: 3 in" in str(one.description)
    assert one.metadata["value"].value == 3.0
    assert report_of(liar)["answer"] == "confirmed"


def test_the_live_bot_with_its_lie_planted_is_not_verified(site: StoppedSite, bot: RunningBot):
    bot.faults(lie_state=True)
    site.stop()
    found = verify_halt(site.location().site, site.bot())
    assert found.verdict is Verdict.FAIL
    assert 'mm_trading_state{state="HALTED"}: expected 1, was 0' in found.reason


def test_an_unconfirmed_stop_fails_and_a_bot_that_is_not_there_is_undecided(dead: StoppedSite):
    assert verify_halt(dead.location().site, dead.bot()).verdict is Verdict.INCONCLUSIVE
    dead.stop(control=MemoryBot())
    found = verify_halt(dead.location().site, dead.bot())
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "the bot's state is unknown" in found.reason
    later = alert(starts_at=datetime.now(UTC), symbol="B")
    assert not dead.stop(later, MemoryBot(state=replace(ACTIVE, version="2.0.0"), fault=lies)).confirmed
    found = verify_halt(dead.location().site, dead.bot())
    assert (found.verdict, "the stop was not confirmed" in found.reason) == (Verdict.FAIL, True)


def test_a_resume_by_a_named_person_is_its_own_answer_and_a_bot_that_goes_further_fails(
    site: StoppedSite, bot: RunningBot
):
    site.stop()
    assert verify_halt(site.location().site, site.bot()).verdict is Verdict.PASS
    control = HttpBot(bot.url, timeout=WITHIN, attempt=WITHIN)
    control.apply(SetTradingState(TradingState.REDUCING), f"back {datetime.now(UTC)}")
    assert verify_halt(site.location().site, site.bot()).verdict is Verdict.FAIL
    with site.open_journal() as journal:
        at = datetime.now(UTC)
        journal.note_resume("paper", TradingState.REDUCING, by="Ada", why="feed is back", confirmed=True, at=at)
    found = verify_halt(site.location().site, site.bot())
    assert found.verdict is Verdict.PASS
    assert "halted no more, as a person wants it: resumed to REDUCING by Ada" in found.reason
    control.apply(SetTradingState(TradingState.ACTIVE), f"further {datetime.now(UTC)}")
    found = verify_halt(site.location().site, site.bot())
    assert (found.verdict, "was only resumed to REDUCING" in found.reason) == (Verdict.FAIL, True)


def test_the_state_is_told_when_it_changes_and_not_before(
    site: StoppedSite, bot: RunningBot, instance: dg.DagsterInstance
):
    with site.open_journal():
        pass
    first = site.tick(instance, None, "rollback_state_sensor")
    told = {event.asset_key.path[0]: event.metadata["summary"].value for event in first.asset_events}
    assert told == {
        "paper": "paper reads ACTIVE; it was never stopped",
        "idle": "idle does not answer; it was never stopped",
    }
    assert site.tick(instance, first.cursor, "rollback_state_sensor").asset_events == []
    site.stop()
    (changed,) = site.tick(instance, first.cursor, "rollback_state_sensor").asset_events
    assert changed.asset_key == KEYS.rollback_state
    assert changed.metadata["trading_state"].value == "HALTED"
    assert changed.metadata["stopped_for"].value == "SoakLatencyP95High"
    site.now = datetime.now(UTC) + timedelta(hours=2)
    assert len(site.tick(instance, first.cursor, "rollback_state_sensor").asset_events) == 2
    assert requests.get(f"{bot.url}/state", timeout=5).ok


def test_the_state_can_be_observed_by_hand(site: StoppedSite, instance: dg.DagsterInstance):
    site.stop()
    location = site.location()
    job = location.definitions.resolve_implicit_global_asset_job_def()
    run = job.execute_in_process(instance=instance, asset_selection=[KEYS.rollback_state])
    (event,) = run.get_asset_observation_events()
    assert event.asset_observation_data.asset_observation.metadata["trading_state"].value == "HALTED"


def test_both_sensors_are_on_without_anybody_turning_them_on(dead: StoppedSite):
    definitions = dead.location().definitions
    for name in ("rollback_sensor", "rollback_state_sensor"):
        assert definitions.resolve_sensor_def(name).default_status is dg.DefaultSensorStatus.RUNNING


def test_a_journal_that_does_not_answer_is_asked_once_more_by_dagsters_own_policy(
    dead: StoppedSite, instance: dg.DagsterInstance
):
    dead.stop(control=MemoryBot())
    (request,) = dead.tick(instance, None).run_requests
    for suffix in ("", "-wal", "-shm"):
        dead.journal.with_name(dead.journal.name + suffix).unlink(missing_ok=True)
    dead.journal.touch()
    run = dead.run(instance, request)
    assert not run.success
    events = [event.event_type_value for event in run.all_events if "rollback_report" in (event.step_key or "")]
    assert events.count("STEP_UP_FOR_RETRY") == 1
    (failed,) = run.get_step_failure_events()
    assert "no such table" in str(failed.step_failure_data.user_failure_data.description)  # type: ignore[union-attr]
