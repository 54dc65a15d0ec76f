"""``mm-ops watch`` as a process, with a live bot over HTTP."""

import json
import os
import random
import resource
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_audit import audit_journal
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.stop import Outcome, Stop
from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_paperbot import RunningBot, free_port, running
from mm_ops_tests.live_watcher import TOKEN, RunningWatcher, stops, until_stopped, watching
from mm_ops_tests.watcher.alerts import LATENCY, body, one


def sound(watcher: RunningWatcher) -> None:
    """The journal is what was written into it, and nothing in it waits."""
    found = audit_journal(str(watcher.folder / "journal.sqlite"), watcher.folder / "journal.sqlite.anchor")
    assert (found.problems, found.doubts) == ((), ())
    with sqlite3.connect(watcher.folder / "journal.sqlite") as journal:
        assert journal.execute("select count(*) from inbox where handled < seen").fetchone() == (0,)


def test_an_alert_stops_the_bot_that_it_names_and_all_of_it_is_on_record(watcher: RunningWatcher, bot: RunningBot):
    bot.until(lambda: bot.value("mm_orders_open") > 0)
    assert watcher.post(LATENCY).status_code == 200
    until_stopped(watcher)
    state = bot.state()
    assert (state["trading_state"], state["open_orders"], state["orders_frozen"]) == ("HALTED", 0, True)
    (stop,) = stops(watcher)
    assert (stop["confirmed"], stop["bot"], stop["alert"]) == (1, "paper", "SoakLatencyP95High")
    steps = [step["what"] for step in stop["outcome"]["timeline"]]
    assert steps[-1] == "verified: every action reads back, no order is open"
    shown = watcher.get("/state")["bots"]["paper"]["state"]
    assert (shown["trading_state"], shown["circuit"]) == ("HALTED", "open")
    assert "PAGE: paper: stopped (halt, scale_to_zero, open_circuit, freeze_orders), confirmed" in watcher.log
    assert watcher.stop() == 0
    assert watcher.log.splitlines()[-1] == "| watch | STOPPED | WATCH=STOPPED |"
    sound(watcher)


def test_nobody_gets_in_without_the_token_and_a_new_one_holds_at_once(watcher: RunningWatcher, bot: RunningBot):
    for token in ("", "wrong", TOKEN[:-1], f"{TOKEN} x"):
        answer = watcher.post(LATENCY, token=token)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert requests.post(f"{watcher.url}/alert-hook", json=LATENCY, timeout=10).status_code == 401
    for path in ("/episodes", "/state"):
        assert requests.get(watcher.url + path, timeout=10).status_code == 401
    (watcher.folder / "token").write_text("a-new-token-of-this-test")
    assert watcher.post(LATENCY).status_code == 401
    (watcher.folder / "token").write_text("")
    assert watcher.post(LATENCY).status_code == 503  # our fault: the sender must come again
    ready = requests.get(f"{watcher.url}/ready", timeout=10)
    assert ready.status_code == 503
    assert "expected one token of at least 16 characters, was 0" in ready.json()["faults"][0]
    assert bot.state()["trading_state"] == "ACTIVE"
    (watcher.folder / "token").write_text(TOKEN)
    assert watcher.post(LATENCY).status_code == 200
    until_stopped(watcher)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"alerts": 3}', 400),
        (b"\xff" * 100, 400),
        (b"[" * 100_000, 400),
        (b'{"alerts": []}', 200),
        (b" " * (1024 * 1024 + 1), 413),
    ],
    ids=["empty", "cut", "list", "no list", "no text", "deep", "nothing in it", "too large"],
)
def test_what_is_no_payload_is_refused_and_somebody_is_told(watcher: RunningWatcher, content: bytes, status: int):
    assert watcher.post(content).status_code == status
    told = "PAGE: a body at the hook was no payload: payload: " in watcher.log
    assert told == (status != 200)


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /alert-hook HT",
        b"GET /health HTTP/1.1\r\nHost: x\r\n",
        f"POST /alert-hook HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n{{".encode(),
        b"",
    ],
    ids=["half a line", "half a head", "half a body", "nothing"],
)
def test_a_sender_that_stops_in_the_middle_is_left(watcher: RunningWatcher, sent: bytes):
    port = watcher.port
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(sent)
        answer = b""
        while data := peer.recv(65_536):
            answer += data
        assert answer == b"" or answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 503"))
    assert watcher.post(LATENCY).status_code == 200


