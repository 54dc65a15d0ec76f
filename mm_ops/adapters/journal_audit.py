"""Does the journal say what was written into it? Reads every record and every row once, and changes nothing."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mm_ops.adapters.database import Database, DatabaseFaultError, Table, Transaction, translate
from mm_ops.adapters.journal_archive import SUBJECT, folder_beside, read_archive
from mm_ops.adapters.journal_chain import GENESIS, AuditRecord, Link, link_hash, read_anchor
from mm_ops.adapters.journal_tables import CARRIED, INBOX, STATE
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError

MOST_PROBLEMS = 100
"""Told; the first is what matters, since every record after a broken link is unproven."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found: ``problems`` are proofs of a change, ``doubts`` what could not be checked."""

    records: int
    head: str
    anchored: int | None
    problems: tuple[str, ...]
    doubts: tuple[str, ...]


def audit_journal(url: str, anchor: Path, archives: Path | None = None) -> Audit:
    """Verify chain, anchor and rows, through the archives, which lie beside a journal in a file by default.

    Raises:
        MissingEvidenceError: there is no journal.
        SourceUnavailableError: the database does not answer.
        PolicyError: the URL is none, or its driver is not installed.
    """
    database = Database(url, read_only=True)
    if database.file and not database.file.is_file():
        raise MissingEvidenceError(f"{database.file}: no journal there; the watcher makes it")
    try:
        with database.transaction() as transaction:
            return _audit(transaction, anchor, archives or folder_beside(database.file or anchor))
    except DatabaseFaultError as fault:
        found = translate(fault)
        if isinstance(found, IntegrityError):
            return Audit(0, GENESIS, None, (str(found),), ())
        raise found from fault
    finally:
        database.close()


def _audit(transaction: Transaction, anchor: Path, archives: Path) -> Audit:
    found = _Found()
    anchored = _read_anchor(anchor, found.problems)
    there = transaction.tables()
    found.problems += _check_schema(transaction, there)
    if "audit" not in there:
        return Audit(0, GENESIS, None if anchored is None else anchored.count, tuple(found.problems), ())
    latest: dict[tuple[str, str], str] = {}
    end = _follow_archives(transaction, archives, anchored, found)
    for row in transaction.run("SELECT * FROM audit ORDER BY seq").each():
        record = AuditRecord(**row)
        end = _check(record, end, anchored, found.problems)
        table, _, key = record.key.partition("/")
        latest[(table, key) if record.subject == CARRIED else (record.subject, record.key)] = record.body
    found.problems += _check_end(end, anchored, anchor, found.doubts)
    found.problems += _check_rows(transaction, latest, there)
    more = [f"and {len(found.problems) - MOST_PROBLEMS} more"] if len(found.problems) > MOST_PROBLEMS else []
    count = None if anchored is None else anchored.count
    return Audit(end.count, end.hash, count, (*found.problems[:MOST_PROBLEMS], *more), tuple(found.doubts))


@dataclass(slots=True)
class _Found:
    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def _follow_archives(transaction: Transaction, archives: Path, anchored: Link | None, found: _Found) -> Link:
    """Go through every archive that the journal names, as far as they are there; gives where the journal begins."""
    end = Link(0, GENESIS)
    notes = transaction.rows("SELECT body FROM audit WHERE subject = 'archive' ORDER BY seq")
    for made in _archives_named([json.loads(note["body"]) for note in notes], archives):
        path = archives / made["file"]
        if (end.count, end.hash) != (made["first"] - 1, made["before"]):
            found.doubts.append(f"{path}: begins with record {made['first']}: those before it are in no archive here")
        end = Link(made["first"] - 1, made["before"])
        if not path.is_file():
            found.doubts.append(f"{path}: not there: records {made['first']} to {made['last']} cannot be checked")
            end = Link(made["last"], made["head"])
            continue
        if hashlib.sha256(path.read_bytes()).hexdigest() != made["sha256"]:
            found.problems.append(
                f"{path}: expected sha256 {made['sha256']}, was another: not the archive that was made"
            )
        try:
            for record in read_archive(path):
                end = _check(record, end, anchored, found.problems)
        except IntegrityError as error:
            found.problems.append(str(error))
        if end != Link(made["last"], made["head"]):
            found.problems.append(f"{path}: expected to end with record {made['last']}, was {end.count}")
            end = Link(made["last"], made["head"])
    return end


