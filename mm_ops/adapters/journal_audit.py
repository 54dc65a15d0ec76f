"""Does the journal say what was written into it? Reads every record and every row once, and changes nothing."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mm_ops.adapters.database import Database, DatabaseFaultError, Table, Transaction, translate
from mm_ops.adapters.journal_chain import GENESIS, AuditRecord, Link, link_hash, read_anchor
from mm_ops.adapters.journal_tables import INBOX, STATE
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


def audit_journal(url: str, anchor: Path) -> Audit:
    """Verify chain, anchor and rows.

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
            return _audit(transaction, anchor)
    except DatabaseFaultError as fault:
        found = translate(fault)
        if isinstance(found, IntegrityError):
            return Audit(0, GENESIS, None, (str(found),), ())
        raise found from fault
    finally:
        database.close()


def _audit(transaction: Transaction, anchor: Path) -> Audit:
    problems: list[str] = []
    doubts: list[str] = []
    anchored = _read_anchor(anchor, problems)
    latest: dict[tuple[str, str], str] = {}
    end = Link(0, GENESIS)
    for row in transaction.run("SELECT * FROM audit ORDER BY seq").each():
        record = AuditRecord(**row)
        problems += _check_record(record, end)
        end = Link(record.seq, record.hash)
        if anchored is not None and end.count == anchored.count and end.hash != anchored.hash:
            problems.append(f"audit {end.count}: expected the anchored hash {anchored.hash}, was {end.hash}")
        latest[record.subject, record.key] = record.body
    problems += _check_end(end, anchored, anchor, doubts)
    problems += _check_rows(transaction, latest)
    more = [f"and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
    count = None if anchored is None else anchored.count
    return Audit(end.count, end.hash, count, (*problems[:MOST_PROBLEMS], *more), tuple(doubts))


def _read_anchor(path: Path, problems: list[str]) -> Link | None:
    try:
        return read_anchor(path)
    except IntegrityError as error:
        problems.append(str(error))
        return None


def _check_record(row: AuditRecord, before: Link) -> Iterator[str]:
    if row.seq != before.count + 1:
        yield f"audit {row.seq}: expected record {before.count + 1}: records are missing before it"
    expected = link_hash(before.hash, row.seq, row.at, row.subject, row.key, row.body)
    if row.hash != expected:
        yield f"audit {row.seq}: expected hash {expected}, was {row.hash}: it or one before it is not as written"


def _check_end(end: Link, anchored: Link | None, path: Path, doubts: list[str]) -> Iterator[str]:
    if anchored is None:
        if end.count:
            doubts.append(f"{path}: no anchor there: whether records at the end are missing cannot be said")
    elif end.count < anchored.count:
        yield f"audit: expected at least {anchored.count} records as anchored, was {end.count}: the end was cut"


def _check_rows(transaction: Transaction, latest: dict[tuple[str, str], str]) -> Iterator[str]:
    """Compare every row with the last record of its key, both ways."""
    for name, table in STATE.items():
        expected = {key: body for (subject, key), body in latest.items() if subject == name}
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
    except ValueError:
        yield f"{table.name} {key}: its record is no JSON"
        return
    wrong = sorted(column for column in row if said.get(column) != row[column])
    if wrong:
        yield f"{table.name} {key}: {', '.join(wrong)}: not as recorded"