def send_until_left(port: int, pieces: Iterator[bytes], pause_s: float) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(b"POST /alert-hook HTTP/1.1\r\n")
        for piece in pieces:
            peer.sendall(piece)
            time.sleep(pause_s)


def test_a_sender_that_drips_its_head_is_left(watcher: RunningWatcher):
    with pytest.raises(OSError, match=r"reset|[Bb]roken"):
        send_until_left(watcher.port, (f"x-{number}: y\r\n".encode() for number in range(2000)), 0.02)


def test_a_head_that_never_ends_is_not_kept(watcher: RunningWatcher):
    with pytest.raises(OSError, match=r"reset|[Bb]roken"):
        send_until_left(watcher.port, (b"x: " + b"y" * 4000 + b"\r\n" for _ in range(100_000)), 0)


def test_a_thousand_duplicates_at_once_are_one_stop(watcher: RunningWatcher):
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: watcher.post(LATENCY).status_code, range(1000)))
    assert set(answers) == {200}
    until_stopped(watcher)
    watcher.until(lambda: watcher.get("/state")["waiting"]["bodies"] == 0)
    assert [stop["round"] for stop in stops(watcher)] == [1]
    assert watcher.stop() == 0
    sound(watcher)
    with sqlite3.connect(watcher.folder / "journal.sqlite") as journal:
        assert journal.execute("select seen, handled from inbox").fetchall() == [(1000, 1000)]


def test_ten_thousand_alerts_in_a_burst_are_all_taken_in_and_a_stop_among_them_does_not_wait(
    watcher: RunningWatcher, bot: RunningBot
):
    kept = threading.local()

    def send(number: int) -> None:
        kept.session = getattr(kept, "session", None) or requests.Session()
        alert = body(one("SoakWSLagHigh", symbol=str(number)))
        while watcher.post(alert, session=kept.session).status_code == 503:
            time.sleep(0.2)

    with ThreadPoolExecutor(16) as pool:
        sent = [pool.submit(send, number) for number in range(5000)]
        pool.submit(watcher.post, LATENCY)
        sent += [pool.submit(send, number) for number in range(5000, 10_000)]
        for one_sent in sent:
            one_sent.result()
    bot.until(lambda: bot.state()["trading_state"] == "HALTED")
    with sqlite3.connect(watcher.folder / "journal.sqlite") as journal:
        assert journal.execute("select count(*) from inbox").fetchone() == (10_001,)
    watcher.until(lambda: watcher.get("/state")["waiting"]["bodies"] == 0, 240)
    assert watcher.stop() == 0
    sound(watcher)
    with sqlite3.connect(watcher.folder / "journal.sqlite") as journal:
        assert journal.execute("select count(*) from episodes where fired = 1").fetchone() == (10_001,)


@pytest.mark.parametrize(
    "order",
    [(True, True, False), (False, True, True), (True, False, False, True), (False, False)],
    ids=["repeated, resolved", "resolved before it fired", "resolved twice, fires late", "never seen firing"],
)
def test_in_whatever_order_one_breach_is_at_most_one_stop(
    watcher: RunningWatcher, bot: RunningBot, order: tuple[bool, ...]
):
    for firing in order:
        assert watcher.post(body(one("SoakLatencyP95High", firing=firing))).status_code == 200
    watcher.until(lambda: watcher.get("/state")["waiting"]["bodies"] == 0)
    watcher.until(lambda: bool(watcher.episodes()))
    if any(order):
        until_stopped(watcher)
        assert bot.state()["trading_state"] == "HALTED"
    assert len(stops(watcher)) == (1 if any(order) else 0)
    if not any(order):
        watcher.until(lambda: "resolved, and was never seen firing" in watcher.log)


@pytest.mark.parametrize("fault", ["refuse", "error_500", "hang", "lie"])
def test_a_bot_that_does_not_obey_is_unconfirmed_and_paged_and_stopped_once_it_does(
    watcher: RunningWatcher, bot: RunningBot, fault: str
):
    bot.faults(**{fault: True})
    assert watcher.post(LATENCY).status_code == 200
    until_stopped(watcher)
    assert [stop["confirmed"] for stop in stops(watcher)][:1] == [0]
    assert "is not confirmed" in watcher.log
    assert bot.state()["trading_state"] == "ACTIVE"
    bot.faults()
    watcher.until(lambda: watcher.post(LATENCY).ok and any(stop["confirmed"] for stop in stops(watcher)))
    assert bot.state()["trading_state"] == "HALTED"


