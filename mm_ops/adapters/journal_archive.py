"""Takes old records out of a journal into files, so that it does not grow for ever and its chain can still be verified.

A heartbeat each 30 to 45 s leaves 9,200 records a day, 4.7 MB. An archive is one file of records that follow each
other, each as it was with its hash, and of the raw bodies that leave with them. What is the case now stays: of a row
whose last record leaves and that is not over, and of notes of which there is no later one, the same is recorded anew
(``carried`` for rows), before the records leave, in the same transaction. A record of the subject ``archive`` names the
file, its digest, and the hash that the chain goes on from.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from mm_ops.adapters.artifacts import write_atomically
from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_chain import GENESIS, AuditRecord, Link, link_hash, move_anchor, read_anchor
from mm_ops.adapters.journal_tables import CARRIED, STATE, stamp
from mm_ops.adapters.journal_writer import Ledger
from mm_ops.domain.errors import IntegrityError

MOST = 50_000
"""Records of one file, about 25 MB before it is packed: four days of beats."""

SUBJECT = "archive"
_PASSING = {"told", "confirmation", "payload", SUBJECT}
"""Notes that nobody reads back."""

_NOTES_KEPT = 60
"""Of one subject and key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """One archive: the records ``first`` to ``last``; ``before`` and ``head`` are the hashes that it lies between."""

    file: str
    sha256: str
    first: int
    last: int
    before: str
    head: str


def folder_beside(journal: Path) -> Path:
    """Where the archives of a journal lie."""
    return journal.with_name(f"{journal.name}.archive")


def archive_journal(journal: Journal, folder: Path, before: datetime, now: datetime) -> Archived | None:
    """Archive the oldest records, if they are from before that time; call it again until it gives ``None``.

    Raises:
        IntegrityError: a record is not as it was written; nothing leaves.
        SourceUnavailableError: the journal cannot be read or written.
        OSError: the file cannot be written; nothing leaves.
    """
    records = journal.oldest(before, MOST)
    if not records:
        return None
    first, last = records[0], records[-1]
    start = _base_hash(journal, first.seq)
    _verify(records, Link(first.seq - 1, start))
    over = journal.rows_over(before)
    bodies = {
        key: journal.body_of(key) for key in sorted({key for table, key in _kept_in(records) if table == "inbox"})
    }
    data = _pack(records, bodies, start)
    name = f"{first.seq:012d}-{last.seq:012d}.jsonl.gz"
    write_atomically(folder / name, data)
    made = Archived(
        file=name,
        sha256=hashlib.sha256(data).hexdigest(),
        first=first.seq,
        last=last.seq,
        before=start,
        head=last.hash,
    )
    journal.write(lambda ledger: _take_out(ledger, made, records, over, stamp(now)))
    return made


def move_anchors(journal: Journal, beside: Path, folder: Path) -> list[str]:
    """Move the anchors on that point to archived records: their writers have not written since, and could open no more.

    Raises:
        IntegrityError: one points to a record that is not the archived one, or whose archive is not there.
    """
    made = journal.subject(SUBJECT)
    first = journal.records_after(0, 1)
    moved = []
    for path in sorted((*beside.parent.glob(f"{beside.name}.anchor*"), *beside.parent.glob(f"{beside.name}.*.anchor"))):
        anchored = read_anchor(path)
        if made and anchored is not None and anchored.count < first[0]["seq"]:
            found = _archived_hash(folder, anchored.count)
            if found != anchored.hash:
                raise IntegrityError(
                    f"{path}: record {anchored.count}: expected the archived hash, was {anchored.hash}"
                )
            move_anchor(path, Link(made[0]["seq"], made[0]["hash"]))
            moved.append(path.name)
    return moved


def _archived_hash(folder: Path, seq: int) -> str | None:
    for path in folder.glob("*.jsonl.gz"):
        first, _, last = path.name.partition(".")[0].partition("-")
        if int(first) <= seq <= int(last):
            return next((record.hash for record in read_archive(path) if record.seq == seq), None)
    return None


