"""What was to be told, on the disk before it is: a process that is killed tells it after its next start.

One SQLite file of one watcher, apart from the journal, so that a damaged journal can still be told. Where the file
cannot be used the notices are kept in memory only, and ``fault`` says so: a full disk must not keep a page back.
"""

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from mm_ops.adapters.database import Database, DatabaseFaultError, Table
from mm_ops.adapters.journal_tables import moment, stamp
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.notify.notice import Notice, Waiting

KEPT = timedelta(days=7)
"""How long what was delivered stays; a person asks about last week at most, and the journal has it for ever."""

_PRUNED_EVERY = timedelta(days=1)

WAITING, SENT, COUNTED, GIVEN_UP = "waiting", "sent", "counted", "given up"

_NOTICES = Table("notices", ("number",), {"number": "INTEGER NOT NULL", "notice": "TEXT"})
_DELIVERIES = Table(
    "deliveries",
    ("number", "channel"),
    {"number": "INTEGER NOT NULL", "channel": "TEXT NOT NULL", "state": "TEXT", "at": "TEXT"},
    {"ix_deliveries_state": "(state)"},
)
_LEFT = """
SELECT notices.number, notices.notice, deliveries.at FROM notices JOIN deliveries ON deliveries.number = notices.number
WHERE deliveries.channel = :channel AND deliveries.state = :state ORDER BY notices.number DESC LIMIT :most
"""
_NOTICE = TypeAdapter(Notice)


@dataclass(slots=True)
class _Entry:
    number: int
    notice: Notice
    channels: tuple[str, ...]
    written: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What a former process left for one channel: what waits, and the keys of what went out in each message."""

    waiting: list[Waiting] = field(default_factory=list)
    sent: dict[datetime, set[int]] = field(default_factory=dict)


class Outbox:
    """One open outbox, for any number of threads; no method raises."""

    def __init__(self, file: Path | None) -> None:
        """Open the file, or make it; without one nothing is on the disk."""
        self.fault: str | None = None if file else "no file: what waits is lost when the watcher dies"
        self._database: Database | None = None
        self._guard, self._disk = threading.Lock(), threading.Lock()
        self._queue: list[_Entry] = []
        self._last = 0
        self._pruned_at = datetime.max.replace(tzinfo=UTC)
        if file is not None:
            self._open(file)

    def add(self, notice: Notice, channels: Sequence[str], within_s: float) -> int:
        """Take a notice in; it is on the disk when this returns, unless ``fault`` says why not. Gives its number.

        What comes while another write is on its way goes into the next one together.
        """
        with self._guard:
            self._last += 1
            entry = _Entry(self._last, notice, tuple(channels))
            self._queue.append(entry)
        if self._database is None:
            self._queue.clear()
        elif self._disk.acquire(timeout=within_s):
            try:
                if not entry.written:
                    self._write_queue()
            finally:
                self._disk.release()
        else:
            self.fault = f"not written within {within_s:.3g} s"
        return entry.number

    def settle(self, numbers: Collection[int], channel: str, state: str, at: datetime) -> None:
        """Write down what became of notices on one channel."""
        if not numbers:
            return
        if at - self._pruned_at > _PRUNED_EVERY:
            self.prune(at)
        settled = "UPDATE deliveries SET state = :state, at = :at WHERE number = :number AND channel = :channel"
        which = {"channel": channel, "state": state, "at": stamp(at)}
        with self._disk:
            self._run((settled, [{**which, "number": number} for number in numbers]))

    def left(self, channel: str, most: int) -> Left:
        """Read what a former process left for a channel: the newest that wait, and what it had delivered."""
        if self._database is None:
            return Left()
        try:
            with self._database.transaction() as outbox:
                waiting, sent = (
                    outbox.rows(_LEFT, channel=channel, state=state, most=most) for state in (WAITING, SENT)
                )
            return Left(
                [Waiting(number=row["number"], notice=_parse(row["notice"]), former=True) for row in reversed(waiting)],
                _sent([(row["at"], _parse(row["notice"]).key) for row in sent]),
            )
        except (DatabaseFaultError, ValueError) as error:
            self.fault = f"what a former watcher left is not readable: {_words(error)}"
            return Left()

    def prune(self, now: datetime) -> None:
        """Forget what was settled long ago."""
        self._pruned_at = now
        old = "DELETE FROM deliveries WHERE state <> :waiting AND at < :before"
        which = {"waiting": WAITING, "before": stamp(now - KEPT)}
        with self._disk:
            self._run((old, [which]), ("DELETE FROM notices WHERE number NOT IN (SELECT number FROM deliveries)", [{}]))

    def close(self) -> None:
        """Let go of the file."""
        with self._disk:
            if self._database is not None:
                self._database.close()
                self._database = None
                self._lock.release()

    def _open(self, file: Path) -> None:
        try:
            database = Database(str(file))
            self._lock = FileLock(f"{file}.lock", timeout=0, thread_local=False)
            self._lock.acquire()
            with database.transaction() as outbox:
                outbox.create((_NOTICES, _DELIVERIES))
                (last,) = outbox.row("SELECT max(number) FROM notices") or (None,)
            self._last, self._database = last or 0, database
        except Timeout:
            self.fault = f"{file}: another watcher has it: what waits is lost when this one dies"
        except (DatabaseFaultError, OSError) as error:
            self.fault = f"{file}: not usable: {_words(error)}; what waits is lost when the watcher dies"

    def _write_queue(self) -> None:
        with self._guard:
            batch, self._queue = self._queue, []
        notices = [{"number": one.number, "notice": _text(one.notice)} for one in batch]
        deliveries = [
            {"number": one.number, "channel": channel, "state": WAITING, "at": stamp(one.notice.at)}
            for one in batch
            for channel in one.channels
        ]
        self._run((_NOTICES.insert, notices), (_DELIVERIES.insert, deliveries))
        for one in batch:
            one.written = True

    def _run(self, *statements: tuple[str, Sequence[Mapping[str, Any]]]) -> None:
        """Run in one transaction; what fails is told by ``fault`` until something succeeds."""
        if self._database is None:
            return
        try:
            with self._database.transaction() as outbox:
                for sql, rows in statements:
                    outbox.run_many(sql, rows)
            self.fault = None
        except DatabaseFaultError as error:
            self.fault = f"not written: {_words(error)}"


def _text(notice: Notice) -> str:
    return json.dumps(to_plain(notice), ensure_ascii=False, separators=(",", ":"))


def _parse(text: str) -> Notice:
    return _NOTICE.validate_json(text)


def _sent(rows: list[tuple[str, int]]) -> dict[datetime, set[int]]:
    """Put together again what went out in one message: it has one time."""
    keys: dict[str, set[int]] = {}
    for at, key in rows:
        keys.setdefault(at, set()).add(key)
    return {moment(at): found for at, found in sorted(keys.items())}


def _words(error: Exception) -> str:
    return " ".join(str(error).split())
