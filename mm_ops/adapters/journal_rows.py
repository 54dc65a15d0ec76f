"""What the rows of the journal become when something is written down.

Times of different hosts, and of a clock that was set, do not say what came after what. Of a bot's stops and of the
steps of its way back that decides whether it may trade: each has a time behind all that the journal has of the bot.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from mm_ops.adapters.journal_tables import (
    ACTIONS,
    EPISODES,
    RESUMES,
    SIGHTINGS,
    STOPS,
    is_running,
    moment,
    stamp,
    step_id,
)
from mm_ops.adapters.journal_writer import Ledger
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.decision import Decision, Hold, Notify, Page
from mm_ops.domain.rollback.resume import HALF_DONE
from mm_ops.domain.rollback.stop import ActionState, Stop

SIGHTINGS_KEPT = 1000
"""Of one set of labels; no policy asks for confirmations among more."""

_TIMES = (
    "SELECT MAX(claimed_at) AS at FROM stops WHERE bot = :bot UNION ALL SELECT MAX(at) FROM resumes WHERE bot = :bot"
)
_STOPPING = "SELECT claimed_at FROM stops WHERE bot = :bot AND finished_at IS NULL"
_STEPS = 'SELECT id, "to", "by" FROM resumes WHERE bot = :bot AND confirmed = 0'


def next_time(ledger: Ledger, bot: str, at: datetime) -> str:
    """Give the time of a bot's next stop or step: the clock's, or just behind the last that is written down."""
    last = [moment(row["at"]) for row in ledger.transaction.rows(_TIMES, bot=bot) if row["at"] is not None]
    return stamp(max([at, *(one + timedelta(microseconds=1) for one in last)]))


def stop_id(stop: Stop) -> str:
    """Name a stop."""
    return f"{stop.episode}/{stop.round}"


def is_held(row: dict[str, Any], at: datetime, lease: timedelta) -> bool:
    """Whether another's lease on a stop runs; one that ends later than any could was given by another clock."""
    return timedelta(0) <= moment(row["lease_until"]) - at <= 2 * lease


def put_resume(ledger: Ledger, bot: str, said: dict[str, Any], at: datetime) -> None:
    """Write down a step of the way back; it keeps the place that it had when it began."""
    known = ledger.get(RESUMES, step_id(bot, at))
    began = next_time(ledger, bot, at) if known is None else known["at"]
    ledger.put(RESUMES, {"id": step_id(bot, at), "bot": bot, "at": began, **said}, stamp(at))


def find_running(ledger: Ledger, bot: str, at: datetime, lease: timedelta) -> str | None:
    """Say which stop of a bot, or which step of its way back, has not ended."""
    return next(_find_running(ledger, bot, at, lease), None)


def _find_running(ledger: Ledger, bot: str, at: datetime, lease: timedelta) -> Iterator[str]:
    for stop in ledger.transaction.rows(_STOPPING, bot=bot):
        yield f"a stop of {bot} that began at {stop['claimed_at']} has not ended; {HALF_DONE}"
    for step in ledger.transaction.rows(_STEPS, bot=bot):
        if is_running(step, at, lease):
            began = step["id"].rpartition("@")[2]
            yield f"a step to {step['to']} that {step['by']} began at {began} has not ended"


def claimed_row(row: dict[str, Any] | None, key: str) -> dict[str, Any]:
    """The row that must be there, since the claim made it."""
    if row is None:
        raise KeyError(f"expected {key} in the journal, was claimed by nobody")
    return row


def write_json(value: object) -> str:
    """Write a value so that the same value gives the same text."""
    return json.dumps(to_plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def add_stop(ledger: Ledger, stop: Stop, lease: dict[str, str], now: datetime) -> None:
    """Write down a stop that begins, its actions ``intended``."""
    at, begins = stamp(now), next_time(ledger, stop.bot, now)
    named = {name: getattr(stop, name) for name in ("episode", "round", "bot", "alert", "reason")}
    open_end = {
        "claimed_at": begins,
        "finished_at": None,
        "confirmed": 0,
        "outcome": None,
    }
    ledger.add(STOPS, {"id": stop_id(stop), **named, **lease, **open_end}, at)
    for action in stop.actions:
        intended = {"state": ActionState.INTENDED.value, "attempts": 0, "intended_at": at}
        unknown = {"requested_at": None, "settled_at": None, "observed": None, "reason": ""}
        row = {"key": action.key, "stop": stop_id(stop), "name": action.name.value, **intended, **unknown}
        ledger.add(ACTIONS, row, at)


def note_sighting(ledger: Ledger, alert: Alert, seen_at: datetime) -> None:
    """Write down whether labels fired when they were seen last."""
    known = ledger.get(SIGHTINGS, alert.fingerprint)
    fired = ("" if known is None else known["fired"]) + str(int(alert.firing))
    row = {"fingerprint": alert.fingerprint, "fired": fired[-SIGHTINGS_KEPT:], "at": stamp(seen_at)}
    ledger.put(SIGHTINGS, row, stamp(seen_at))


def note_episode(ledger: Ledger, alert: Alert, decision: Decision, seen_at: str, at: str) -> None:
    """Write down what is known of a breach, and what people know of it."""
    known = ledger.get(EPISODES, alert.episode)
    told = set() if known is None else set(known["told"].split())
    if isinstance(decision, Page | Hold | Notify):
        told.add(decision.topic.value)
    row = {
        "episode": alert.episode,
        "alert": alert.name,
        "bot": alert.bot,
        "starts_at": stamp(alert.starts_at),
        "first_at": seen_at if known is None else known["first_at"],
        "last_at": seen_at,
        "fired": int(alert.firing or (known is not None and bool(known["fired"]))),
        "resolved": int(not alert.firing),  # the last word: what fires again with the same start is open again
        "told": " ".join(sorted(told)),
        "decision": type(decision).__name__,
        "reason": decision.reason,
    }
    ledger.put(EPISODES, row, at)
