from pathlib import Path

import pytest
from sqlalchemy import select, text

from mm_ops.adapters.journal_chain import Link
from mm_ops.adapters.journal_engine import check_sound, create_tables, open_engine
from mm_ops.adapters.journal_tables import AUDIT, INBOX, moment, stamp
from mm_ops.domain.errors import IntegrityError, PolicyError, SourceUnavailableError
from mm_ops_tests.rollback_world import NOW


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path):
    engine = open_engine(str(tmp_path / "deep" / "journal.sqlite"))
    with engine.connect() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")
        ]
    engine.dispose()
    assert pragmas == ["wal", 2]


def test_what_only_reads_cannot_write(tmp_path: Path):
    place = str(tmp_path / "journal.sqlite")
    writing, reading = open_engine(place), open_engine(place, read_only=True)
    create_tables(writing)
    with reading.connect() as connection:
        assert connection.execute(select(INBOX)).all() == []
        with pytest.raises(Exception, match="attempt to write a readonly database"):
            connection.execute(text("DELETE FROM inbox"))
    reading.dispose()
    writing.dispose()


def test_reading_does_not_keep_the_writer_waiting(tmp_path: Path):
    place = str(tmp_path / "journal.sqlite")
    writing, reading = open_engine(place), open_engine(place, read_only=True)
    create_tables(writing)
    row = {"seq": 1, "at": "t", "subject": "s", "key": "k", "body": "{}", "hash": "h"}
    with reading.connect() as connection:
        connection.execute(select(AUDIT)).all()
        with writing.begin() as other:
            other.execute(AUDIT.insert(), row)
        assert connection.execute(select(AUDIT)).all() == [], "one read sees one state"
    reading.dispose()
    writing.dispose()


@pytest.mark.parametrize("url", ["nosuch://127.0.0.1/x", "postgresql+nosuch://127.0.0.1/x", "://"])
def test_a_url_of_no_driver_is_refused_in_a_line(url: str):
    with pytest.raises(PolicyError) as refused:
        open_engine(url)
    assert str(refused.value).startswith("journal: ")
    assert "\n" not in str(refused.value)


def test_a_folder_in_place_of_the_file_does_not_answer(tmp_path: Path):
    engine = open_engine(str(tmp_path))
    with pytest.raises(SourceUnavailableError, match="journal: not available: unable to open database file"):
        create_tables(engine)


def test_tables_of_another_make_are_refused(tmp_path: Path):
    engine = open_engine(str(tmp_path / "journal.sqlite"))
    with pytest.raises(SourceUnavailableError, match="no such table"):
        check_sound(engine, Link(1, "a" * 64))
    create_tables(engine)
    check_sound(engine, None)
    with pytest.raises(IntegrityError, match="expected at least 1 audit records as anchored, was 0"):
        check_sound(engine, Link(1, "a" * 64))
    engine.dispose()


def test_times_are_texts_that_sort_and_read_back():
    assert stamp(NOW) == "2026-11-25T12:00:00.000000Z"
    assert moment(stamp(NOW)) == NOW
