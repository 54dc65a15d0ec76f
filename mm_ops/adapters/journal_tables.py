"""The journal's tables: what is the case now, and the chain of audit records that says how it came to be.

Every row of the other tables is what the last audit record of its table and key says, so that an edit of either is
found. Times are texts in UTC of one width, so that they sort; bodies of audit records are JSON with sorted keys.
"""

from datetime import UTC, datetime

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()


def _text(name: str, *, needed: bool = True) -> Column[str]:
    return Column(name, Text, nullable=not needed)


def _number(name: str, *, needed: bool = True) -> Column[int]:
    return Column(name, Integer, nullable=not needed)


INBOX = Table(
    "inbox",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    _text("received_at"),
    _text("last_at"),
    _number("seen"),
    _number("handled"),
)
"""Raw bodies; ``seen`` counts how often the same bytes came, ``handled`` how many of them were dealt with."""

SIGHTINGS = Table("sightings", METADATA, Column("fingerprint", Text, primary_key=True), _text("fired"), _text("at"))
"""Whether the last sightings of a set of labels fired: ``110``, oldest first."""

EPISODES = Table(
    "episodes",
    METADATA,
    Column("episode", Text, primary_key=True),
    _text("alert"),
    _text("bot", needed=False),
    _text("starts_at"),
    _text("first_at"),
    _text("last_at"),
    _number("fired"),
    _number("resolved"),
    _text("told"),
    _text("decision"),
    _text("reason"),
)
"""Breaches; ``told`` are the topics that a person knows of, separated by spaces."""

STOPS = Table(
    "stops",
    METADATA,
    Column("id", Text, primary_key=True),
    _text("episode"),
    _number("round"),
    _text("bot"),
    _text("alert"),
    _text("reason"),
    _text("owner"),
    _text("lease_until"),
    _text("claimed_at"),
    _text("finished_at", needed=False),
    _number("confirmed"),
    _text("outcome", needed=False),
    Index("stops_of_bot", "bot", "claimed_at"),
)
"""Stops; the primary key is what lets one process have each."""

ACTIONS = Table(
    "actions",
    METADATA,
    Column("key", Text, primary_key=True),
    _text("stop"),
    _text("name"),
    _text("state"),
    _number("attempts"),
    _text("intended_at"),
    _text("requested_at", needed=False),
    _text("settled_at", needed=False),
    _text("observed", needed=False),
    _text("reason"),
    Index("actions_of_stop", "stop"),
)
"""What was asked of a bot."""

RESUMES = Table(
    "resumes",
    METADATA,
    Column("id", Text, primary_key=True),
    _text("bot"),
    _text("to"),
    _text("by"),
    _text("why"),
    _text("at"),
    _number("confirmed"),
)
"""Steps of the way back."""

AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _text("at"),
    _text("subject"),
    _text("key"),
    _text("body"),
    _text("hash"),
)
"""The chain: each hash is of the record and of the hash before it."""

STATE = {table.name: table for table in (INBOX, SIGHTINGS, EPISODES, STOPS, ACTIONS, RESUMES)}
"""The tables that the audit records account for, by name."""


def stamp(moment: datetime) -> str:
    """Write a time: ``2026-11-25T04:00:00.000000Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def moment(text: str) -> datetime:
    """Read a time that ``stamp`` wrote."""
    return datetime.fromisoformat(text)
