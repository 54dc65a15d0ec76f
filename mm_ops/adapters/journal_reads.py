"""Reads the journal: the history that a decision needs, and what was left unfinished."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from mm_ops.adapters.database import Database, DatabaseFaultError, Transaction, translate
from mm_ops.adapters.journal_chain import AuditRecord
from mm_ops.adapters.journal_tables import STATE, is_running, moment, stamp
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.bot import BotState
from mm_ops.domain.rollback.hearing import BLIND
from mm_ops.domain.rollback.history import History, PastRollback
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.response import Pending
from mm_ops.domain.rollback.stop import Action, Stop

STOPS_READ = 1000
"""Of one bot, the latest; at one a quarter of an hour that is ten days."""


_START = '%"signal":"start"%'
"""How a start is written down."""

_HISTORY = {
    "stops": "SELECT * FROM stops WHERE bot = :bot ORDER BY claimed_at DESC LIMIT :most",
    "resumes": "SELECT at FROM resumes WHERE bot = :bot AND confirmed = 1 ORDER BY at DESC LIMIT 1",
    "sightings": "SELECT fired FROM sightings WHERE fingerprint = :fingerprint",
    "episode": "SELECT fired, told FROM episodes WHERE episode = :episode",
}
_ACTIONS_BEGUN = "SELECT actions.* FROM actions JOIN stops ON stops.id = actions.stop WHERE stops.finished_at IS NULL"

_LAST_STOPS = (
    "SELECT * FROM stops WHERE NOT EXISTS (SELECT 1 FROM stops AS later WHERE later.bot = stops.bot "
    "AND later.claimed_at > stops.claimed_at) ORDER BY claimed_at, round"
)
"""By the index of bots and times: it is asked for twice a minute, and stops are kept for long."""


class JournalReads:
    """What can be asked of a journal without writing it."""

    def __init__(self, database: Database) -> None:
        self._source = database
        self.read_fault: str | None = None
        """Why it could not be read when it was last asked, if so."""

    def history(self, alert: Alert, *, bots: frozenset[str], bot: BotState | None, seen_at: datetime) -> History:
        """Read what is known of an alert's episode and its bot; the sighting that is judged counts as the last."""
        named = {"bot": alert.bot or "", "fingerprint": alert.fingerprint, "episode": alert.episode}
        with self._reading() as journal:
            found = {name: journal.rows(query, **named, most=STOPS_READ) for name, query in _HISTORY.items()}
        stops, resumes, sightings, known = found.values()
        before = sightings[0]["fired"] if sightings else ""
        return History(
            bots=bots,
            seen_at=seen_at,
            fired_before=bool(known and known[0]["fired"]),
            sightings=(*(digit == "1" for digit in before), alert.firing),
            told=frozenset(known[0]["told"].split()) if known else frozenset(),
            rollbacks=tuple(_past(row) for row in reversed(stops)),
            resumed_at=moment(resumes[0]["at"]) if resumes else None,
            bot=bot,
        )

    def pending(self, limit: int | None = None) -> list[Pending]:
        """The bodies that were not dealt with, oldest first; at most so many."""
        most = "" if limit is None else f" LIMIT {limit:d}"
        rows = self._read(f"SELECT * FROM inbox WHERE handled < seen ORDER BY last_at{most}")  # noqa: S608 - a number
        return [Pending(row["digest"], row["body"], row["seen"], moment(row["last_at"])) for row in rows]

    def unfinished(self) -> list[Stop]:
        """The stops that were begun and have no outcome, oldest first."""
        with self._reading() as journal:
            rows = journal.rows("SELECT * FROM stops WHERE finished_at IS NULL ORDER BY claimed_at")
            asked = journal.rows(_ACTIONS_BEGUN)
        return [_stop(row, [one for one in asked if one["stop"] == row["id"]]) for row in rows]

    def unconfirmed(self) -> list[PastRollback]:
        """The last stop of each bot, where it ended without being confirmed and nobody has resumed the bot since."""
        return [one for one in self._last_stops(lambda step: bool(step["confirmed"])) if not one.confirmed]

    def standing_stops(self, now: datetime, lease: timedelta) -> list[PastRollback]:
        """The last stop of each bot that has ended, where nobody resumes the bot, or has resumed it, since.

        A step of the way back that was begun longer ago than its lease, and not confirmed, came to nothing.
        """
        return self._last_stops(lambda step: bool(step["confirmed"]) or is_running(step, now, lease))

    def _last_stops(self, counts: Callable[[dict[str, Any]], bool]) -> list[PastRollback]:
        """The last stop of each bot that has ended, without a step behind it that counts."""
        with self._reading() as journal:
            latest = {row["bot"]: _past(row) for row in journal.rows(_LAST_STOPS)}
            steps = journal.rows("SELECT id, bot, at, confirmed FROM resumes")
        resumed = {(step["bot"], moment(step["at"])) for step in steps if counts(step)}
        return [
            one
            for one in latest.values()
            if one.finished_at is not None and not any(bot == one.bot and at >= one.at for bot, at in resumed)
        ]

    def actions_of(self, stop: str) -> list[dict[str, Any]]:
        """The actions of a stop as they are written, in the order of their names."""
        rows = self._read("SELECT * FROM actions WHERE stop = :stop ORDER BY name", stop=stop)
        return [{**row, "observed": None if row["observed"] is None else json.loads(row["observed"])} for row in rows]

    def last_heard(self, alert: str) -> datetime | None:
        """When an alert of this name was seen firing last, whatever its labels."""
        latest = "SELECT last_at FROM episodes WHERE alert = :alert AND fired = 1 ORDER BY last_at DESC LIMIT 1"
        rows = self._read(latest, alert=alert)
        return moment(rows[0]["last_at"]) if rows else None

    def heard(self, fingerprints: Collection[str]) -> dict[str, dict[datetime, datetime]]:
        """Of each set of labels the starts that are known, and when each was heard of last."""
        episode = self._source.bytewise("episode")
        query = f"SELECT starts_at, last_at FROM episodes WHERE {episode} >= :first AND {episode} < :behind"  # noqa: S608 - a name
        found = {}
        with self._reading() as journal:
            for name in fingerprints:
                rows = journal.rows(query, first=f"{name}@", behind=f"{name}A")  # the letter after the @
                found[name] = {moment(row["starts_at"]): moment(row["last_at"]) for row in rows}
        return found

    def blind(self) -> dict[str, str]:
        """Why nothing may be heard now, by what says so (``watchdog``, ``backstop``); empty where all is heard.

        Hold promotions while it is not empty. Only a watcher that runs can say so: see that one does.
        """
        latest = {key: self.notes("blind", key, 1) for key in ("watchdog", BLIND)}
        return {key: rows[0]["body"]["reason"] for key, rows in latest.items() if rows and rows[0]["body"]["blind"]}

    def open_breaches(self, bot: str, alerts: Collection[str], since: datetime) -> list[str]:
        """The episodes of a bot and of these alerts that were heard of since, firing when they were last."""
        heard = "SELECT episode, alert FROM episodes WHERE bot = :bot AND fired = 1 AND resolved = 0 AND last_at >= :at"
        rows = self._read(f"{heard} ORDER BY last_at", bot=bot, at=stamp(since))
        return [f"{row['alert']}, {row['episode']}" for row in rows if row["alert"] in alerts]

    def modes(self) -> dict[str, dict[str, Any]]:
        """How each watcher said at its latest start that it is set, by its owner's name."""
        found: dict[str, dict[str, Any]] = {}
        for row in self._read("SELECT key, body FROM audit WHERE subject = 'watcher' ORDER BY seq DESC LIMIT 100"):
            found.setdefault(row["key"], json.loads(row["body"]))
        return found

    def episodes(self, limit: int = 100) -> list[dict[str, Any]]:
        """The episodes that were heard of last, newest first, each with its latest stops, as they are written.

        One whose first stop is not quite over has no row of its own yet; it comes first.
        """
        with self._reading() as journal:
            rows = journal.rows("SELECT * FROM episodes ORDER BY last_at DESC LIMIT :most", most=limit)
            stops = journal.rows("SELECT * FROM stops ORDER BY claimed_at DESC LIMIT :most", most=STOPS_READ)
            named = {one["episode"] for one in stops}
            written = {one for one in named if journal.row("SELECT 1 FROM episodes WHERE episode = :one", {"one": one})}
        running = {one["episode"]: _running(one) for one in stops if one["episode"] not in written}
        found = [*running.values(), *rows]
        return [{**row, "stops": [_shown(one) for one in stops if one["episode"] == row["episode"]]} for row in found]

    def notes(self, subject: str, key: str, limit: int = 100) -> list[dict[str, Any]]:
        """The latest records that :meth:`Journal.note_event` wrote under a subject and key, newest first."""
        wanted = "SELECT * FROM audit WHERE subject = :subject AND key = :key ORDER BY seq DESC LIMIT :most"
        rows = self._read(wanted, subject=subject, key=key, most=limit)
        return [{**row, "body": json.loads(row["body"])} for row in rows]

    def heartbeats(self, task: str, limit: int) -> list[dict[str, Any]]:
        """The latest signs of life of a task, newest first; found at once even for one that has long been silent."""
        wanted = "SELECT at, body FROM audit WHERE subject = 'heartbeat' AND key = :key ORDER BY seq DESC LIMIT :most"
        return [{**row, "body": json.loads(row["body"])} for row in self._read(wanted, key=task, most=limit)]

    def heartbeat_before_starts(self, task: str) -> list[dict[str, Any]]:
        """The latest sign of life of a task that is no start; of one that only ever began, the first start."""
        of_task = "SELECT at, body FROM audit WHERE subject = 'heartbeat' AND key = :key"
        ended = self._read(f"{of_task} AND body NOT LIKE :start ORDER BY seq DESC LIMIT 1", key=task, start=_START)
        found = ended or self._read(f"{of_task} ORDER BY seq LIMIT 1", key=task)
        return [{**row, "body": json.loads(row["body"])} for row in found]

    def subject(self, name: str) -> list[dict[str, Any]]:
        """Every note of a subject, newest first."""
        rows = self._read("SELECT * FROM audit WHERE subject = :name ORDER BY seq DESC", name=name)
        return [{**row, "body": json.loads(row["body"])} for row in rows]

    def oldest(self, before: datetime, most: int) -> list[AuditRecord]:
        """The oldest records, as they are written, up to the first that is not from before that time."""
        with self._reading() as journal:
            found = journal.row("SELECT MIN(seq) FROM audit WHERE at >= :at", {"at": stamp(before)})
            end = found[0] if found and found[0] is not None else None
            if end is None:  # everything is older: the last record stays, so that the chain has an end
                end = (journal.row("SELECT MAX(seq) FROM audit") or (None,))[0] or 0
            rows = journal.rows("SELECT * FROM audit WHERE seq < :end ORDER BY seq LIMIT :most", end=end, most=most)
        return [AuditRecord(**row) for row in rows]

    def rows_over(self, before: datetime) -> dict[str, set[str]]:
        """The keys of the rows, by table, that may leave: dealt with, and last heard of before that time."""
        at = stamp(before)
        inbox = "SELECT digest AS key FROM inbox WHERE handled >= seen AND last_at < :at"
        episodes = (
            "SELECT episode AS key FROM episodes WHERE last_at < :at AND episode NOT IN (SELECT episode FROM stops)"
        )
        with self._reading() as journal:
            found = {"inbox": {row["key"] for row in journal.rows(inbox, at=at)}}
            found["episodes"] = {row["key"] for row in journal.rows(episodes, at=at)}
            found["sightings"] = {
                row["key"] for row in journal.rows("SELECT fingerprint AS key FROM sightings WHERE at < :at", at=at)
            }
        return {**{name: set[str]() for name in STATE}, **found}

    def body_of(self, digest: str) -> bytes:
        """The raw body that has this digest."""
        body: bytes = self._read("SELECT body FROM inbox WHERE digest = :digest", digest=digest)[0]["body"]
        return body

    def records_after(self, seq: int, limit: int = 1000) -> list[dict[str, Any]]:
        """The audit records behind a cursor, for whoever follows the journal."""
        rows = self._read("SELECT * FROM audit WHERE seq > :seq ORDER BY seq LIMIT :most", seq=seq, most=limit)
        return [{**row, "body": json.loads(row["body"])} for row in rows]

    def _read(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Run one query."""
        with self._reading() as journal:
            return journal.rows(query, **parameters)

    @contextmanager
    def _reading(self) -> Iterator[Transaction]:
        """Run several queries on one state of the database."""
        try:
            with self._source.transaction() as transaction:
                yield transaction
        except DatabaseFaultError as fault:
            self.read_fault = str(translate(fault))
            raise translate(fault) from fault
        self.read_fault = None


def _running(stop: dict[str, Any]) -> dict[str, Any]:
    """What an episode is while its first stop runs."""
    told = {name: stop[name] for name in ("episode", "alert", "bot", "reason")}
    return {**told, "decision": "RollBack", "first_at": stop["claimed_at"], "last_at": stop["claimed_at"], "told": ""}


def _shown(stop: dict[str, Any]) -> dict[str, Any]:
    return {**stop, "outcome": None if stop["outcome"] is None else json.loads(stop["outcome"])}


def _past(row: dict[str, Any]) -> PastRollback:
    return PastRollback(
        episode=row["episode"],
        round=row["round"],
        bot=row["bot"],
        alert=row["alert"],
        at=moment(row["claimed_at"]),
        finished_at=None if row["finished_at"] is None else moment(row["finished_at"]),
        confirmed=bool(row["confirmed"]),
    )


def _stop(row: dict[str, Any], actions: Sequence[dict[str, Any]]) -> Stop:
    """Rebuild a stop; its actions keep their keys, and the order that the enumeration of their names has."""
    order = list(ActionName)
    asked = sorted(
        (Action(one["key"], ActionName(one["name"])) for one in actions), key=lambda one: order.index(one.name)
    )
    return Stop(
        episode=row["episode"],
        round=row["round"],
        bot=row["bot"],
        alert=row["alert"],
        reason=row["reason"],
        actions=tuple(asked),
    )