def test_a_step_that_bears_a_time_to_come_keeps_no_bot_from_being_stopped_again(
    watcher: RunningWatcher, bot: RunningBot
):
    """As after a clock that was an hour ahead was set back: the bot was stopped and resumed an hour from now."""
    assert watcher.stop() == 0
    ahead = datetime.now(UTC) + timedelta(hours=1)
    file = watcher.folder / "journal.sqlite"
    with Journal(str(file), Path(f"{file}.anchor"), owner="watcher", lease=timedelta(seconds=10)) as journal:
        early = Stop(episode="early@1", round=1, bot="paper", alert="SoakEdgeDegradation", reason="edge", actions=())
        assert journal.claim(early, ahead)
        journal.finish(Outcome(stop=early, confirmed=True, results=(), faults=(), timeline=()), ahead)
        journal.note_resume("paper", TradingState.REDUCING, by="ada", why="moved", confirmed=True, at=ahead)
    watcher.start()
    bot.faults(refuse=True)
    assert watcher.post(LATENCY).ok
    watcher.until(lambda: "the stop for SoakLatencyP95High is not confirmed" in watcher.log)
    bot.faults()
    watcher.until(
        lambda: "and resumed by nobody, but reads back ACTIVE: it was stopped again, confirmed" in watcher.log
    )
    assert bot.state()["trading_state"] == "HALTED"


def test_what_was_undone_while_the_watcher_was_dead_is_done_again_in_the_same_round(
    watcher: RunningWatcher, bot: RunningBot
):
    """The bot has seen the keys of the stop that was begun, so that they would have no effect on it any more."""
    bot.process.send_signal(signal.SIGSTOP)
    assert watcher.post(LATENCY).ok
    watcher.until(lambda: bool(stops(watcher)))
    time.sleep(0.2)  # what it is asked waits for it now
    watcher.stop(signal.SIGKILL)
    bot.process.send_signal(signal.SIGCONT)
    bot.until(lambda: bot.state()["trading_state"] == "HALTED")
    for state in ("REDUCING", "ACTIVE"):
        assert bot.put("/trading-state", f"by hand {state}", trading_state=state).ok
    watcher.start()
    until_stopped(watcher)
    assert [(stop["round"], stop["confirmed"]) for stop in stops(watcher)] == [(1, 1)]
    assert bot.state()["trading_state"] == "HALTED"


def test_a_bot_that_restarts_in_the_middle_is_stopped_all_the_same(watcher: RunningWatcher, bot: RunningBot):
    bot.faults(restart=True)
    watcher.until(lambda: watcher.post(LATENCY).ok and any(stop["confirmed"] for stop in stops(watcher)))
    bot.until(lambda: bot.state()["trading_state"] == "HALTED")


@pytest.mark.parametrize("bodies", [1, 2])
def test_a_bot_that_hangs_keeps_no_other_from_being_stopped(tmp_path: Path, bot: RunningBot, bodies: int):
    (tmp_path / "other").mkdir()
    with running(tmp_path / "other", speed=20) as other:
        fleet = catalogue_of({"paper": bot.url, "other": other.url}, "http://127.0.0.1/alert-hook", 1).fleet
        with watching(tmp_path, fleet) as watcher:
            bot.faults(hang=60.0)
            both = [one("SoakLatencyP95High", bot=name) for name in ("paper", "other")]
            for sent in [both] if bodies == 1 else [[each] for each in both]:
                assert watcher.post(body(*sent)).ok
            other.until(lambda: other.state()["trading_state"] == "HALTED")
            assert [stop["finished_at"] for stop in stops(watcher) if stop["bot"] == "paper"] == [None]
            bot.faults()
            until_stopped(watcher)
            watcher.until(lambda: watcher.get("/state")["waiting"]["bodies"] == 0)
            assert watcher.stop() == 0
            sound(watcher)


