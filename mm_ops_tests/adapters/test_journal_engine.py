from pathlib import Path

import pytest

from mm_ops.adapters.database import Database
from mm_ops.adapters.journal_chain import Link
from mm_ops.adapters.journal_engine import check_sound, create_tables
from mm_ops.adapters.journal_tables import moment, stamp
from mm_ops.domain.errors import IntegrityError, SourceUnavailableError
from mm_ops_tests.rollback_world import NOW


def test_a_folder_in_place_of_the_file_does_not_answer(tmp_path: Path):
    with pytest.raises(SourceUnavailableError, match="journal: not available: unable to open database file"):
        create_tables(Database(str(tmp_path)))


def test_tables_of_another_make_are_refused(tmp_path: Path):
    database = Database(str(tmp_path / "journal.sqlite"))
    with pytest.raises(SourceUnavailableError, match="no such table"):
        check_sound(database, Link(1, "a" * 64))
    create_tables(database)
    check_sound(database, None)
    with pytest.raises(IntegrityError, match="expected at least 1 audit records as anchored, was 0"):
        check_sound(database, Link(1, "a" * 64))
    database.close()


def test_times_are_texts_that_sort_and_read_back():
    assert stamp(NOW) == "2026-11-25T12:00:00.000000Z"
    assert moment(stamp(NOW)) == NOW
