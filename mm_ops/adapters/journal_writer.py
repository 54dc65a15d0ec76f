"""One thread that writes the journal: what waits while a commit reaches the disk goes into the next one.

So one fsync serves many, and a caller waits for at most two. A write is a function of the open ledger; it sees what
all before it have written. Where one write of a batch fails, each is tried alone, so that it fails alone.
"""

import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from mm_ops.adapters.database import Database, DatabaseFaultError, Table, Transaction, listed
from mm_ops.adapters.journal_chain import START, Anchor, AuditRecord, Link, chain
from mm_ops.adapters.journal_tables import AUDIT, INBOX
from mm_ops.domain.errors import IntegrityError, SourceUnavailableError

T = TypeVar("T")
_KEY = "the_key"
MOST_AT_ONCE = 512
"""Writes of one commit; the disk takes 150 to 340 commits a second, so this is no limit of speed."""

_SYNC_EVERY = 1.0
LOCK = 7_241_964_201
"""PostgreSQL's advisory lock of the chain: two watchers write one after the other."""


@dataclass(slots=True)
class Ledger:
    """The open transaction, and the end of the chain in it."""

    transaction: Transaction
    link: Link
    _records: list[AuditRecord] = field(default_factory=list)

    def get(self, table: Table, key: str) -> dict[str, Any] | None:
        """Read the row of a key; the raw body of an inbox row is left where it is."""
        row = self.transaction.row(_get(table), {_KEY: key})
        return None if row is None else dict(zip(_columns(table), row, strict=True))

    def add(self, table: Table, row: Mapping[str, Any], at: str, **not_audited: bytes) -> None:
        """Insert a row and its record."""
        self.transaction.run(table.insert, {**row, **not_audited})
        self._account(table, row, at)

    def change(self, table: Table, row: Mapping[str, Any], at: str) -> None:
        """Replace a row and add its record."""
        self.transaction.run(_change(table), {_KEY: row[table.key], **row})
        self._account(table, row, at)

    def put(self, table: Table, row: Mapping[str, Any], at: str) -> None:
        """Insert or replace."""
        known = self.get(table, row[table.key])
        if known is None:
            self.add(table, row, at)
        elif known != row:
            self.change(table, row, at)

    def note(self, subject: str, key: str, body: Mapping[str, Any], at: str) -> None:
        """Add a record that accounts for no row."""
        encoded = json.dumps(body, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        record = chain(self.link, at, subject, key, encoded)
        self.link = Link(record.seq, record.hash)
        self._records.append(record)

    def flush(self) -> None:
        """Insert the records."""
        rows = [{name: getattr(one, name) for name in AuditRecord.__slots__} for one in self._records]
        if rows:
            self.transaction.run_many(AUDIT.insert, rows)
        self._records.clear()

    def _account(self, table: Table, row: Mapping[str, Any], at: str) -> None:
        self.note(table.name, row[table.key], row, at)


@dataclass(slots=True)
class _Write:
    work: Callable[[Ledger], Any]
    future: "Future[Any]"


class Writer:
    """Takes writes from any thread; each future is done only when its commit is on the disk."""

    def __init__(self, database: Database, anchor: Anchor) -> None:
        self._database, self._anchor = database, anchor
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._synced_at = time.monotonic()
        self._end = START
        self._open = True
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def submit(self, work: Callable[[Ledger], T]) -> "Future[T]":
        """Queue a write.

        Raises:
            SourceUnavailableError: the journal is closed.
        """
        future: Future[T] = Future()
        with self._lock:
            if not self._open:
                raise SourceUnavailableError("the journal is closed")
            self._queue.put(_Write(work, future))
        return future

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._lock:
            self._open = False
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            # A caller that went away has cancelled its future; one that is marked as running no longer can.
            self._write([one for one in batch if one.future.set_running_or_notify_cancel()])
            if time.monotonic() - self._synced_at > _SYNC_EVERY:
                self._sync()

    def _next_batch(self) -> list[_Write] | None:
        """Wait for a write and take what waits behind it; ``None`` at the end."""
        try:
            first = self._queue.get(timeout=_SYNC_EVERY)
        except queue.Empty:
            self._sync()
            first = self._queue.get()
        batch = []
        while first is not None:
            batch.append(first)
            if len(batch) == MOST_AT_ONCE or self._queue.empty():
                return batch
            first = self._queue.get()
        if batch:
            self._queue.put(None)
            return batch
        return None

    def _write(self, batch: list[_Write]) -> None:
        if not batch:
            return
        try:
            answers = self._commit([one.work for one in batch])
        except Exception as error:  # noqa: BLE001 - a writer that dies would leave every caller waiting for ever
            if len(batch) == 1:
                batch[0].future.set_exception(_translate(error))
            else:
                for one in batch:
                    self._write([one])
            return
        for one, answer in zip(batch, answers, strict=True):
            one.future.set_result(answer)

    def _commit(self, works: list[Callable[[Ledger], Any]]) -> list[Any]:
        with self._database.transaction() as transaction:
            lock_chain(self._database, transaction)
            before = last_link(transaction)
            if before.count < self._end.count:
                found = f"expected at least {self._end.count} audit records, was {before.count}"
                raise IntegrityError(f"journal: {found}: another was put in its place, or its tail was cut")
            ledger = Ledger(transaction, before)
            answers = [work(ledger) for work in works]
            ledger.flush()
        self._end = ledger.link
        if ledger.link != before:
            self._anchor.write(ledger.link)
        return answers

    def _sync(self) -> None:
        self._anchor.sync()
        self._synced_at = time.monotonic()


def lock_chain(database: Database, transaction: Transaction) -> None:
    """Wait until no other watcher writes; SQLite has waited when the transaction began."""
    if not database.file:
        transaction.run("SELECT pg_advisory_xact_lock(:key)", {"key": LOCK})


def last_link(transaction: Transaction) -> Link:
    """Read the end of the chain."""
    row = transaction.row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
    return START if row is None else Link(*row)


@cache
def _columns(table: Table) -> tuple[str, ...]:
    """What a row's record says of it: all but the raw body, whose digest is its key."""
    return tuple(name for name in table.columns if table is not INBOX or name != "body")


@cache
def _get(table: Table) -> str:
    return f'SELECT {listed(_columns(table))} FROM {table.name} WHERE "{table.key}" = :{_KEY}'  # noqa: S608 - our names


@cache
def _change(table: Table) -> str:
    changed = ", ".join(f'"{name}" = :{name}' for name in _columns(table))
    return f'UPDATE {table.name} SET {changed} WHERE "{table.key}" = :{_KEY}'  # noqa: S608 - our own names


def _translate(error: Exception) -> Exception:
    if isinstance(error, DatabaseFaultError):
        return SourceUnavailableError(f"the journal was not written: {error.said}")
    return error