def test_a_dry_run_decides_and_commands_nobody(tmp_path: Path, bot: RunningBot):
    fleet = catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet
    with watching(tmp_path, fleet, "--dry-run") as watcher:
        assert watcher.post(LATENCY).ok
        watcher.until(lambda: bool(watcher.episodes()))
        (episode,) = watcher.episodes()
        assert episode["decision"] == "Record"
        assert episode["reason"].startswith("dry run, nothing was asked: paper would be stopped")
        assert (bot.state()["trading_state"], stops(watcher)) == ("ACTIVE", [])
        assert watcher.get("/state")["dry_run"] is True
        assert "DRY RUN: no bot is commanded" in watcher.log


def test_an_automation_that_is_switched_off_pages_and_commands_nobody(tmp_path: Path, bot: RunningBot):
    fleet = catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet
    with watching(tmp_path, fleet, change=lambda policy: policy["auto_rollback"].update(enabled=False)) as watcher:
        assert watcher.post(LATENCY).ok
        watcher.until(
            lambda: "PAGE: paper: SoakLatencyP95High: auto_rollback.enabled is false: nothing was done" in watcher.log
        )
        assert (bot.state()["trading_state"], stops(watcher)) == ("ACTIVE", [])
        assert "AUTO ROLLBACK IS OFF" in watcher.log


def test_a_second_watcher_of_the_same_address_or_anchor_asks_nothing_of_anybody(watcher: RunningWatcher):
    first, port = watcher.process, watcher.port
    try:
        assert watcher.spawn().wait(60) == 2
        assert f":{port}: the address is taken or not ours" in watcher.log
        watcher.port = free_port()
        assert watcher.spawn().wait(60) == 2
        assert "a watcher is at work with this anchor: stop it, or give another --owner and --anchor" in watcher.log
    finally:
        watcher.process, watcher.port = first, port
    assert watcher.post(LATENCY).ok
    until_stopped(watcher)


def test_an_alert_that_names_no_bot_pages_and_stops_nobody(watcher: RunningWatcher, bot: RunningBot):
    assert watcher.post(body(one("SoakLatencyP95High", bot=""))).ok
    watcher.until(lambda: "expected a label bot, was none: it names nobody" in watcher.log)
    assert (bot.state()["trading_state"], stops(watcher)) == ("ACTIVE", [])


def test_a_damaged_journal_is_not_started_on_and_pages(watcher: RunningWatcher):
    assert watcher.post(LATENCY).ok
    until_stopped(watcher)
    assert watcher.stop() == 0
    with sqlite3.connect(watcher.folder / "journal.sqlite") as journal:
        journal.execute("delete from audit where seq = (select max(seq) from audit)")
    journal.close()
    process = watcher.spawn()
    assert process.wait(30) == 2
    assert "PAGE: the journal is not as it was written, the watcher does not start" in watcher.log


def test_a_full_disk_is_503_and_the_sender_comes_again(watcher: RunningWatcher, bot: RunningBot):
    process = watcher.process
    assert process is not None
    size = (watcher.folder / "journal.sqlite-wal").stat().st_size
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size + 8192, resource.RLIM_INFINITY))
    answers = [watcher.post(body(one("SoakWSLagHigh", symbol=str(number)))) for number in range(5)]
    assert answers[-1].status_code == 503
    assert "send it again" in answers[-1].json()["detail"]
    assert watcher.post(LATENCY).status_code == 503
    assert bot.state()["trading_state"] == "ACTIVE"
    watcher.until(lambda: "PAGE: alerts are refused and no stop is made: " in watcher.log)
    assert requests.get(f"{watcher.url}/ready", timeout=10).status_code == 503
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    watcher.until(lambda: watcher.post(LATENCY).ok)
    bot.until(lambda: bot.state()["trading_state"] == "HALTED")


