"""Makes the journal's tables, and refuses a damaged journal."""

from mm_ops.adapters.database import Database, DatabaseFaultError, translate
from mm_ops.adapters.journal_chain import START, Link
from mm_ops.adapters.journal_tables import AUDIT, STATE
from mm_ops.adapters.journal_writer import last_link, lock_chain
from mm_ops.domain.errors import IntegrityError


def create_tables(database: Database) -> None:
    """Make the tables that are not there.

    Raises:
        SourceUnavailableError: the database does not answer.
        IntegrityError: the file is no database any more.
    """
    try:
        with database.transaction() as transaction:
            lock_chain(database, transaction)
            transaction.create((*STATE.values(), AUDIT))
    except DatabaseFaultError as fault:
        raise translate(fault) from fault


def check_sound(database: Database, anchor: Link | None) -> None:
    """Check what can be checked at every start: the pages of the file, and that the chain goes through the anchor.

    Raises:
        IntegrityError: it is damaged, or records are missing or others than were anchored.
    """
    try:
        with database.transaction() as transaction:
            said = transaction.row("PRAGMA quick_check(1)") if database.file else ("ok",)
    except DatabaseFaultError as fault:
        raise translate(fault) from fault
    if said != ("ok",):
        raise IntegrityError(f"journal: expected a sound file, was damaged: {said[0] if said else 'no answer'}")
    check_chain(database, anchor)


def check_chain(database: Database, anchor: Link | None) -> None:
    """Check that the chain goes through the anchor, or any other point of it that was seen before.

    Raises:
        SourceUnavailableError: the database does not answer.
        IntegrityError: records are missing or others than were anchored.
    """
    through = anchor or START
    try:
        with database.transaction() as transaction:
            end = last_link(transaction)
            found = transaction.row("SELECT hash FROM audit WHERE seq = :seq", {"seq": through.count})
    except DatabaseFaultError as fault:
        raise translate(fault) from fault
    if end.count < through.count:
        raise IntegrityError(f"journal: expected at least {through.count} audit records as anchored, was {end.count}")
    if through.count and found != (through.hash,):
        was = found[0] if found else "none: deleted, or archived by another host that left this anchor behind"
        raise IntegrityError(f"journal: audit record {through.count}: expected the anchored hash, was {was}")
