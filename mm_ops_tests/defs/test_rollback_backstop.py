"""The sensor and its run, with a real journal; the two servers are answers on real sockets, or the bot's own world."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pytest
import yaml

from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.decision import Record
from mm_ops_tests.hostile_server import answer, hostile
from mm_ops_tests.live_paperbot import RunningBot, running
from mm_ops_tests.rollback_world import alert
from mm_ops_tests.stopped_site import StoppedSite

SENSOR = "rollback_backstop_sensor"


@dataclass
class World:
    site: StoppedSite
    instance: dg.DagsterInstance
    posted: list[dict[str, Any]] | None = field(default_factory=list)

    def tick(self) -> Any:
        return self.site.tick(self.instance, None, SENSOR)

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        location = self.site.location()
        job = location.definitions.resolve_job_def("rollback_backstop")
        return job.execute_in_process(
            run_config=request.run_config,
            instance=self.instance,
            resources={"site": location.site},
            raise_on_error=False,
        )

    def fire(self, one: Alert, status: object = None) -> None:
        assert self.posted is not None
        self.posted.append(
            {
                "labels": dict(one.labels),
                "annotations": {},
                "fingerprint": one.fingerprint,
                "startsAt": one.starts_at.isoformat(),
                "status": status or {"state": "active"},
            }
        )

    def stops(self) -> list[tuple[str, bool]]:
        with self.site.open_journal() as journal:
            return [(stop["owner"][:8], bool(stop["confirmed"])) for one in journal.episodes() for stop in one["stops"]]


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[RunningBot]:
    (tmp_path / "bot").mkdir()
    with running(tmp_path / "bot", "--allow-faults") as live:
        yield live


@pytest.fixture
def live(tmp_path: Path, bot: RunningBot) -> Iterator[World]:
    """A site whose bot runs."""
    with _world(tmp_path / "site", bot.url) as made:
        yield made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A site whose bot does not answer: what is decided does not rest on it."""
    with _world(tmp_path / "site", "http://127.0.0.1:9") as made:
        yield made


@contextmanager
def _world(root: Path, url: str) -> Iterator[World]:
    site = StoppedSite(root, url)
    with site.instance() as instance:
        made = World(site, instance)
        with _alertmanager(made) as alertmanager:
            alerting = site.root / "deploy/policies/alerting.yaml"
            document = yaml.safe_load(alerting.read_text())
            document["prometheus"]["listen"] = "127.0.0.1:9"
            document["prometheus"]["alertmanagers"] = [urlsplit(alertmanager).netloc]
            alerting.write_text(yaml.safe_dump(document))
            with site.open_journal():
                pass  # a watcher was here
            yield made


@contextmanager
def _alertmanager(world: World) -> Iterator[str]:
    def behave(peer: socket.socket) -> None:
        if world.posted is not None:
            peer.sendall(answer(json.dumps(world.posted)).encode())

    with hostile(behave) as (url, _):
        yield url


def ago(**spent: float) -> datetime:
    return datetime.now(UTC) - timedelta(**spent)


def test_a_hard_alert_that_no_watcher_answered_stops_the_bot_once(live: World, bot: RunningBot) -> None:
    one = alert(starts_at=ago(minutes=5))
    live.fire(one)
    (request,) = live.tick().run_requests
    assert request.run_key.startswith(f"{one.episode}/")
    assert (request.tags["mm_ops/bot"], request.tags["mm_ops/alert"]) == ("paper", "SoakLatencyP95High")
    assert request.tags["mm_ops/stop"] == "paper"
    assert live.run(request).success
    state = bot.state()
    assert (state["trading_state"], state["open_orders"]) == ("HALTED", 0)
    assert live.stops() == [("dagster:", True)]
    again = live.tick()
    assert not again.run_requests
    assert again.skip_message == "every alert is answered"
    assert live.run(request).success, "the same run again does nothing"
    assert len(live.stops()) == 1


def test_the_run_writes_beside_a_watcher_that_has_the_journal_open(live: World) -> None:
    live.fire(alert(starts_at=ago(minutes=5)))
    (request,) = live.tick().run_requests
    with live.site.open_journal() as watchers:
        watchers.note_event("before", "x", {}, ago())
        assert live.run(request).success
        watchers.note_event("after", "x", {}, ago())
        subjects = [record["subject"] for record in watchers.records_after(0)]
        told = " ".join(str(record["body"]) for record in watchers.records_after(0) if record["subject"] == "told")
    assert subjects.index("before") < subjects.index("stops") < subjects.index("after")
    assert "paper: was stopped for SoakLatencyP95High; unconfirmed: Prometheus does not answer" in told
    assert live.stops() == [("dagster:", True)], "both anchors lie on one chain"


def test_what_a_watcher_has_stopped_is_left_alone(live: World) -> None:
    one = alert(starts_at=ago(minutes=5))
    live.site.stop(one)
    live.fire(one)
    assert not live.tick().run_requests
    assert [confirmed for _, confirmed in live.stops()] == [True]


def test_what_a_watcher_was_told_of_just_now_is_that_watchers(world: World) -> None:
    one = alert(starts_at=ago(minutes=5))
    with world.site.open_journal() as journal:
        journal.note(one, Record("waits"), ago(seconds=10), ago(seconds=10))
    world.fire(one)
    assert not world.tick().run_requests


