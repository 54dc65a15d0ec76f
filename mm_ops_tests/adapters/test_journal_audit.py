"""Whatever is changed in a journal after it was written is found: any byte of any row, and any row."""

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.database import Database, Table, Transaction
from mm_ops.adapters.journal_audit import Audit, audit_journal
from mm_ops.adapters.journal_engine import create_tables
from mm_ops.adapters.journal_tables import AUDIT, STATE
from mm_ops.domain.errors import MissingEvidenceError, PolicyError
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.response import Responder
from mm_ops_tests.rollback_world import NOW, QUICK, MemoryBot, Pages, WallClock, alert, open_journal

TABLES = [*STATE.values(), AUDIT]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with rows in every table."""
    folder = tmp_path_factory.mktemp("written")
    with open_journal(folder) as journal:
        for name in ("SoakLatencyP95High", "SoakWSLagHigh", "SoakEdgeDegradation"):
            labels = {"alertname": name, "bot": "paper"}
            one = {"labels": labels, "startsAt": "2026-11-25T12:00:00Z"}
            journal.take_in(json.dumps({"alerts": [one]}).encode(), NOW)
        Responder(journal, {"paper": MemoryBot()}, QUICK, WallClock(), Pages()).work_off()
        journal.note_resume("paper", TradingState.REDUCING, by="ada", why="fixed", confirmed=True, at=NOW)
        journal.note_event("blind", "watchdog", {"since": "12:00"}, NOW)
    return folder


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


@contextmanager
def editing(folder: Path) -> Iterator[Transaction]:
    database = Database(str(folder / "journal.sqlite"))
    with database.transaction() as transaction:
        yield transaction
    database.close()


def rows_of(journal: Transaction, table: Table) -> list[dict[str, Any]]:
    return journal.rows(f"SELECT * FROM {table.name}")  # noqa: S608 - one of ours


def audit(folder: Path) -> Audit:
    return audit_journal(str(folder / "journal.sqlite"), folder / "journal.anchor")


def content(folder: Path) -> list[list[Any]]:
    with editing(folder) as journal:
        return [[tuple(row.values()) for row in rows_of(journal, table)] for table in TABLES]


def test_what_was_written_is_sound_and_has_rows_everywhere(written: Path):
    found = audit(written)
    assert (found.problems, found.doubts) == ((), ())
    assert found.anchored == found.records > 20
    assert all(content(written))


def flipped(value: Any, rng: random.Random) -> Any:
    """The same value with one bit of one byte changed, as far as the column can hold it; a null is filled."""
    if value is None:
        return "x"
    if isinstance(value, int):
        return value ^ (1 << rng.randrange(10, 20))  # beyond the number of records: no two may have one
    raw = bytearray(value if isinstance(value, bytes) else value.encode())
    if not raw:
        return "x"
    place = rng.randrange(len(raw))
    raw[place] ^= 1 << rng.randrange(7)
    return bytes(raw) if isinstance(value, bytes) else raw.decode("utf-8", "replace")


@pytest.mark.parametrize("seed", range(150))
def test_any_bit_of_any_value_that_is_flipped_is_found(copy: Path, seed: int):
    rng = random.Random(seed)
    with editing(copy) as journal:
        table = rng.choice(TABLES)
        column = rng.choice(list(table.columns))
        row = rng.choice(rows_of(journal, table))
        changed = flipped(row[column], rng)
        statement = f'UPDATE {table.name} SET "{column}" = :changed WHERE "{table.key}" = :key'  # noqa: S608 - ours
        journal.run(statement, {"changed": changed, "key": row[table.key]})
    assert audit(copy).problems, f"{table.name}.{column}: {row[column]!r} became {changed!r}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_any_row_that_is_deleted_or_added_is_found(written: Path, tmp_path: Path, table: Any):
    with editing(written) as journal:
        rows = rows_of(journal, table)
    for number, row in enumerate(rows):
        folder = Path(shutil.copytree(written, tmp_path / f"without {number}"))
        with editing(folder) as journal:
            journal.run(f'DELETE FROM {table.name} WHERE "{table.key}" = :key', {"key": row[table.key]})  # noqa: S608
        assert audit(folder).problems, row
    folder = Path(shutil.copytree(written, tmp_path / "with one more"))
    last = rows[-1]
    other = last["seq"] + 1 if table is AUDIT else "another"
    with editing(folder) as journal:
        journal.run(table.insert, {**last, table.key: other})
    assert audit(folder).problems


def test_records_that_change_places_are_found(copy: Path):
    with editing(copy) as journal:
        for old, new in ((3, 9999), (4, 3), (9999, 4)):
            journal.run("UPDATE audit SET seq = :new WHERE seq = :old", {"old": old, "new": new})
    assert any(problem.startswith("audit 3: expected hash") for problem in audit(copy).problems)


def test_records_that_are_missing_are_told_as_missing(copy: Path):
    with editing(copy) as journal:
        journal.run("DELETE FROM audit WHERE seq IN (4, 5)")
    assert "audit 6: expected record 4: records are missing before it" in audit(copy).problems


def rewritten(folder: Path, keep: int) -> None:
    """Cut the chain after some records, with every row of the tables as those records say: nothing inside shows it."""
    with editing(folder) as journal:
        journal.run("DELETE FROM audit WHERE seq > :keep", {"keep": keep})
        bodies = {row["digest"]: row["body"] for row in rows_of(journal, STATE["inbox"])}
        latest = {(one["subject"], one["key"]): one["body"] for one in journal.rows("SELECT * FROM audit ORDER BY seq")}
        for table in STATE.values():
            journal.run(f"DELETE FROM {table.name}")  # noqa: S608 - one of ours
        for (subject, key), body in latest.items():
            if subject in STATE:
                further = {"body": bodies[key]} if subject == "inbox" else {}
                journal.run(STATE[subject].insert, {**json.loads(body), **further})


def test_a_tail_that_was_cut_together_with_its_rows_is_found_by_the_anchor(copy: Path):
    whole = audit(copy).records
    rewritten(copy, whole)
    assert audit(copy).problems == ()
    for keep in (whole - 1, whole // 2, 0):
        rewritten(copy, keep)
        (problem,) = audit(copy).problems
        assert problem == f"audit: expected at least {whole} records as anchored, was {keep}: the end was cut"


def test_a_whole_chain_that_was_made_anew_is_found_by_the_anchor(written: Path, tmp_path: Path):
    with open_journal(tmp_path) as forged:
        for number in range(50):
            forged.note(alert(starts_at=NOW + timedelta(hours=number)), replace_reason(), NOW, NOW)
    assert audit(tmp_path).problems == ()
    shutil.copyfile(written / "journal.anchor", tmp_path / "journal.anchor")
    (problem,) = audit(tmp_path).problems
    assert "expected the anchored hash" in problem


def replace_reason() -> Any:
    from mm_ops.domain.rollback.decision import Record  # noqa: PLC0415 - beside its only use

    return replace(Record("nothing happened"))


def test_a_missing_anchor_is_a_doubt_and_a_broken_one_a_problem(copy: Path):
    anchor = copy / "journal.anchor"
    anchor.write_text("1 x\n")
    assert "last line: expected a count and a hash" in audit(copy).problems[0]
    anchor.unlink()
    found = audit(copy)
    assert found.problems == ()
    assert "whether records at the end are missing cannot be said" in found.doubts[0]


def test_a_chain_that_goes_on_behind_the_anchor_is_sound(copy: Path):
    """The process was killed between a commit and its anchor, or another watcher wrote."""
    with open_journal(copy) as journal:
        before = (copy / "journal.anchor").read_bytes()
        journal.take_in(b"one more", NOW)
    (copy / "journal.anchor").write_bytes(before)
    found = audit(copy)
    assert (found.problems, found.doubts) == ((), ())
    assert found.anchored is not None
    assert found.anchored < found.records


@pytest.mark.parametrize("seed", range(40))
def test_any_byte_of_the_file_that_is_flipped_is_found_or_means_nothing(copy: Path, seed: int):
    """A byte in a free part of a page holds nothing: then everything reads as before."""
    rng, path = random.Random(seed), copy / "journal.sqlite"
    before = content(copy)
    raw = bytearray(path.read_bytes())
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    path.write_bytes(raw)
    if not audit(copy).problems:
        assert content(copy) == before


def test_many_problems_are_told_in_part(copy: Path):
    with open_journal(copy) as journal:
        for number in range(150):
            journal.take_in(b"%d" % number, NOW)
    with editing(copy) as journal:
        journal.run("UPDATE inbox SET received_at = 'x'")
    problems = audit(copy).problems
    assert len(problems) == 101
    assert problems[-1] == "and 53 more"


def test_an_empty_journal_without_an_anchor_is_sound(tmp_path: Path):
    create_tables(Database(str(tmp_path / "journal.sqlite")))
    assert audit(tmp_path) == Audit(0, "0" * 64, None, (), ())


def test_no_journal_is_no_answer(tmp_path: Path):
    with pytest.raises(MissingEvidenceError, match="no journal there"):
        audit(tmp_path)
    for url in ("nosuch://127.0.0.1/x", "://"):
        with pytest.raises(PolicyError, match="journal: "):
            audit_journal(url, tmp_path / "anchor")


def test_a_file_that_is_no_database_any_more_is_a_problem_and_so_is_one_without_tables(copy: Path):
    (copy / "journal.sqlite").write_bytes(b"<html>" * 5000)
    assert audit(copy).problems == ("journal: damaged: file is not a database",)
    (copy / "journal.sqlite").write_bytes(b"")
    assert "audit: the table is gone" in audit(copy).problems


EDITS = {
    "a record that is a list": ("UPDATE audit SET body = '[]' WHERE seq = 3", "audit 3: expected hash"),
    "a record of bytes": (
        "UPDATE audit SET body = x'00' WHERE seq = 3",
        "audit 3: expected texts, was str, str, str, bytes",
    ),
    "a table that is gone": ("DROP TABLE resumes", "resumes: the table is gone"),
    "the chain that is gone": ("DROP TABLE audit", "audit: the table is gone"),
    "a column that is gone": ("ALTER TABLE stops DROP COLUMN outcome", "outcome: not as recorded"),
    "a column more": ("ALTER TABLE stops ADD COLUMN note TEXT DEFAULT 'fine'", "note: not as recorded"),
    "what acts by itself": (
        "CREATE TRIGGER x AFTER INSERT ON stops BEGIN DELETE FROM stops; END",
        "trigger x: acts on the journal by itself",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_was_done_to_the_tables_themselves_is_found(copy: Path, name: str):
    statement, words = EDITS[name]
    with editing(copy) as journal:
        journal.run(statement)
    assert [problem for problem in audit(copy).problems if words in problem]


@pytest.mark.parametrize("last", ["[]", "null", "3", "{"])
def test_a_last_record_of_a_row_that_says_nothing_is_found(copy: Path, last: str):
    with editing(copy) as journal:
        journal.run("UPDATE audit SET body = :last WHERE subject = 'stops'", {"last": last})
    assert [problem for problem in audit(copy).problems if "its record is no JSON object" in problem]
