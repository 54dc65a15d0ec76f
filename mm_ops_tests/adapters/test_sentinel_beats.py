from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_follow import JournalPlace, following
from mm_ops.adapters.sentinel_beats import read_beats
from mm_ops.domain.sentinel.runs import Evidence
from mm_ops.domain.sentinel.tasks import HeartbeatProof
from mm_ops_tests.domain.sentinel.cron_tasks import MINUTE, at, run

BACKUP = HeartbeatProof(kind="heartbeat", task="backup")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(str(tmp_path / "j.sqlite"), tmp_path / "anchor", owner="watcher", lease=MINUTE) as journal:
        yield journal


def read(tmp_path: Path) -> Evidence:
    with following(JournalPlace(str(tmp_path / "j.sqlite"), named=True)) as journal:
        return read_beats(BACKUP, journal, 3)


def test_the_last_signals_of_a_task_are_its_last_runs(journal: Journal, tmp_path: Path):
    for n in range(5):
        start = at("08:00") + n * timedelta(minutes=10)
        for signal, status, later in (("start", None, 0), ("fail" if n == 4 else "success", 3 if n == 4 else 0, 5)):
            journal.note_event("heartbeat", "backup", {"signal": signal, "exit_status": status}, start + later * MINUTE)
    journal.note_event("heartbeat", "other", {"signal": "success", "exit_status": None}, at("09:00"))
    runs = read(tmp_path).runs
    assert runs[-1] == run("08:40", "08:45", "it ended with exit status 3")
    assert runs[-2] == run("08:30", "08:35")
    assert all(one.last_at < at("09:00") for one in runs)


@pytest.mark.parametrize("ended", [True, False])
def test_starts_alone_do_not_hide_the_last_end_or_the_first_start(journal: Journal, tmp_path: Path, ended: bool):  # noqa: FBT001 - a case
    journal.note_event("heartbeat", "backup", {"signal": "start", "exit_status": None}, at("07:00"))
    if ended:
        journal.note_event("heartbeat", "backup", {"signal": "success", "exit_status": 0}, at("07:05"))
    for n in range(20):
        signal = {"signal": "start", "exit_status": None}
        journal.note_event("heartbeat", "backup", signal, at("08:00") + n * MINUTE)
    runs = read(tmp_path).runs
    assert runs[0] == (run(None, "07:05") if ended else run("07:00"))
    assert len(runs) == 8


def test_a_task_that_never_posted_is_told_where_to(journal: Journal, tmp_path: Path):
    journal.note_event("other", "backup", {}, at("08:00"))
    assert read(tmp_path) == Evidence(remark="nobody has posted to /heartbeat/backup")
