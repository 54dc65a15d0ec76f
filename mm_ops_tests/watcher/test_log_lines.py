"""What the watcher says on standard error, as JSON; a secret that everybody may read is named, and never shown."""

import json

import pytest

from mm_ops_tests.live_watcher import TOKEN, RunningWatcher, stops, until_stopped
from mm_ops_tests.watcher.alerts import LATENCY


@pytest.fixture(autouse=True)
def as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM_OPS_LOG_FORMAT", "json")


def test_each_line_is_an_object_and_a_stop_has_its_bot_and_its_episode(watcher: RunningWatcher):
    assert watcher.post(LATENCY).status_code == 200
    until_stopped(watcher)
    (stop,) = stops(watcher)
    assert watcher.stop() == 0
    *said, last = watcher.log.splitlines()
    assert last == "| watch | STOPPED | WATCH=STOPPED |"  # on standard output: for scripts
    lines = [json.loads(line) for line in said]
    assert all({"at", "level", "logger", "message"} <= set(line) for line in lines)
    (page,) = [line for line in lines if "PAGE: paper: stopped" in line["message"]]
    assert (page["bot"], page["alert"], page["episode"]) == ("paper", "SoakLatencyP95High", stop["episode"])
    token = watcher.folder / "token"  # written by a test, as careless people do
    words = f"watch: {token}: every user may read it: chmod 600, and make another secret"
    assert [line["message"] for line in lines].count(words) == 1
    assert TOKEN not in watcher.log
