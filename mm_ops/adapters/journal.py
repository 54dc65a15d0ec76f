"""The watcher's journal: what came in, what was decided, what was asked of a bot and what was read back.

SQLite (WAL, ``synchronous=FULL``) in a file by default, PostgreSQL by URL where two watchers run. Every method that
writes returns when the write is on the disk. ``owner`` names the watcher and stays the same over its restarts: what
it had begun is its own again at once, and another's only when the lease has run out.
"""

import hashlib
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self, TypeVar

from mm_ops.adapters.database import Database
from mm_ops.adapters.journal_chain import Anchor, read_anchor
from mm_ops.adapters.journal_engine import check_sound, create_tables
from mm_ops.adapters.journal_reads import JournalReads
from mm_ops.adapters.journal_rows import (
    add_stop,
    claimed_row,
    find_running,
    is_held,
    note_episode,
    note_sighting,
    put_resume,
    stop_id,
    write_json,
)
from mm_ops.adapters.journal_tables import ACTIONS, INBOX, STATE, STOPS, stamp, step_id
from mm_ops.adapters.journal_writer import Ledger, Writer
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.decision import Decision
from mm_ops.domain.rollback.stop import ActionResult, ActionState, Outcome, Stop

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Intake:
    """A body that is on the disk; ``seen`` counts how often the same bytes came, this time included."""

    digest: str
    seen: int


