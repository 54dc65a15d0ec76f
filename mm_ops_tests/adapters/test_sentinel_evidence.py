import threading
from datetime import timedelta
from pathlib import Path

from mm_ops.adapters.journal_follow import JournalPlace
from mm_ops.adapters.sentinel_evidence import Reader, Sources, read_evidence
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.sentinel.runs import Evidence
from mm_ops.domain.sentinel.tasks import FileProof, JobProof
from mm_ops_tests.domain.sentinel.cron_tasks import known, run, task

JOB = JobProof(kind="job", name="nightly")
RAN = known(run(None, "08:00"))


def sources(tmp_path: Path, other: Reader, attempt: timedelta = timedelta(seconds=60)) -> Sources:
    place = JournalPlace(str(tmp_path / "j.sqlite"), named=False)
    return Sources(root=tmp_path, journal=place, other=other, attempt=attempt)


def test_a_source_that_hangs_is_told_and_keeps_no_other_waiting(tmp_path: Path):
    over = threading.Event()

    def read(one: object, _: int) -> Evidence:
        if one == hanging:
            over.wait(60)
        return RAN

    hanging, fast = task("hanging", proof=JOB), task("fast", proof=JOB)
    try:
        found = read_evidence([hanging, fast], sources(tmp_path, read, timedelta(seconds=1)))
    finally:
        over.set()
    assert found["hanging"] == Evidence(fault="expected an answer within 1 s, was none")
    assert found["fast"] == RAN


def test_sources_that_all_hang_end_in_their_time_and_each_is_told(tmp_path: Path):
    over = threading.Event()
    asked: list[object] = []

    def read(one: object, _: int) -> Evidence:
        asked.append(one)
        over.wait(60)
        return RAN

    tasks = [task(f"t{n}", proof=JOB) for n in range(500)]
    try:
        found = read_evidence(tasks, sources(tmp_path, read, timedelta(milliseconds=200)))
    finally:
        over.set()
    assert all(one.fault for one in found.values())
    assert found["t499"].fault == "not asked: others took 0.8 s to answer"
    assert 0 < len(asked) < len(tasks)


def test_a_source_that_fails_is_told_in_its_own_words(tmp_path: Path):
    def refuse(*_: object) -> Evidence:
        raise SourceUnavailableError("the database is locked")

    def break_down(*_: object) -> Evidence:
        raise ZeroDivisionError("made up")

    one = task("one", proof=JOB)
    assert read_evidence([one], sources(tmp_path, refuse))["one"].fault == "the database is locked"
    assert read_evidence([one], sources(tmp_path, break_down))["one"].fault == "ZeroDivisionError: made up"


def test_as_many_runs_are_read_as_it_takes_or_as_are_asked_for(tmp_path: Path):
    asked: list[int] = []

    def read(_: object, most: int) -> Evidence:
        asked.append(most)
        return RAN

    for n in range(9):
        (tmp_path / f"{n}").touch()
    tasks = [task("job", proof=JOB, recovery=2), task("files", proof=FileProof(kind="file", glob="?"))]
    assert len(read_evidence(tasks, sources(tmp_path, read))["files"].runs) <= 3
    found = read_evidence(tasks, sources(tmp_path, read), most=7)
    assert asked == [5, 7]
    assert len(found["files"].runs) <= 7