def test_what_a_watcher_was_told_of_long_ago_and_did_not_answer_is_not(world: World) -> None:
    one = alert(starts_at=ago(minutes=5))
    with world.site.open_journal() as journal:
        journal.note(one, Record("waits"), ago(minutes=3), ago(minutes=3))
    world.fire(one)
    assert len(world.tick().run_requests) == 1


@pytest.mark.parametrize(
    ("name", "begun", "status"),
    [
        ("SoakWSLagHigh", timedelta(hours=1), None),
        ("SoakMetricAbsent", timedelta(hours=1), None),
        ("Watchdog", timedelta(hours=1), None),
        ("SoakOther", timedelta(hours=1), None),
        ("SoakLatencyP95High", timedelta(hours=1), {"state": "suppressed", "silencedBy": ["7f"]}),
        ("SoakLatencyP95High", timedelta(), None),
    ],
    ids=["tells", "holds", "the heartbeat", "unknown", "silenced", "a watcher still has time"],
)
def test_what_is_not_its_own_starts_no_run(world: World, name: str, begun: timedelta, status: object) -> None:
    world.fire(alert(name, starts_at=ago(seconds=begun.total_seconds())), status)
    assert not world.tick().run_requests


def test_an_alert_of_no_bot_of_ours_is_paged_by_a_run(world: World) -> None:
    world.fire(alert(starts_at=ago(minutes=5), bot="mm9"))
    (request,) = world.tick().run_requests
    assert world.run(request).success
    assert world.stops() == []
    assert not world.tick().run_requests


def test_a_stop_that_is_not_confirmed_fails_the_run_and_is_tried_again(live: World, bot: RunningBot) -> None:
    bot.faults(lie=True)
    live.fire(alert(starts_at=ago(minutes=5)))
    (request,) = live.tick().run_requests
    result = live.run(request)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "paper: not confirmed: SoakLatencyP95High: stop it by hand now" in str(failed.step_failure_data)
    assert [confirmed for _, confirmed in live.stops()] == [False]


def test_with_neither_answering_the_tick_fails_and_says_so(world: World) -> None:
    world.posted = None
    with pytest.raises(Exception, match="neither Alertmanager nor Prometheus answers: nobody knows whether an alert"):
        world.tick()


def not_required(site: StoppedSite) -> None:
    path = site.root / "deploy/policies/bots.yaml"
    fleet = yaml.safe_load(path.read_text())
    fleet["bots"][0]["watcher"] = "optional"
    path.write_text(yaml.safe_dump(fleet))


def test_a_newcomer_who_has_set_up_no_server_is_told_and_not_alarmed(world: World) -> None:
    not_required(world.site)
    world.posted = None
    assert "nobody has set one up yet" in world.tick().skip_message


@pytest.mark.parametrize("sign", ["a watcher reads one", "the heartbeat was heard", "one has answered", "named"])
def test_silence_of_servers_that_are_known_to_be_there_stays_loud(
    world: World, sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    not_required(world.site)
    cursor = None
    match sign:
        case "a watcher reads one":
            with world.site.open_journal() as journal:
                journal.note_event("watcher", "w", {"dry_run": False, "reads": ["prometheus"]}, ago())
        case "the heartbeat was heard":
            with world.site.open_journal() as journal:
                journal.note(alert("Watchdog", bot="", starts_at=ago(days=3)), Record("beat"), ago(days=3), ago(days=3))
        case "one has answered":
            cursor = world.tick().cursor
        case _:
            monkeypatch.setenv("MM_OPS_JOURNAL", str(world.site.journal))
    world.posted = None
    with pytest.raises(Exception, match="neither Alertmanager nor Prometheus answers"):
        world.site.tick(world.instance, cursor, SENSOR)


def test_where_every_watcher_commands_no_bot_neither_does_this_and_says_what_fires(
    live: World, bot: RunningBot
) -> None:
    before = bot.state()["sequence"]
    live.fire(alert(starts_at=ago(minutes=5)))
    (request,) = live.tick().run_requests
    with live.site.open_journal() as journal:
        journal.note_event("watcher", "w", {"dry_run": True, "reads": []}, ago())
    tick = live.tick()
    assert not tick.run_requests
    assert "--dry-run: nothing is asked for what fires: paper: SoakLatencyP95High" in tick.skip_message
    for dry, runs in ((False, 1), (True, 0)):
        with live.site.open_journal() as journal:
            journal.note_event("watcher", "other", {"dry_run": dry, "reads": []}, ago())
        assert len(live.tick().run_requests or ()) == runs
    assert live.run(request).success, "also one that was asked for before"
    assert (live.stops(), bot.state()["sequence"]) == ([], before)


def test_a_drill_is_the_watchers_to_answer(world: World) -> None:
    world.fire(alert("RollbackDrill", drill="d1", starts_at=ago(minutes=5)))
    assert not world.tick().run_requests


def test_without_a_journal_there_was_no_watcher_and_nothing_is_done(world: World) -> None:
    world.site.journal.unlink()
    assert "no journal there" in world.tick().skip_message
