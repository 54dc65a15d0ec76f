"""A SQL database through its own driver: SQLite in a file, or PostgreSQL by URL; parameters are named ``:name``.

With an expression language between, the watcher would start later than it may and hold less in its memory
(decision 0015 has the numbers). What a transaction wrote is on the disk when its block ends, and undone when it raises.
"""

import importlib
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mm_ops.adapters.same_files import SameFiles
from mm_ops.domain.errors import IntegrityError, PolicyError, SourceUnavailableError

BUSY_S = 5.0
"""How long SQLite waits for another process's transaction; a commit takes about 5 ms."""

_CACHE = "cache_size=-512"
"""KiB a connection, where SQLite takes 2,000: each thread of the watcher may have one."""

_SERVER = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "options": "-c lock_timeout=8000 -c idle_in_transaction_session_timeout=5000",
}
"""PostgreSQL: a server that is gone is noticed, and a watcher that was frozen in a transaction keeps nobody waiting."""

_DAMAGED = ("malformed", "not a database", "disk i/o error", "could not decode", "can't decode")
_PARAMETER = re.compile(r":(\w+)")


class DatabaseFaultError(Exception):
    """What the driver raised, in one line; ``kinds`` are the names of its class and of those above it."""

    def __init__(self, error: Exception) -> None:
        self.said = " ".join(str(error).split()) or type(error).__name__
        self.kinds = frozenset(kind.__name__ for kind in type(error).__mro__)
        super().__init__(self.said)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table: what identifies a row, the declaration of each column by its name, and what each index is of."""

    name: str
    keys: tuple[str, ...]
    columns: Mapping[str, str]
    indexes: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The only column that identifies a row."""
        (key,) = self.keys
        return key

    def definitions(self) -> Iterator[str]:
        """Write the statements that make it where it is not."""
        declared = ", ".join(f'"{name}" {kind}' for name, kind in self.columns.items())
        yield f"CREATE TABLE IF NOT EXISTS {self.name} ({declared}, PRIMARY KEY ({listed(self.keys)}))"
        for name, of_what in self.indexes.items():
            yield f"CREATE INDEX IF NOT EXISTS {name} ON {self.name} {of_what}"

    @property
    def insert(self) -> str:
        """The statement that adds a row."""
        return _insert(self)


class Transaction:
    """An open transaction."""

    def __init__(self, cursor: Any, *, server: bool) -> None:
        self._cursor, self._server = cursor, server

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> "Transaction":
        """Run a statement."""
        self._cursor.execute(_pyformat(sql) if self._server else sql, parameters or {})
        return self

    def create(self, tables: Iterable[Table]) -> None:
        """Make the tables that are not there."""
        for table in tables:
            for statement in table.definitions():
                self.run(statement.replace(" BLOB ", " BYTEA ") if self._server else statement)

    def run_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each row."""
        self._cursor.executemany(_pyformat(sql) if self._server else sql, rows)

    def each(self) -> Iterator[dict[str, Any]]:
        """Give the rows of the statement that ran last, one at a time."""
        names = [column[0] for column in self._cursor.description]
        for row in self._cursor:
            yield dict(zip(names, map(_plain, row) if self._server else row, strict=True))

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Run a query and give all its rows."""
        return list(self.run(sql, parameters).each())

    def row(self, sql: str, parameters: Mapping[str, Any] | None = None) -> tuple[Any, ...] | None:
        """Run a query and give its first row, if there is one."""
        found: tuple[Any, ...] | None = self.run(sql, parameters)._cursor.fetchone()  # noqa: SLF001 - its own
        return found

    def tables(self) -> frozenset[str]:
        """The names of the tables that there are."""
        return self._names(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))",
            "table",
        )

    def triggers(self) -> frozenset[str]:
        """The names of what acts by itself when a row is written."""
        return self._names(
            "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = ANY (current_schemas(false))",
            "trigger",
        )

    def _names(self, of_server: str, kind: str) -> frozenset[str]:
        of_file = f"SELECT name FROM sqlite_master WHERE type = '{kind}'"  # noqa: S608 - written above
        rows = self.rows(of_server if self._server else of_file)
        return frozenset(name for row in rows for name in row.values())


