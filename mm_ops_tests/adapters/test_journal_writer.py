import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest

from mm_ops.adapters.database import Database, Transaction
from mm_ops.adapters.journal_chain import Anchor, Link, read_anchor
from mm_ops.adapters.journal_engine import create_tables
from mm_ops.adapters.journal_tables import SIGHTINGS
from mm_ops.adapters.journal_writer import Ledger, Writer, last_link
from mm_ops.domain.errors import SourceUnavailableError

AT = "2026-11-25T12:00:00.000000Z"


class CountedDatabase(Database):
    """A database that counts what was committed."""

    commits = 0

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with super().transaction() as transaction:
            yield transaction
        self.commits += 1


@pytest.fixture
def database(tmp_path: Path) -> Iterator[CountedDatabase]:
    opened = CountedDatabase(str(tmp_path / "journal.sqlite"))
    create_tables(opened)
    yield opened
    opened.close()


@pytest.fixture
def writer(database: Database, tmp_path: Path) -> Iterator[Writer]:
    with Anchor(tmp_path / "anchor") as anchor:
        writing = Writer(database, anchor)
        yield writing
        writing.close()


def sight(key: str, fired: str = "1") -> dict[str, str]:
    return {"fingerprint": key, "fired": fired, "at": AT}


def put(writer: Writer, key: str) -> "Future[None]":
    return writer.submit(lambda ledger: ledger.put(SIGHTINGS, sight(key), AT))


def records(database: Database) -> int:
    with database.transaction() as transaction:
        return len(transaction.rows("SELECT seq FROM audit"))


def test_writes_that_wait_for_one_commit_share_the_next(database: CountedDatabase, writer: Writer):
    before = database.commits
    begun, release = threading.Event(), threading.Event()

    def slow(ledger: Ledger) -> None:
        begun.set()
        release.wait(10)
        ledger.put(SIGHTINGS, sight("slow"), AT)

    first = writer.submit(slow)
    begun.wait(10)
    waiting = [put(writer, str(number)) for number in range(100)]
    release.set()
    for one in [first, *waiting]:
        one.result(10)
    assert database.commits - before == 2
    assert records(database) == 101


def test_a_write_sees_what_those_before_it_in_the_same_commit_wrote(writer: Writer):
    release = threading.Event()
    writer.submit(lambda _: release.wait(10))

    def add_one(ledger: Ledger) -> str:
        known = ledger.get(SIGHTINGS, "a")
        fired = ("" if known is None else str(known["fired"])) + "1"
        ledger.put(SIGHTINGS, sight("a", fired), AT)
        return fired

    waiting: list[Future[str]] = [writer.submit(add_one) for _ in range(5)]
    release.set()
    assert [one.result(10) for one in waiting] == ["1", "11", "111", "1111", "11111"]


def test_a_write_that_fails_fails_alone_and_leaves_nothing_behind(database: Database, writer: Writer):
    release = threading.Event()
    writer.submit(lambda _: release.wait(10))

    def half(ledger: Ledger) -> None:
        ledger.put(SIGHTINGS, sight("half"), AT)
        raise RuntimeError("a fault of ours")

    before = put(writer, "before")
    broken = writer.submit(half)
    doubled = writer.submit(lambda ledger: ledger.add(SIGHTINGS, sight("before"), AT))
    after = put(writer, "after")
    release.set()
    before.result(10)
    after.result(10)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        broken.result(10)
    with pytest.raises(SourceUnavailableError, match="the journal was not written: UNIQUE constraint failed"):
        doubled.result(10)
    with database.transaction() as transaction:
        kept = {row["fingerprint"] for row in transaction.rows("SELECT fingerprint FROM sightings")}
    assert kept == {"before", "after"}
    assert records(database) == 2


def test_the_anchor_is_the_end_of_the_chain_when_a_write_is_done(database: Database, writer: Writer, tmp_path: Path):
    for number in range(3):
        writer.submit(lambda ledger: ledger.note("x", "k", {}, AT)).result(10)
        with database.transaction() as transaction:
            assert read_anchor(tmp_path / "anchor") == last_link(transaction)
        assert read_anchor(tmp_path / "anchor") != Link(number, "")


def test_a_write_that_changes_nothing_adds_no_record(database: Database, writer: Writer):
    for _ in range(3):
        put(writer, "a").result(10)
    assert records(database) == 1


def test_what_waits_when_it_is_closed_is_written_and_what_comes_later_refused(database: Database, tmp_path: Path):
    with Anchor(tmp_path / "anchor") as anchor:
        writing = Writer(database, anchor)
        release = threading.Event()
        writing.submit(lambda _: release.wait(10))
        waiting = [put(writing, str(number)) for number in range(20)]
        release.set()
        writing.close()
        assert all(one.done() for one in waiting)
        with pytest.raises(SourceUnavailableError, match="the journal is closed"):
            writing.submit(lambda _: None)
    assert records(database) == 20


def test_a_caller_that_goes_away_takes_no_other_writes_with_it(database: Database, writer: Writer):
    begun, release = threading.Event(), threading.Event()

    def slow(ledger: Ledger) -> None:
        begun.set()
        assert release.wait(20)
        ledger.put(SIGHTINGS, sight("slow"), AT)

    first = writer.submit(slow)
    assert begun.wait(20)
    left = put(writer, "left")
    assert left.cancel()
    assert not first.cancel(), "what is being written reaches the disk, whoever still waits for it"
    release.set()
    put(writer, "next").result(20)
    first.result(20)
    assert records(database) == 2
