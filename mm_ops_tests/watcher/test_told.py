"""The watcher tells people through the channels of its policy."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_paperbot import running
from mm_ops_tests.live_watcher import RunningWatcher, prepare
from mm_ops_tests.watcher.alerts import LATENCY

FULL = Path("/dev/full")
SECRET = "token-that-nobody-may-see"  # noqa: S105 - of a test


@pytest.fixture
def bodies(httpserver: HTTPServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        found.append(json.loads(request.data))
        return Response(status=200)

    httpserver.expect_request(f"/{SECRET}", method="POST").respond_with_handler(take)
    return found


def with_channel(folder: Path, url: str) -> None:
    (folder / "pager.url").write_text(url, encoding="utf-8")
    file = folder / "policies/notify.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    kept = {"file": str(folder / "pager.url")}
    source = "a test's own"
    document["channels"] = [
        {"name": "pager", "kind": "webhook", "address": kept, "audiences": ["oncall"], "source": source}
    ]
    file.write_text(yaml.safe_dump(document), encoding="utf-8")


def test_a_stop_is_told_with_its_evidence_the_state_and_the_way_back(
    tmp_path: Path, httpserver: HTTPServer, bodies: list[dict[str, Any]]
):
    with running(tmp_path, speed=20) as bot:
        prepare(tmp_path, catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet)
        with_channel(tmp_path, httpserver.url_for(f"/{SECRET}"))
        watcher = RunningWatcher(tmp_path)
        watcher.start()
        try:
            assert watcher.post(LATENCY).status_code == 200
            watcher.until(lambda: any("stopped" in one["title"] for one in bodies))
            (told,) = [one for one in bodies if "stopped" in one["title"]]
            assert told["title"].startswith("PAGE paper: stopped (halt, scale_to_zero, open_circuit, freeze_orders), ")
            assert "state: HALTED, scale 0, circuit open, orders frozen" in told["text"]
            assert (
                "to do: find the cause by the runbook; then, in steps: mm-ops halt resume --bot paper" in told["text"]
            )
            assert told["about"]["bot"] == "paper"
            watcher.until(lambda: watcher.get("/state")["notifications"]["channels"]["pager"]["messages"] > 0)
            shown = json.dumps(watcher.get("/state")) + requests.get(f"{watcher.url}/metrics", timeout=10).text
            assert 'mm_ops_notify_messages_total{channel="pager"}' in shown
            assert SECRET not in shown + watcher.log
            assert "NO CHANNEL FOR TEAM" in watcher.log
        finally:
            watcher.stop()


@pytest.mark.skipif(not FULL.exists(), reason="a disk that is always full: Linux only")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_that_cannot_be_written_keeps_no_stop_and_no_page_back(
    tmp_path: Path, httpserver: HTTPServer, bodies: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, form: str
):
    monkeypatch.setenv("MM_OPS_LOG_FORMAT", form)
    with running(tmp_path, speed=20) as bot:
        prepare(tmp_path, catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet)
        with_channel(tmp_path, httpserver.url_for(f"/{SECRET}"))
        watcher = RunningWatcher(tmp_path, told_to=FULL)
        (tmp_path / "watcher.log").touch()
        watcher.start()
        try:
            assert watcher.post(b"no payload").status_code == 400
            assert watcher.post(LATENCY).status_code == 200
            watcher.until(lambda: any("was no payload" in one["title"] for one in bodies))
            watcher.until(lambda: any("paper: stopped" in one["title"] for one in bodies))
            assert bot.state()["trading_state"] == "HALTED"
            assert watcher.get("/state")["faults"] == []
        finally:
            watcher.stop()


def test_a_damaged_journal_is_paged_once_however_often_the_watcher_is_started(
    tmp_path: Path, httpserver: HTTPServer, bodies: list[dict[str, Any]]
):
    prepare(tmp_path, catalogue_of({"paper": "http://127.0.0.1:9"}, "http://127.0.0.1/alert-hook", 1).fleet)
    watcher = RunningWatcher(tmp_path)
    watcher.start()
    watcher.stop()
    (tmp_path / "journal.sqlite").write_bytes(b"no journal at all" * 500)
    with_channel(tmp_path, httpserver.url_for(f"/{SECRET}"))
    for _ in range(3):
        assert watcher.spawn().wait(60) == 2
    assert len(bodies) == 1
    assert "PAGE the journal is not as it was written, the watcher does not start" in bodies[0]["title"]
    assert "no alert is heard" in bodies[0]["text"]