class Database:
    """One database, for any number of threads; connections are kept and used again.

    Raises:
        PolicyError: the URL is none, or its driver is not installed.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        scheme, named, rest = url.partition("://")
        self.file = Path(rest.removeprefix("/") if named else url) if not named or scheme == "sqlite" else None
        self._read_only = read_only
        self._driver: Any = sqlite3 if self.file else _psycopg2(scheme)
        self._url = f"postgresql://{rest}"
        self._idle: list[Any] = []
        self._change = threading.Condition()
        self._files = SameFiles(self.file) if self.file else None
        if self.file and not read_only:
            self.file.parent.mkdir(parents=True, exist_ok=True)

    def bytewise(self, column: str) -> str:
        """Name a column so that it is compared byte by byte."""
        return f'"{column}"' if self.file else f'"{column}" COLLATE "C"'

    @property
    def lost(self) -> str | None:
        """Say that the files are no more those that were opened: who has them open goes on, seen by nobody."""
        gone = self._files.gone if self._files else None
        return f"{gone} was deleted or replaced while it was in use" if gone else None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin, and commit at the end of the block; one that only reads sees one state of the database.

        Raises:
            DatabaseFaultError: the driver raised an error; nothing was written.
        """
        connection: Any = None
        try:
            connection = self._take()
            cursor = self._begin(connection)
            yield Transaction(cursor, server=not self.file)
            cursor.close()  # a query that was not read to its end would keep seeing what it saw
            connection.commit()
            if self._files and not self._read_only:
                self._files.written()
        except (self._driver.Error, UnicodeDecodeError) as error:  # the words of a damaged file may be no text
            self._undo(connection)
            raise DatabaseFaultError(error) from error
        except BaseException:
            self._undo(connection)
            raise
        self._keep(connection)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._change:
            idle, self._idle = self._idle, []
        for one in idle:
            self._end(one)

    def _begin(self, connection: Any) -> Any:
        cursor = connection.cursor()
        if self.file:
            cursor.execute("BEGIN" if self._read_only else "BEGIN IMMEDIATE")
        return cursor

    def _take(self) -> Any:
        lost = self.lost
        with self._change:
            if lost:  # a new connection would be one to another file: wait for one of those that there are
                self._change.wait_for(lambda: self._idle, BUSY_S)
            connection = self._idle.pop() if self._idle else None
        if connection is None and lost:
            raise DatabaseFaultError(FileNotFoundError(lost))
        if connection is not None and not self.file and not self._answers(connection):
            connection = None
        return connection or (self._open_file(self._files) if self._files else self._connect())

    def _keep(self, connection: Any) -> None:
        with self._change:
            self._idle.append(connection)
            self._change.notify()

    def _undo(self, connection: Any) -> None:
        if connection is None:
            return
        try:
            connection.rollback()
        except self._driver.Error:
            self._end(connection)
        else:
            self._keep(connection)

    def _end(self, connection: Any) -> None:
        if self._files:
            self._files.closed()
        with suppress(self._driver.Error):
            connection.close()

    def _answers(self, connection: Any) -> bool:
        """Whether the server still has it: after its restart every kept connection is dead."""
        try:
            connection.cursor().execute("SELECT 1")
            connection.rollback()
        except self._driver.Error:
            self._end(connection)
            return False
        return True

    def _open_file(self, files: SameFiles) -> sqlite3.Connection:
        mode = "ro" if self._read_only else "rw" if files.known else "rwc"
        named = f"{files.file.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(named, timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=True)
        durable = ("journal_mode=WAL", "synchronous=FULL")
        for pragma in (_CACHE, *(("query_only=ON",) if self._read_only else durable)):
            connection.execute(f"PRAGMA {pragma}").close()
        files.opened()
        return connection

    def _connect(self) -> Any:
        further = {name: value for name, value in _SERVER.items() if f"{name}=" not in self._url}
        connection = self._driver.connect(self._url, **further)
        if self._read_only:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        return connection


def listed(columns: Iterable[str]) -> str:
    """Write the names of columns: some of them are words of SQL."""
    return ", ".join(f'"{name}"' for name in columns)


def translate(fault: DatabaseFaultError) -> IntegrityError | SourceUnavailableError:
    """Say what a fault of the journal's database means to us."""
    if any(word in fault.said.lower() for word in _DAMAGED):
        return IntegrityError(f"journal: damaged: {fault.said}")
    if "OperationalError" in fault.kinds or "DatabaseError" not in fault.kinds:
        return SourceUnavailableError(f"journal: not available: {fault.said}")
    return IntegrityError(f"journal: not as it was written: {fault.said}")


def _psycopg2(scheme: str) -> Any:
    if scheme not in {"postgresql", "postgresql+psycopg2"}:
        raise PolicyError(f"journal: expected a file, sqlite:/// or postgresql://, was {scheme}://")
    try:
        return importlib.import_module("psycopg2")
    except ModuleNotFoundError as error:
        raise PolicyError("journal: psycopg2 is not installed: it comes with the extra `postgres`") from error


@cache
def _pyformat(sql: str) -> str:
    return _PARAMETER.sub(r"%(\1)s", sql)


@cache
def _insert(table: Table) -> str:
    named = ", ".join(f":{name}" for name in table.columns)
    return f"INSERT INTO {table.name} ({listed(table.columns)}) VALUES ({named})"  # noqa: S608 - our own names


def _plain(value: Any) -> Any:
    """PostgreSQL's driver gives bytes as a view of them."""
    return bytes(value) if isinstance(value, memoryview) else value