class Journal(JournalReads):
    """One open journal, for every thread of a process. It is a ``StopLog``."""

    def __init__(self, url: str, anchor: Path, *, owner: str, lease: timedelta) -> None:
        """Open the journal, and make it where there is none.

        Raises:
            SourceUnavailableError: the database does not answer, or the disk is full.
            IntegrityError: the file is damaged, or its chain does not go through the anchor. Do not start; page.
        """
        self._database, reads = Database(url), Database(url, read_only=True)
        create_tables(self._database)
        check_sound(reads, read_anchor(anchor))  # by one that reads: it takes a while, and keeps no writer waiting
        super().__init__(reads)
        self._anchor = Anchor(anchor)
        self._writer = Writer(self._database, self._anchor)
        self._owner, self._lease = owner, lease
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits, sync the anchor, and close."""
        self._writer.close()
        self._anchor.close()
        self._source.close()
        self._database.close()  # last: one that only reads could not fold the log back into the file

    @property
    def lost(self) -> str | None:
        """Say that what is written now is lost at the next start: the file is gone, and only we have it open."""
        return self._database.lost

    @property
    def fault(self) -> str | None:
        """What is wrong, if anything: with the file, the anchor or reading (all else goes on), or with the writer."""
        ended = None if self._writer.alive else "its writer has ended: restart the watcher"
        return ended or self.lost or self._anchor.fault or self.read_fault

    def take_in(self, body: bytes, at: datetime) -> Intake:
        """Write a body down; the same bytes again are counted."""
        return self.take_in_later(body, at).result()

    def take_in_later(self, body: bytes, at: datetime) -> "Future[Intake]":
        """As ``take_in``, for a caller that must not wait here: the future is done when the body is on the disk."""
        digest, moment = hashlib.sha256(body).hexdigest(), stamp(at)

        def work(ledger: Ledger) -> Intake:
            row = ledger.get(INBOX, digest)
            if row is None:
                first = {"digest": digest, "received_at": moment, "last_at": moment, "seen": 1, "handled": 0}
                ledger.add(INBOX, first, moment, body=body)
                return Intake(digest, 1)
            ledger.change(INBOX, {**row, "last_at": moment, "seen": row["seen"] + 1}, moment)
            return Intake(digest, row["seen"] + 1)

        return self._writer.submit(work)

    def handled(self, digest: str, seen: int, at: datetime) -> None:
        """Write down that a body was dealt with, as often as it had come (``seen``) when it was taken up."""

        def work(ledger: Ledger) -> None:
            row = ledger.get(INBOX, digest)
            if row is not None and row["handled"] < seen:
                ledger.change(INBOX, {**row, "handled": seen}, stamp(at))

        self._do(work)

    def note(self, alert: Alert, decision: Decision, seen_at: datetime, at: datetime) -> None:
        """Write down that an alert was seen and what was decided on it."""

        def work(ledger: Ledger) -> None:
            note_sighting(ledger, alert, seen_at)
            note_episode(ledger, alert, decision, stamp(seen_at), stamp(at))

        self._do(work)

    def note_event(self, subject: str, key: str, body: Mapping[str, object], at: datetime) -> None:
        """Add a record of anything else that must not be lost: a fault in a payload, a blind spell, a page.

        Raises:
            ValueError: the subject is the name of a table, whose records account for rows.
        """
        if subject in STATE:
            raise ValueError(f"subject: expected none of the tables, was {subject}")
        self._do(lambda ledger: ledger.note(subject, key, to_plain(body), stamp(at)))

    def claim(self, stop: Stop, at: datetime) -> bool:
        """Take the stop for this process; its actions are ``intended``, or as they were before a restart."""
        name, until = stop_id(stop), stamp(at + self._lease)

        def work(ledger: Ledger) -> bool:
            row = ledger.get(STOPS, name)
            if row is None:
                add_stop(ledger, stop, {"owner": self._owner, "lease_until": until}, at)
            elif row["finished_at"] is not None or (row["owner"] != self._owner and is_held(row, at, self._lease)):
                return False
            else:
                ledger.change(STOPS, {**row, "owner": self._owner, "lease_until": until}, stamp(at))
            return True

        with self._lock:
            if name in self._running:
                return False
            self._running.add(name)
        mine = False
        try:
            mine = self._do(work)
        finally:
            if not mine:
                self._release(name)
        return mine

    def request(self, keys: Collection[str], at: datetime) -> None:
        """Write down that the bot is about to be asked."""

        def work(ledger: Ledger) -> None:
            for key in keys:
                row = claimed_row(ledger.get(ACTIONS, key), key)
                asked = {"state": ActionState.REQUESTED.value, "requested_at": stamp(at), "settled_at": None}
                ledger.change(ACTIONS, {**row, **asked, "reason": ""}, stamp(at))

        self._do(work)

    def settle(self, results: Collection[ActionResult]) -> None:
        """Write down what came of actions; attempts add up over restarts."""

        def work(ledger: Ledger) -> None:
            for result in results:
                row = claimed_row(ledger.get(ACTIONS, result.action.key), result.action.key)
                came = {
                    "state": result.state.value,
                    "attempts": row["attempts"] + result.attempts,
                    "settled_at": stamp(result.at),
                    "observed": None if result.observed is None else write_json(result.observed),
                    "reason": result.reason,
                }
                ledger.change(ACTIONS, {**row, **came}, stamp(result.at))

        self._do(work)

    def finish(self, outcome: Outcome, at: datetime) -> None:
        """Write down what came of the stop; in any case it is no longer this process's."""
        name = stop_id(outcome.stop)

        def work(ledger: Ledger) -> None:
            row = claimed_row(ledger.get(STOPS, name), name)
            came = {"faults": outcome.faults, "timeline": outcome.timeline}
            ended = {"finished_at": stamp(at), "confirmed": int(outcome.confirmed), "outcome": write_json(came)}
            ledger.change(STOPS, {**row, **ended}, stamp(at))

        try:
            self._do(work)
        finally:
            self._release(name)

    def note_resume(self, bot: str, to: TradingState, *, by: str, why: str, confirmed: bool, at: datetime) -> None:
        """Write down a step of the way back, once before it is asked for and once when it was read back."""
        said = {"to": to.value, "by": by, "why": why, "confirmed": int(confirmed)}
        self._do(lambda ledger: put_resume(ledger, bot, said, at))

    def begin_resume(
        self, bot: str, to: TradingState, *, by: str, why: str, at: datetime, lease: timedelta
    ) -> str | None:
        """Write down that a step of the way back begins; or say why not: a stop, or another's step, has not ended.

        A step that came to nothing has ended when its lease has run out.
        """

        def work(ledger: Ledger) -> str | None:
            hindrance = find_running(ledger, bot, at, lease)
            if hindrance is None:
                put_resume(ledger, bot, {"to": to.value, "by": by, "why": why, "confirmed": 0}, at)
            return hindrance

        return self._do(work)

    def stopped_since(self, bot: str, at: datetime) -> bool:
        """Whether a stop of the bot was begun behind the step of the way back that began at this time."""
        began = "SELECT at FROM resumes WHERE id = :step"
        later = f"SELECT id FROM stops WHERE bot = :bot AND claimed_at >= COALESCE(({began}), :at) LIMIT 1"  # noqa: S608 - written above
        return bool(self._read(later, bot=bot, step=step_id(bot, at), at=stamp(at)))

    def write(self, work: Callable[[Ledger], T]) -> T:
        """Run a write of one's own, in one transaction with its records; returns when it is on the disk."""
        return self._do(work)

    def _do(self, work: Callable[[Ledger], T]) -> T:
        return self._writer.submit(work).result()

    def _release(self, name: str) -> None:
        with self._lock:
            self._running.discard(name)
