"""Reads the journal: the history that a decision needs, and what was left unfinished."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, select
from sqlalchemy.exc import SQLAlchemyError

from mm_ops.adapters.journal_engine import translate
from mm_ops.adapters.journal_tables import ACTIONS, AUDIT, EPISODES, INBOX, RESUMES, SIGHTINGS, STOPS, moment
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.bot import BotState
from mm_ops.domain.rollback.hearing import BLIND
from mm_ops.domain.rollback.history import History, PastRollback
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.response import Pending
from mm_ops.domain.rollback.stop import Action, Stop

STOPS_READ = 1000
"""Of one bot, the latest; at one a quarter of an hour that is ten days."""


class JournalReads:
    """What can be asked of a journal without writing it."""

    def __init__(self, engine: Engine) -> None:
        self._source = engine

    def history(self, alert: Alert, *, bots: frozenset[str], bot: BotState | None, seen_at: datetime) -> History:
        """Read what is known of an alert's episode and its bot; the sighting that is judged counts as the last."""
        named = alert.bot or ""
        of_bot = select(STOPS).where(STOPS.c.bot == named).order_by(STOPS.c.claimed_at.desc()).limit(STOPS_READ)
        back = (
            select(RESUMES.c.at)
            .where(RESUMES.c.bot == named, RESUMES.c.confirmed == 1)
            .order_by(RESUMES.c.at.desc())
            .limit(1)
        )
        fired = select(SIGHTINGS.c.fired).where(SIGHTINGS.c.fingerprint == alert.fingerprint)
        episode = select(EPISODES.c.fired, EPISODES.c.told).where(EPISODES.c.episode == alert.episode)
        stops, resumes, sightings, known = self._read(of_bot, back, fired, episode)
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
        waiting = select(INBOX).where(INBOX.c.handled < INBOX.c.seen).order_by(INBOX.c.last_at)
        (rows,) = self._read(waiting.limit(limit))
        return [Pending(row["digest"], row["body"], row["seen"], moment(row["last_at"])) for row in rows]

    def unfinished(self) -> list[Stop]:
        """The stops that were begun and have no outcome, oldest first."""
        begun = select(STOPS).where(STOPS.c.finished_at.is_(None)).order_by(STOPS.c.claimed_at)
        actions = select(ACTIONS).join(STOPS, STOPS.c.id == ACTIONS.c.stop).where(STOPS.c.finished_at.is_(None))
        rows, asked = self._read(begun, actions)
        return [_stop(row, [one for one in asked if one["stop"] == row["id"]]) for row in rows]

    def unconfirmed(self) -> list[PastRollback]:
        """The last stop of each bot, where it ended without being confirmed and nobody has resumed the bot since."""
        latest: dict[str, PastRollback] = {}
        rows, resumes = self._read(
            select(STOPS).order_by(STOPS.c.claimed_at), select(RESUMES).where(RESUMES.c.confirmed == 1)
        )
        for row in rows:
            latest[row["bot"]] = _past(row)
        resumed = {(row["bot"], moment(row["at"])) for row in resumes}
        return [
            one
            for one in latest.values()
            if one.finished_at is not None
            and not one.confirmed
            and not any(bot == one.bot and at >= one.at for bot, at in resumed)
        ]

    def actions_of(self, stop: str) -> list[dict[str, Any]]:
        """The actions of a stop as they are written, in the order of their names."""
        (rows,) = self._read(select(ACTIONS).where(ACTIONS.c.stop == stop).order_by(ACTIONS.c.name))
        return [{**row, "observed": None if row["observed"] is None else json.loads(row["observed"])} for row in rows]

    def last_heard(self, alert: str) -> datetime | None:
        """When an alert of this name was seen firing last, whatever its labels."""
        latest = select(EPISODES.c.last_at).where(EPISODES.c.alert == alert, EPISODES.c.fired == 1)
        (rows,) = self._read(latest.order_by(EPISODES.c.last_at.desc()).limit(1))
        return moment(rows[0]["last_at"]) if rows else None

    def heard(self, fingerprints: Collection[str]) -> dict[str, dict[datetime, datetime]]:
        """Of each set of labels the starts that are known, and when each was heard of last."""
        names = list(fingerprints)
        columns = select(EPISODES.c.starts_at, EPISODES.c.last_at)
        queries = [columns.where(EPISODES.c.episode.startswith(f"{name}@", autoescape=True)) for name in names]
        found = zip(names, self._read(*queries), strict=True)
        return {name: {moment(row["starts_at"]): moment(row["last_at"]) for row in rows} for name, rows in found}

    def blind(self) -> dict[str, str]:
        """Why nothing may be heard now, by what says so (``watchdog``, ``backstop``); empty where all is heard.

        Hold promotions while it is not empty. Only a watcher that runs can say so: see that one does.
        """
        latest = {key: self.notes("blind", key, 1) for key in ("watchdog", BLIND)}
        return {key: rows[0]["body"]["reason"] for key, rows in latest.items() if rows and rows[0]["body"]["blind"]}

    def episodes(self, limit: int = 100) -> list[dict[str, Any]]:
        """The episodes that were heard of last, newest first, each with its latest stops, as they are written.

        One whose first stop is not quite over has no row of its own yet; it comes first.
        """
        heard = select(EPISODES).order_by(EPISODES.c.last_at.desc()).limit(limit)
        latest = select(STOPS).order_by(STOPS.c.claimed_at.desc()).limit(STOPS_READ)
        known = select(EPISODES.c.episode).where(EPISODES.c.episode.in_(select(latest.subquery().c.episode)))
        rows, stops, noted = self._read(heard, latest, known)
        written = {row["episode"] for row in noted}
        running = {one["episode"]: _running(one) for one in stops if one["episode"] not in written}
        found = [*running.values(), *rows]
        return [{**row, "stops": [_shown(one) for one in stops if one["episode"] == row["episode"]]} for row in found]

    def notes(self, subject: str, key: str, limit: int = 100) -> list[dict[str, Any]]:
        """The latest records that :meth:`Journal.note_event` wrote under a subject and key, newest first."""
        wanted = select(AUDIT).where(AUDIT.c.subject == subject, AUDIT.c.key == key)
        (rows,) = self._read(wanted.order_by(AUDIT.c.seq.desc()).limit(limit))
        return [{**row, "body": json.loads(row["body"])} for row in rows]

    def records_after(self, seq: int, limit: int = 1000) -> list[dict[str, Any]]:
        """The audit records behind a cursor, for whoever follows the journal."""
        (rows,) = self._read(select(AUDIT).where(AUDIT.c.seq > seq).order_by(AUDIT.c.seq).limit(limit))
        return [{**row, "body": json.loads(row["body"])} for row in rows]

    def _read(self, *queries: Select[Any]) -> list[list[dict[str, Any]]]:
        """Run several queries on one state of the database."""
        try:
            with self._source.connect() as connection:
                return [[dict(row) for row in connection.execute(query).mappings()] for query in queries]
        except SQLAlchemyError as error:
            raise translate(error) from error


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
