"""The journal's tables: what is the case now, and the chain of audit records that says how it came to be.

Every row of the other tables is what the last audit record of its table and key says, so that an edit of either is
found. Times are texts in UTC of one width, so that they sort; bodies of audit records are JSON with sorted keys.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mm_ops.adapters.database import Table

_TEXT, _TEXT_OR_NONE, _NUMBER = "TEXT NOT NULL", "TEXT", "INTEGER NOT NULL"


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, _TEXT)


INBOX = Table(
    "inbox",
    ("digest",),
    {
        **_texts("digest"),
        "body": "BLOB NOT NULL",
        **_texts("received_at", "last_at"),
        "seen": _NUMBER,
        "handled": _NUMBER,
    },
    {"inbox_waiting": "(last_at) WHERE handled < seen"},
)
"""Raw bodies; ``seen`` counts how often the same bytes came, ``handled`` how many of them were dealt with."""

SIGHTINGS = Table("sightings", ("fingerprint",), _texts("fingerprint", "fired", "at"))
"""Whether the last sightings of a set of labels fired: ``110``, oldest first."""

EPISODES = Table(
    "episodes",
    ("episode",),
    {
        **_texts("episode", "alert"),
        "bot": _TEXT_OR_NONE,
        **_texts("starts_at", "first_at", "last_at"),
        "fired": _NUMBER,
        "resolved": _NUMBER,
        **_texts("told", "decision", "reason"),
    },
    {"episodes_heard": "(last_at)", "episodes_of_alert": "(alert, last_at)"},
)
"""Breaches; ``told`` are the topics that a person knows of, separated by spaces."""

STOPS = Table(
    "stops",
    ("id",),
    {
        **_texts("id", "episode"),
        "round": _NUMBER,
        **_texts("bot", "alert", "reason", "owner", "lease_until", "claimed_at"),
        "finished_at": _TEXT_OR_NONE,
        "confirmed": _NUMBER,
        "outcome": _TEXT_OR_NONE,
    },
    {"stops_of_bot": "(bot, claimed_at)"},
)
"""Stops; the primary key is what lets one process have each."""

ACTIONS = Table(
    "actions",
    ("key",),
    {
        **_texts("key", "stop", "name", "state"),
        "attempts": _NUMBER,
        **_texts("intended_at"),
        **dict.fromkeys(("requested_at", "settled_at", "observed"), _TEXT_OR_NONE),
        **_texts("reason"),
    },
    {"actions_of_stop": "(stop)"},
)
"""What was asked of a bot."""

RESUMES = Table("resumes", ("id",), {**_texts("id", "bot", "to", "by", "why", "at"), "confirmed": _NUMBER})
"""Steps of the way back."""

AUDIT = Table(
    "audit",
    ("seq",),
    {"seq": _NUMBER, **_texts("at", "subject", "key", "body", "hash")},
    {"audit_of_subject": "(subject, seq)", "audit_of_task": "(key, seq) WHERE subject = 'heartbeat'"},
)
"""The chain: each hash is of the record and of the hash before it."""

STATE = {table.name: table for table in (INBOX, SIGHTINGS, EPISODES, STOPS, ACTIONS, RESUMES)}
"""The tables that the audit records account for, by name."""


CARRIED = "carried"
"""The subject of a record that says again what a row is whose own records were archived; its key: ``table/key``."""


def stamp(moment: datetime) -> str:
    """Write a time: ``2026-11-25T04:00:00.000000Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def moment(text: str) -> datetime:
    """Read a time that ``stamp`` wrote."""
    return datetime.fromisoformat(text)


def step_id(bot: str, at: datetime) -> str:
    """Name a step of the way back by when it began, as its own host says."""
    return f"{bot}@{stamp(at)}"


def is_running(step: Mapping[str, Any], now: datetime, lease: timedelta) -> bool:
    """Whether a step that was not confirmed may still be taken, as its own host's clock says."""
    return abs(now - moment(step["id"].rpartition("@")[2])) <= lease
