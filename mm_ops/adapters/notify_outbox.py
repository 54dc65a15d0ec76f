"""What was to be told, on the disk before it is: a process that is killed tells it after its next start.

One SQLite file of one watcher, apart from the journal, so that a damaged journal can still be told. Where the file
cannot be used the notices are kept in memory only, and ``fault`` says so: a full disk must not keep a page back.
"""

import json
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import TypeAdapter
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from mm_ops.adapters.journal_engine import open_engine
from mm_ops.adapters.journal_tables import moment, stamp
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.notify.delivery import Sent
from mm_ops.domain.notify.notice import Notice, Waiting

KEPT = timedelta(days=7)
"""How long what was delivered stays; a person asks about last week at most, and the journal has it for ever."""

_PRUNED_EVERY = timedelta(days=1)

WAITING, SENT, COUNTED, GIVEN_UP = "waiting", "sent", "counted", "given up"

_METADATA = MetaData()
_NOTICES = Table("notices", _METADATA, Column("number", Integer, primary_key=True), Column("notice", Text))
_DELIVERIES = Table(
    "deliveries",
    _METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("channel", Text, primary_key=True),
    Column("state", Text, index=True),
    Column("at", Text),
)
_NOTICE = TypeAdapter(Notice)


@dataclass(slots=True)
class _Entry:
    number: int
    notice: Notice
    channels: tuple[str, ...]
    written: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What a former process left for one channel."""

    waiting: list[Waiting] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)


class Outbox:
    """One open outbox, for any number of threads; no method raises."""

    def __init__(self, file: Path | None) -> None:
        """Open the file, or make it; without one nothing is on the disk."""
        self.fault: str | None = None if file else "no file: what waits is lost when the watcher dies"
        self._engine: Engine | None = None
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
        if self._engine is None:
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
        chosen = _DELIVERIES.c.number.in_(sorted(numbers))
        with self._disk:
            self._run(
                update(_DELIVERIES).where(chosen, _DELIVERIES.c.channel == channel).values(state=state, at=stamp(at))
            )

    def left(self, channel: str, most: int) -> Left:
        """Read what a former process left for a channel: the newest that wait, and what it had delivered."""
        if self._engine is None:
            return Left()
        joined = select(_NOTICES.c.number, _NOTICES.c.notice, _DELIVERIES.c.at).join(
            _DELIVERIES, _DELIVERIES.c.number == _NOTICES.c.number
        )
        of_channel = joined.where(_DELIVERIES.c.channel == channel).order_by(_NOTICES.c.number.desc()).limit(most)
        try:
            with self._engine.connect() as connection:
                waiting = connection.execute(of_channel.where(_DELIVERIES.c.state == WAITING)).all()
                sent = connection.execute(of_channel.where(_DELIVERIES.c.state == SENT)).all()
            return Left(
                [Waiting(number=row.number, notice=_parse(row.notice), former=True) for row in reversed(waiting)],
                _sent([(row.at, _parse(row.notice).key) for row in sent]),
            )
        except (SQLAlchemyError, ValueError) as error:
            self.fault = f"what a former watcher left is not readable: {_words(error)}"
            return Left()

    def prune(self, now: datetime) -> None:
        """Forget what was settled long ago."""
        self._pruned_at = now
        with self._disk:
            old = (_DELIVERIES.c.state != WAITING) & (_DELIVERIES.c.at < stamp(now - KEPT))
            self._run(delete(_DELIVERIES).where(old))
            self._run(delete(_NOTICES).where(_NOTICES.c.number.not_in(select(_DELIVERIES.c.number))))

    def close(self) -> None:
        """Let go of the file."""
        with self._disk:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None
                self._lock.release()

    def _open(self, file: Path) -> None:
        try:
            engine = open_engine(str(file))
            self._lock = FileLock(f"{file}.lock", timeout=0, thread_local=False)
            self._lock.acquire()
            with engine.begin() as connection:
                _METADATA.create_all(connection)
                self._last = connection.execute(select(func.max(_NOTICES.c.number))).scalar_one() or 0
            self._engine = engine
        except Timeout:
            self.fault = f"{file}: another watcher has it: what waits is lost when this one dies"
        except (SQLAlchemyError, OSError) as error:
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
        self._run((insert(_NOTICES), notices), *([(insert(_DELIVERIES), deliveries)] if deliveries else []))
        for one in batch:
            one.written = True

    def _run(self, *statements: Any) -> None:
        """Run in one transaction; what fails is told by ``fault`` until something succeeds."""
        if self._engine is None:
            return
        try:
            with self._engine.begin() as connection:
                for statement in statements:
                    connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
            self.fault = None
        except SQLAlchemyError as error:
            self.fault = f"not written: {_words(error)}"


def _text(notice: Notice) -> str:
    return json.dumps(to_plain(notice), ensure_ascii=False, separators=(",", ":"))


def _parse(text: str) -> Notice:
    return _NOTICE.validate_json(text)


def _sent(rows: list[tuple[str, str]]) -> list[Sent]:
    """Put together again what went out in one message: it has one time."""
    keys: dict[str, set[str]] = {}
    for at, key in rows:
        keys.setdefault(at, set()).add(key)
    return [Sent(moment(at), frozenset(found)) for at, found in sorted(keys.items())]


def _words(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())
