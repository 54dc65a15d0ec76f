"""A live bot, and a watcher beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_paperbot import RunningBot, running
from mm_ops_tests.live_watcher import RunningWatcher, impatient, watching


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[RunningBot]:
    with running(tmp_path, "--allow-faults", "--state-file", str(tmp_path / "bot.json"), speed=20) as bot:
        yield bot


@pytest.fixture
def watcher(tmp_path: Path, bot: RunningBot) -> Iterator[RunningWatcher]:
    fleet = catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet
    with watching(tmp_path, fleet, change=impatient) as running:
        yield running
