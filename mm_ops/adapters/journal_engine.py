"""Opens the journal's database so that a commit is on the disk when it returns, and refuses a damaged one."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError, SQLAlchemyError

from mm_ops.adapters.journal_chain import START, Link
from mm_ops.adapters.journal_tables import AUDIT, METADATA
from mm_ops.adapters.journal_writer import last_link, lock_chain
from mm_ops.domain.errors import IntegrityError, PolicyError, SourceUnavailableError

BUSY_MS = 5000
"""How long SQLite waits for another process's transaction; a commit takes about 5 ms."""

_DAMAGED = ("malformed", "not a database", "disk i/o error")


def open_engine(url: str, *, read_only: bool = False) -> Engine:
    """Open a database by URL; a plain path is a SQLite file.

    Raises:
        PolicyError: the URL is none, or its driver is not installed.
    """
    address = url if "://" in url else f"sqlite:///{url}"
    try:
        parsed = make_url(address)
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed, pool_pre_ping=True)
        if not read_only and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise PolicyError(f"journal: {' '.join(str(error).split())}") from error
    event.listen(engine, "connect", _read_only if read_only else _durable)
    event.listen(engine, "begin", _begin_read if read_only else _begin)
    return engine


def create_tables(engine: Engine) -> None:
    """Make the tables that are not there.

    Raises:
        SourceUnavailableError: the database does not answer.
        IntegrityError: the file is no database any more.
    """
    try:
        with engine.begin() as connection:
            lock_chain(connection)
            METADATA.create_all(connection)
    except SQLAlchemyError as error:
        raise translate(error) from error


def check_sound(engine: Engine, anchor: Link | None) -> None:
    """Check what can be checked at every start: the pages of the file, and that the chain goes through the anchor.

    Raises:
        IntegrityError: it is damaged, or records are missing or others than were anchored.
    """
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
                if said != "ok":
                    raise IntegrityError(f"journal: expected a sound file, was damaged: {said}")
    except SQLAlchemyError as error:
        raise translate(error) from error
    check_chain(engine, anchor)


def check_chain(engine: Engine, anchor: Link | None) -> None:
    """Check that the chain goes through the anchor, or any other point of it that was seen before.

    Raises:
        SourceUnavailableError: the database does not answer.
        IntegrityError: records are missing or others than were anchored.
    """
    try:
        with engine.begin() as connection:
            end = last_link(connection)
            through = anchor or START
            at_anchor = select(AUDIT.c.hash).where(AUDIT.c.seq == through.count)
            found = connection.execute(at_anchor).scalar_one_or_none() if through.count else through.hash
    except SQLAlchemyError as error:
        raise translate(error) from error
    if end.count < through.count:
        raise IntegrityError(f"journal: expected at least {through.count} audit records as anchored, was {end.count}")
    if found != through.hash:
        raise IntegrityError(f"journal: audit record {through.count}: expected the anchored hash, was {found}")


def translate(error: SQLAlchemyError) -> IntegrityError | SourceUnavailableError:
    """Say what a fault of the database means to us."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    if isinstance(error, DatabaseError) and any(word in said.lower() for word in _DAMAGED):
        return IntegrityError(f"journal: damaged: {said}")
    if isinstance(error, OperationalError) or not isinstance(error, DatabaseError):
        return SourceUnavailableError(f"journal: not available: {said}")
    return IntegrityError(f"journal: not as it was written: {said}")


def _durable(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver would begin transactions by itself, and late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _read_only(connection: Any, _: object) -> None:
    connection.isolation_level = None
    for pragma in ("query_only=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_read(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")
