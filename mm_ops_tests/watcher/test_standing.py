"""What ``/ready`` says of a watcher whose journal, sources or channels are not there: real processes and files."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from mm_ops.adapters.journal import Journal
from mm_ops.domain.rollback.decision import RollBack
from mm_ops.domain.rollback.stop import plan_stop
from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_paperbot import RunningBot, free_port, running
from mm_ops_tests.live_watcher import RunningWatcher, impatient, prepare, stops, until_stopped, watching
from mm_ops_tests.rollback_world import POLICY
from mm_ops_tests.watcher.alerts import LATENCY, body, one


def ready(watcher: RunningWatcher) -> dict[str, Any]:
    answer = requests.get(f"{watcher.url}/ready", timeout=10)
    found: dict[str, Any] = answer.json()
    assert answer.status_code == (200 if found["ready"] else 503)
    return found


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_journal_that_is_gone_is_a_fault_and_a_page_and_503_and_the_bot_is_stopped_all_the_same(
    watcher: RunningWatcher, bot: RunningBot, how: str
):
    assert watcher.post(body(one("SoakWSLagHigh"))).ok
    watcher.until(lambda: bool(watcher.episodes()))
    journal = watcher.folder / "journal.sqlite"
    if how == "replaced":
        shutil.copy(journal, watcher.folder / "copy")
        (watcher.folder / "copy").replace(journal)
    else:
        for file in watcher.folder.glob("journal.sqlite*"):
            if file.name.removeprefix("journal.sqlite") in {"", "-wal", "-shm"}:
                file.unlink()
    with ThreadPoolExecutor(16) as pool:  # each of them wants a connection
        list(pool.map(lambda _: watcher.get("/episodes"), range(32)))
    answer = watcher.post(LATENCY)
    assert (answer.status_code, "was deleted or replaced while it was in use" in answer.text) == (503, True)
    assert watcher.post(b"", path="/heartbeat/nightly").status_code == 503
    bot.until(lambda: bot.state()["trading_state"] == "HALTED")
    assert "was deleted or replaced" in ready(watcher)["faults"][0]
    watcher.until(lambda: "PAGE: the journal: " in watcher.log)
    assert how == "replaced" or not journal.exists()
    assert [stop["round"] for stop in stops(watcher)] == [1]
    assert watcher.stop() == 0
    assert how == "replaced" or watcher.spawn().wait(60) == 2  # its records are missing, and that is paged


def test_a_journal_whose_tail_is_cut_meanwhile_takes_nothing_in_any_more(watcher: RunningWatcher):
    assert watcher.post(body(one("SoakWSLagHigh"))).ok
    watcher.until(lambda: bool(watcher.episodes()))
    with closing(sqlite3.connect(watcher.folder / "journal.sqlite", isolation_level=None)) as journal:
        journal.execute("DELETE FROM audit WHERE seq > (SELECT max(seq) FROM audit) - 3")
    answer = watcher.post(LATENCY)
    assert (answer.status_code, "or its tail was cut" in answer.text) == (503, True)
    watcher.until(lambda: not ready(watcher)["ready"])
    watcher.until(lambda: "PAGE: alerts are refused and no stop is made: journal: expected at least" in watcher.log)


def test_one_refused_write_keeps_it_unready_until_it_can_write_again_though_no_alert_comes(watcher: RunningWatcher):
    """Or whoever sends alerts only to those that are ready would never send it another."""
    journal = watcher.folder / "journal.sqlite"
    refuse = "CREATE TRIGGER full BEFORE INSERT ON inbox BEGIN SELECT RAISE(ABORT, 'full'); END"
    with closing(sqlite3.connect(journal, isolation_level=None, timeout=30)) as other:
        other.execute(refuse)
        other.execute(refuse.replace("full BEFORE", "fuller BEFORE").replace("inbox", "audit"))
        assert watcher.post(LATENCY).status_code == 503
        watcher.until(lambda: not ready(watcher)["ready"])
        assert "the last alert was refused: " in ready(watcher)["faults"][0]
        other.execute("DROP TRIGGER full")
        other.execute("DROP TRIGGER fuller")
    watcher.until(lambda: ready(watcher)["ready"])


def test_a_history_that_cannot_be_read_lets_no_bot_trade_on(watcher: RunningWatcher, bot: RunningBot):
    with closing(sqlite3.connect(watcher.folder / "journal.sqlite", isolation_level=None)) as journal:
        journal.execute("ALTER TABLE resumes RENAME COLUMN confirmed TO gone")
        assert watcher.post(LATENCY).ok
        until_stopped(watcher)
        sequence = bot.state()["sequence"]
        watcher.until(lambda: "no such column: confirmed" in str(ready(watcher)["faults"]))
        assert watcher.post(LATENCY).ok
        watcher.until(lambda: watcher.get("/state")["waiting"]["bodies"] == 0)
        journal.execute("ALTER TABLE resumes RENAME COLUMN gone TO confirmed")
    watcher.until(lambda: ready(watcher)["ready"])
    assert bot.state()["trading_state"] == "HALTED"
    assert ([stop["round"] for stop in stops(watcher)], bot.state()["sequence"]) == ([1], sequence)


def test_one_that_is_blind_or_cannot_page_says_so_and_stays_ready(tmp_path: Path, bot: RunningBot):
    """Or a balancer would cut off the last way by which an alert may come."""

    def blind_soon(document: dict[str, Any]) -> None:
        document["blind_after"]["length"] = "2s"
        document["backstop"].update(every="200ms", timeout="200ms", heard_within="1s", unknown_for="1s")
        channel = {
            "name": "nowhere",
            "kind": "webhook",
            "address": {"file": str(tmp_path / "url")},
            "audiences": ["oncall"],
            "source": "a test's own",
        }
        notify = tmp_path / "policies/notify.yaml"
        notify.write_text(
            yaml.safe_dump({**yaml.safe_load(notify.read_text(encoding="utf-8")), "channels": [channel]}),
            encoding="utf-8",
        )

    (tmp_path / "url").write_text(f"http://127.0.0.1:{free_port()}/", encoding="utf-8")
    fleet = catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet
    nobody = f"http://127.0.0.1:{free_port()}"
    with watching(tmp_path, fleet, "--prometheus", nobody, change=blind_soon) as watcher:
        watcher.until(lambda: len(ready(watcher)["weak"]) >= 3)
        said = ready(watcher)
        assert (said["ready"], said["faults"]) == (True, [])
        assert any(words.startswith("blind: the Watchdog was never heard") for words in said["weak"])
        assert "prometheus: silent for too long" in said["weak"]
        assert any("channel nowhere" in words for words in said["weak"])
        assert f"mm_ops_watcher_weak {len(said['weak'])}" in requests.get(f"{watcher.url}/metrics", timeout=10).text
        assert watcher.post(LATENCY).ok
        bot.until(lambda: bot.state()["trading_state"] == "HALTED")


def test_a_bot_that_is_started_again_and_forgot_is_stopped_again(tmp_path: Path):
    with running(tmp_path, speed=20) as bot:  # without a state file it remembers nothing
        fleet = catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet
        with watching(tmp_path, fleet, change=impatient) as watcher:
            assert watcher.post(LATENCY).ok
            until_stopped(watcher)
            bot.process.kill()
            bot.process.wait(30)
            with running(tmp_path, speed=20, port=urlsplit(bot.url).port) as again:
                again.until(lambda: again.state()["trading_state"] == "HALTED")
                watcher.until(lambda: "reads back ACTIVE: it was stopped again, confirmed" in watcher.log)
                watcher.until(lambda: [stop["confirmed"] for stop in stops(watcher)] == [1, 1])


def test_what_another_watcher_began_and_died_in_is_taken_over(watcher: RunningWatcher, bot: RunningBot):
    file = watcher.folder / "journal.sqlite"
    decision = RollBack(bot="paper", round=1, actions=POLICY.alerts[0].actions, reason="slow")
    with Journal(str(file), Path(f"{file}.other.anchor"), owner="other", lease=timedelta(seconds=1)) as journal:
        assert journal.claim(plan_stop(decision, "early@1", "SoakLatencyP95High"), datetime.now(UTC))
    bot.until(lambda: bot.state()["trading_state"] == "HALTED")
    watcher.until(lambda: "a stop that was begun and not finished is confirmed: slow" in watcher.log)
    until_stopped(watcher)


def test_a_watcher_whose_server_is_not_there_pages_before_it_ends(tmp_path: Path):
    prepare(tmp_path, catalogue_of({"paper": "http://127.0.0.1:9"}, "http://127.0.0.1/alert-hook", 1).fleet)
    nobody = f"postgresql+psycopg2://nobody@127.0.0.1:{free_port()}/none"
    place = ("--journal", nobody, "--anchor", str(tmp_path / "anchor"))
    unnamed = RunningWatcher(tmp_path, place)
    assert unnamed.spawn().wait(60) == 2
    assert "--owner: expected a name of its own, since others may watch on this database" in unnamed.log
    watcher = RunningWatcher(tmp_path, (*place, "--owner", "a"))
    assert watcher.spawn().wait(60) == 2
    assert "PAGE: the watcher does not start: journal: not available: " in watcher.log


def test_a_dry_run_marks_nothing_as_done_in_the_journal_of_another(watcher: RunningWatcher):
    assert watcher.stop() == 0
    trial = RunningWatcher(watcher.folder, ("--dry-run",))
    assert trial.spawn().wait(60) == 2
    assert "is of a watcher that commands bots: --dry-run needs one of its own" in trial.log
    watcher.start()


def test_a_token_that_others_may_read_is_told(watcher: RunningWatcher):
    assert watcher.stop() == 0
    token = watcher.folder / "token"
    token.chmod(0o600)
    before = watcher.log.count("every user may read it")
    watcher.start()
    assert (before, watcher.log.count("every user may read it")) == (1, 1)
