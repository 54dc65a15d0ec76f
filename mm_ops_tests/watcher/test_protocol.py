"""Peers that connect and say nothing, more of them than the watcher has places for."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mm_ops.watcher.serving import MOST_CONNECTIONS
from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_paperbot import running
from mm_ops_tests.live_watcher import watching
from mm_ops_tests.watcher.alerts import LATENCY


@pytest.fixture
def files() -> Iterator[None]:
    """As many open files as a few hundred peers need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("files")
def test_silent_peers_do_not_keep_an_alert_out(tmp_path: Path):
    with running(tmp_path, speed=1) as bot, ExitStack() as peers:
        fleet = catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet
        with watching(tmp_path, fleet) as watcher:
            for _ in range(MOST_CONNECTIONS + 200):
                peer = peers.enter_context(socket.create_connection(("127.0.0.1", watcher.port), timeout=60))
                peer.sendall(b"POST /alert-hook HT")
            assert watcher.post(LATENCY).status_code == 200
            bot.until(lambda: bot.state()["trading_state"] == "HALTED")