def read_archive(path: Path) -> Iterator[AuditRecord]:
    """Read the records of an archive, one by one.

    Raises:
        IntegrityError: it is none that was written here.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            next(lines)
            for line in lines:
                given = json.loads(line)
                if "seq" in given:
                    yield AuditRecord(**given)
    except (OSError, EOFError, ValueError, TypeError, StopIteration) as error:
        raise IntegrityError(f"{path}: not the archive that was written: {error}") from error


def _take_out(
    ledger: Ledger, made: Archived, records: list[AuditRecord], over: Mapping[str, set[str]], at: str
) -> None:
    """Record anew what stays, then let the records and what is over go."""
    found = ledger.transaction.row("SELECT hash FROM audit WHERE seq = :seq", {"seq": made.last})
    if found != (made.head,):
        raise IntegrityError(f"journal: audit record {made.last}: another since it was read; archive again")
    later = "SELECT DISTINCT subject, key FROM audit WHERE seq > :seq"
    covered = {_what(row["subject"], row["key"]) for row in ledger.transaction.rows(later, seq=made.last)}
    ledger.note(SUBJECT, made.file, asdict(made), at)
    for (subject, key), kept in _kept_in(records).items():
        if (subject, key) in covered:
            continue
        if subject in STATE:
            _carry_or_drop(ledger, subject, key, over[subject], at)
        else:
            for record in kept[-_NOTES_KEPT:]:
                ledger.note(subject, key, json.loads(record.body), record.at)
    ledger.transaction.run("DELETE FROM audit WHERE seq <= :seq", {"seq": made.last})


def _kept_in(records: list[AuditRecord]) -> dict[tuple[str, str], list[AuditRecord]]:
    """The records by what they are about, without those that nobody reads back."""
    found: dict[tuple[str, str], list[AuditRecord]] = {}
    for record in records:
        if record.subject not in _PASSING:
            found.setdefault(_what(record.subject, record.key), []).append(record)
    return found


def _what(subject: str, key: str) -> tuple[str, str]:
    """What a record is about: one that says a row again is about that row."""
    table, _, of = key.partition("/")
    return (table, of) if subject == CARRIED else (subject, key)


def _carry_or_drop(ledger: Ledger, table: str, key: str, over: set[str], at: str) -> None:
    if key in over:
        ledger.transaction.run(f'DELETE FROM {table} WHERE "{STATE[table].key}" = :key', {"key": key})  # noqa: S608 - ours
        return
    row = ledger.get(STATE[table], key)
    if row is not None:
        ledger.note(CARRIED, f"{table}/{key}", row, at)


def _base_hash(journal: Journal, first: int) -> str:
    """The hash that the first record of the journal goes on from: of nothing, or of the last archive."""
    if first == 1:
        return GENESIS
    for note in journal.subject(SUBJECT):
        if note["body"]["last"] == first - 1:
            return str(note["body"]["head"])
    raise IntegrityError(f"journal: audit record {first}: records are missing before it, and no archive has them")


def _verify(records: list[AuditRecord], start: Link) -> None:
    before = start
    for one in records:
        expected = link_hash(before.hash, before.count + 1, one.at, one.subject, one.key, one.body)
        if (one.seq, one.hash) != (before.count + 1, expected):
            raise IntegrityError(f"journal: audit record {one.seq}: not as it was written: nothing is archived")
        before = Link(one.seq, one.hash)


def _pack(records: list[AuditRecord], bodies: Mapping[str, bytes], before: str) -> bytes:
    """Write the file: what it is, every record, every body; the same content gives the same bytes."""
    head = {"archive": 1, "first": records[0].seq, "last": records[-1].seq, "before": before}
    lines = [head, *({name: getattr(one, name) for name in AuditRecord.__slots__} for one in records)]
    lines += [{"inbox": key, "body": base64.b64encode(body).decode()} for key, body in sorted(bodies.items())]
    text = "".join(f"{json.dumps(line, sort_keys=True, ensure_ascii=False)}\n" for line in lines)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)