def _archives_named(notes: list[dict[str, Any]], archives: Path) -> list[dict[str, Any]]:
    """The archives in their order; the notes of older ones have left with their own records, into a later archive."""
    found = {note["first"]: note for note in notes}
    waiting = list(notes)
    while waiting:
        path = archives / waiting.pop()["file"]
        with suppress(IntegrityError, ValueError):  # told where its records are checked
            for record in read_archive(path) if path.is_file() else ():
                if record.subject == SUBJECT:
                    note = json.loads(record.body)
                    waiting += [] if note["first"] in found else [note]
                    found.setdefault(note["first"], note)
    return [found[first] for first in sorted(found)]


def _check(record: AuditRecord, end: Link, anchored: Link | None, problems: list[str]) -> Link:
    problems += _check_record(record, end)
    here = Link(record.seq, record.hash)
    if anchored is not None and here.count == anchored.count and here.hash != anchored.hash:
        problems.append(f"audit {here.count}: expected the anchored hash {anchored.hash}, was {here.hash}")
    return here


def _read_anchor(path: Path, problems: list[str]) -> Link | None:
    try:
        return read_anchor(path)
    except IntegrityError as error:
        problems.append(str(error))
        return None


def _check_record(row: AuditRecord, before: Link) -> Iterator[str]:
    if row.seq != before.count + 1:
        yield f"audit {row.seq}: expected record {before.count + 1}: records are missing before it"
    texts = (row.at, row.subject, row.key, row.body)
    if not all(isinstance(text, str) for text in texts):
        yield f"audit {row.seq}: expected texts, was {', '.join(type(text).__name__ for text in texts)}"
        return
    expected = link_hash(before.hash, row.seq, row.at, row.subject, row.key, row.body)
    if row.hash != expected:
        yield f"audit {row.seq}: expected hash {expected}, was {row.hash}: it or one before it is not as written"


def _check_end(end: Link, anchored: Link | None, path: Path, doubts: list[str]) -> Iterator[str]:
    if anchored is None:
        if end.count:
            doubts.append(f"{path}: no anchor there: whether records at the end are missing cannot be said")
    elif end.count < anchored.count:
        yield f"audit: expected at least {anchored.count} records as anchored, was {end.count}: the end was cut"


_ABSENT = object()


def _of(fields: dict[str, Any], column: str) -> object:
    """A field, or that there is none: a column that is gone is not one that is empty."""
    return fields.get(column, _ABSENT)


def _check_schema(transaction: Transaction, there: frozenset[str]) -> Iterator[str]:
    """Look for what acts on the tables by itself, and for tables that are gone."""
    yield from (f"{name}: the table is gone" for name in sorted({"audit", *STATE} - there))
    yield from (
        f"trigger {name}: acts on the journal by itself; the watcher makes none"
        for name in sorted(transaction.triggers())
    )


def _check_rows(transaction: Transaction, latest: dict[tuple[str, str], str], there: frozenset[str]) -> Iterator[str]:
    """Compare every row with the last record of its key, both ways."""
    for name, table in STATE.items():
        expected = {key: body for (subject, key), body in latest.items() if subject == name}
        if name not in there:
            continue
        for row in transaction.run(f"SELECT * FROM {name}").each():  # noqa: S608 - one of our tables
            yield from _check_row(table, row, expected)
        yield from (f"{name} {key}: no such row, but a record says that there is" for key in expected)


def _check_row(table: Table, row: dict[str, Any], expected: dict[str, str]) -> Iterator[str]:
    key = row[table.key]
    if table is INBOX:
        body = row.pop("body")
        if not isinstance(body, bytes) or hashlib.sha256(body).hexdigest() != key:
            yield f"inbox {key}: the body is another than the one that came in"
    recorded = expected.pop(key, None)
    if recorded is None:
        yield f"{table.name} {key}: no record says that there is such a row"
        return
    try:
        said = json.loads(recorded)
    except (TypeError, ValueError):
        said = None
    if not isinstance(said, dict):
        yield f"{table.name} {key}: its record is no JSON object"
        return
    wrong = sorted(column for column in {*said, *row} if _of(said, column) != _of(row, column))
    if wrong:
        yield f"{table.name} {key}: {', '.join(wrong)}: not as recorded"
