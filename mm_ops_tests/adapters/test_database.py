from pathlib import Path

import pytest

from mm_ops.adapters.database import Database, DatabaseFaultError, Table, translate
from mm_ops.domain.errors import IntegrityError, PolicyError, SourceUnavailableError

THINGS = Table("things", ("name",), {"name": "TEXT NOT NULL", "by": "BLOB "}, {"things_by": "(name)"})


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A database with one table and one row."""
    place = str(tmp_path / "deep" / "some.sqlite")
    database = Database(place)
    with database.transaction() as transaction:
        transaction.create((THINGS,))
        transaction.run(THINGS.insert, {"name": "first", "by": b"ada"})
    database.close()
    return place


def names(database: Database) -> list[str]:
    with database.transaction() as transaction:
        return [row["name"] for row in transaction.rows("SELECT name FROM things ORDER BY name")]


def test_what_is_committed_is_on_the_disk(place: str):
    database = Database(place)
    with database.transaction() as transaction:
        pragmas = [transaction.row(f"PRAGMA {name}") for name in ("journal_mode", "synchronous")]
    database.close()
    assert pragmas == [("wal",), (2,)]


@pytest.mark.parametrize("scheme", ["", "sqlite:///"])
def test_a_file_is_named_by_its_path_or_by_a_url(place: str, scheme: str):
    database = Database(f"{scheme}{place}", read_only=True)
    assert (str(database.file), names(database)) == (place, ["first"])
    database.close()


def test_what_only_reads_cannot_write(place: str):
    database = Database(place, read_only=True)
    with pytest.raises(DatabaseFaultError, match="attempt to write a readonly database"), database.transaction() as one:
        one.run("DELETE FROM things")
    assert names(database) == ["first"]
    database.close()


def test_one_that_reads_sees_one_state_and_keeps_no_writer_waiting(place: str):
    writing, reading = Database(place), Database(place, read_only=True)
    with reading.transaction() as first:
        assert len(first.rows("SELECT * FROM things")) == 1
        with writing.transaction() as other:
            other.run_many(THINGS.insert, [{"name": name, "by": None} for name in ("second", "third")])
        assert len(first.rows("SELECT * FROM things")) == 1
    assert names(reading) == ["first", "second", "third"]
    reading.close()
    writing.close()


def test_a_query_that_is_not_read_to_its_end_keeps_no_old_state(place: str):
    writing, reading = Database(place), Database(place, read_only=True)
    with reading.transaction() as first:
        assert first.row("SELECT name FROM things") == ("first",)
    with writing.transaction() as other:
        other.run(THINGS.insert, {"name": "second", "by": None})
    assert names(reading) == ["first", "second"]
    reading.close()
    writing.close()


def write(database: Database, name: str) -> None:
    with database.transaction() as transaction:
        transaction.run(THINGS.insert, {"name": name, "by": None})


@pytest.mark.parametrize("kind", ["", "-wal", "-shm"])
def test_a_file_that_is_deleted_while_it_is_in_use_is_lost(place: str, kind: str):
    database = Database(place)
    write(database, "second")
    assert database.lost is None
    Path(f"{place}{kind}").unlink()
    write(database, "third")  # it goes on, and nobody will find it
    assert database.lost == f"{place}{kind} was deleted or replaced while it was in use"
    database.close()


def test_a_log_that_is_made_anew_after_a_close_is_not_lost(place: str):
    database = Database(place)
    for name in ("second", "third"):
        write(database, name)
        assert database.lost is None
        database.close()
        assert not Path(f"{place}-wal").exists()
        assert names(database)[-1] in {"second", "third"}
        assert database.lost is None


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_nothing_behind(place: str, error: type[BaseException]):
    database = Database(place)

    def half() -> None:
        with database.transaction() as transaction:
            transaction.run(THINGS.insert, {"name": "half", "by": None})
            raise error

    with pytest.raises(error):
        half()
    assert names(database) == ["first"]
    database.close()


def test_a_fault_of_the_driver_says_what_it_is_and_the_next_transaction_works(place: str):
    database = Database(place)
    with pytest.raises(DatabaseFaultError, match="UNIQUE constraint failed") as raised, database.transaction() as one:
        one.run_many(THINGS.insert, [{"name": name, "by": None} for name in ("half", "first")])
    assert "IntegrityError" in raised.value.kinds
    assert names(database) == ["first"]
    database.close()


@pytest.mark.parametrize(
    ("kind", "said", "meant"),
    [
        ("OperationalError", "no such table: audit", SourceUnavailableError),
        ("OperationalError", "Could not decode to UTF-8 column", IntegrityError),
        ("DatabaseError", "database disk image is malformed", IntegrityError),
        ("ProgrammingError", "something else", IntegrityError),
        ("InterfaceError", "connection already closed", SourceUnavailableError),
    ],
)
def test_each_fault_means_that_it_may_pass_or_that_somebody_must_look(kind: str, said: str, meant: type[Exception]):
    import sqlite3  # noqa: PLC0415 - the names of the classes are those of every driver

    found = translate(DatabaseFaultError(getattr(sqlite3, kind)(said)))
    assert type(found) is meant
    assert said in str(found)


@pytest.mark.parametrize("url", ["nosuch://127.0.0.1/x", "postgresql+nosuch://127.0.0.1/x", "://"])
def test_a_url_of_no_driver_is_refused_in_a_line(url: str):
    with pytest.raises(PolicyError) as refused:
        Database(url)
    assert str(refused.value).startswith("journal: expected a file, sqlite:/// or postgresql://, was ")
    assert "\n" not in str(refused.value)