def test_a_journal_that_somebody_locks_is_503_for_alerts_and_heartbeats_and_read_all_the_same(
    watcher: RunningWatcher, bot: RunningBot
):
    with sqlite3.connect(watcher.folder / "journal.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(2) as pool:
            sent = [pool.submit(watcher.post, LATENCY), pool.submit(watcher.post, b"", path="/heartbeat/nightly")]
            assert watcher.get("/episodes") == []
            assert requests.get(f"{watcher.url}/metrics", timeout=10).ok
            answers = [one.result() for one in sent]
        assert [one.status_code for one in answers] == [503, 503]
        assert all("send it again" in one.json()["detail"] for one in answers)
        assert bot.state()["trading_state"] == "ACTIVE"
        other.execute("ROLLBACK")
    assert watcher.post(b"", path="/heartbeat/nightly").ok
    assert watcher.post(LATENCY).ok
    until_stopped(watcher)
    assert [stop["round"] for stop in stops(watcher)] == [1]


def test_ten_thousand_hostile_bodies_are_answered_and_none_acts(watcher: RunningWatcher, bot: RunningBot):
    """Seeded mutations of a real payload, with and without the token; memory does not grow with them."""
    rng = random.Random(11)
    whole = json.dumps(body(one("SoakWSLagHigh", symbol="x"))).encode()
    seen: set[int] = set()
    process = watcher.process
    assert process is not None
    with requests.Session() as session:
        for number in range(10_000):
            headers = (
                {"Authorization": f"Bearer {TOKEN}"} if number % 4 == 0 else {"Authorization": "Bearer " + "x" * 30}
            )
            answer = session.post(f"{watcher.url}/alert-hook", data=mutate(whole, rng), headers=headers, timeout=60)
            seen.add(answer.status_code)
            if number == 2_000:
                early = resident_bytes(process.pid)
    assert seen <= {200, 400, 401, 413, 503}, seen
    assert {400, 401} <= seen
    assert resident_bytes(process.pid) < early + 8 * 1024 * 1024  # measured: 0.8 MB
    assert (bot.state()["trading_state"], stops(watcher)) == ("ACTIVE", [])
    assert process.poll() is None


def mutate(whole: bytes, rng: random.Random) -> bytes:
    data = bytearray(whole)
    for _ in range(rng.randint(1, 8)):
        position = rng.randrange(len(data) or 1)
        match rng.randrange(5):
            case 0:
                data[position : position + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[position : position + rng.randrange(40)]
            case 2:
                data[position:position] = rng.choice(
                    [b"null", b"[", b"{", b'"', b"1e999", b"\\ud800", b"\x00", b"9" * 400]
                )
            case 3:
                data[position:position] = data[: rng.randrange(len(data) or 1)]
            case _:
                data = data[: position + 1]
    return bytes(data)


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_heartbeat_is_written_for_who_asks_for_it_later(watcher: RunningWatcher):
    for path, status in (
        ("nightly", 200),
        ("nightly/start", 200),
        ("nightly/fail", 200),
        ("nightly/0", 200),
        ("nightly/137", 200),
        ("nightly/256", 400),
        ("nightly/never", 400),
        ("a%20b", 400),
    ):
        assert watcher.post(b"", path=f"/heartbeat/{path}").status_code == status, path
    assert requests.post(f"{watcher.url}/heartbeat/nightly", timeout=10).status_code == 401
    with sqlite3.connect(watcher.folder / "journal.sqlite") as journal:
        rows = journal.execute("select body from audit where subject = 'heartbeat' and key = 'nightly' order by seq")
        assert [tuple(json.loads(text).values()) for (text,) in rows] == [
            (None, "success"),
            (None, "start"),
            (None, "fail"),
            (0, "success"),
            (137, "fail"),
        ]


@pytest.mark.parametrize(("limit", "status"), [("1", 200), ("1000", 200), ("0", 400), ("1001", 400), ("x", 400)])
def test_as_many_episodes_are_shown_as_are_asked_for(watcher: RunningWatcher, limit: str, status: int):
    for symbol in "ab":
        assert watcher.post(body(one("SoakWSLagHigh", symbol=symbol))).ok
    watcher.until(lambda: len(watcher.episodes()) == 2)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.get(f"{watcher.url}/episodes", params={"limit": limit}, headers=headers, timeout=10)
    assert answer.status_code == status
    assert status == 400 or len(answer.json()) == min(int(limit), 2)


def test_metrics_say_what_happened(watcher: RunningWatcher):
    assert watcher.post(LATENCY).ok
    until_stopped(watcher)
    text = requests.get(f"{watcher.url}/metrics", timeout=10).text
    assert 'mm_ops_watcher_events_total{kind="alert_hook_200"} 1' in text
    assert "mm_ops_watcher_auto_rollback_enabled 1" in text
    assert requests.get(f"{watcher.url}/health", timeout=10).text == "ok\n"
    assert requests.get(f"{watcher.url}/nothing", timeout=10).status_code == 404
