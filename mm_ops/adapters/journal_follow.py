"""Reads a journal that a watcher writes, for whoever tells of it: what ended since, one episode, where a bot stands."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from mm_ops.adapters.bot_state import parse_state
from mm_ops.adapters.database import Database
from mm_ops.adapters.environment import Environment, journal_named
from mm_ops.adapters.journal_chain import Link, read_anchor
from mm_ops.adapters.journal_engine import check_chain
from mm_ops.adapters.journal_place import DEFAULT, anchor_beside
from mm_ops.adapters.journal_reads import JournalReads
from mm_ops.adapters.journal_tables import moment, stamp
from mm_ops.domain.errors import MissingEvidenceError, SchemaError
from mm_ops.domain.rendering.policy import DRILL_LABEL
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.backstop import READ_BY_DAGSTER, READ_BY_WATCHER
from mm_ops.domain.rollback.bot import BotState, TradingState
from mm_ops.domain.rollback.drill.judge import Trace
from mm_ops.domain.rollback.drill.notes import DrillRequest
from mm_ops.domain.rollback.hearing import BLIND
from mm_ops.domain.rollback.payload import parse_payload
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.report.follow import Cursor, Ended
from mm_ops.domain.rollback.report.story import (
    ActionRecord,
    ResumeRecord,
    Standing,
    StopRecord,
    Story,
    start_in,
)
from mm_ops.domain.rollback.stop import ActionState, Step

RECORDS_AT_ONCE = 5000
"""Of stops, in one read of what ended: a stop leaves two."""

_STOPS_SINCE = "SELECT alert, claimed_at FROM stops WHERE bot = :bot AND claimed_at >= :at ORDER BY claimed_at"
_BLIND_SINCE = "SELECT 1 FROM audit WHERE subject = 'blind' AND key IN (:watchdog, :backstop) AND at >= :at LIMIT 1"
_DRILL_STOPS = "SELECT episode FROM stops WHERE bot = :bot AND alert = :alert AND claimed_at >= :at"
_DRILL_EPISODES = "SELECT * FROM episodes WHERE bot = :bot AND alert = :alert AND first_at >= :at"
_BODIES_SINCE = "SELECT * FROM inbox WHERE received_at >= :at ORDER BY received_at"
_READERS = {READ_BY_WATCHER, READ_BY_DAGSTER}

_NEVER = "9999"
"""Sorts behind every time that is written down."""


@dataclass(frozen=True, slots=True)
class JournalPlace:
    """Where the journal is: a file or a URL. ``named`` says that somebody named it, so that it must be there."""

    url: str
    named: bool

    @property
    def is_file(self) -> bool:
        """Whether it is a SQLite file."""
        return "://" not in self.url or self.url.startswith("sqlite")

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def is_there(self) -> bool:
        """Whether there is a file; a server is asked only when it is read."""
        return not self.is_file or self.path.is_file()

    @classmethod
    def of(cls, environment: Environment, journal: str | None = None) -> Self:
        """The one that is named here or by ``MM_OPS_JOURNAL``, else the usual one below the project."""
        named = journal or journal_named(environment)
        return cls(named or str(environment.path(DEFAULT)), named=named is not None)

    def missing(self) -> str:
        """What to do about a file that is not there."""
        default = f"; MM_OPS_JOURNAL names another than {DEFAULT}" if not self.named else " (MM_OPS_JOURNAL)"
        return f"{self.path}: no journal there: `mm-ops watch` makes it{default}"


class FollowedJournal(JournalReads):
    """One open journal, read only."""

    def check(self, seen: Cursor, place: JournalPlace) -> None:
        """Refuse a journal that lost records, or is another than the one that was read before.

        Raises:
            IntegrityError: says which record is missing or another.
        """
        anchor = read_anchor(anchor_beside(place.url)) if place.is_file else None
        check_chain(self._source, anchor)
        if seen.seq:
            check_chain(self._source, Link(seen.seq, seen.hash))

    def ended_after(self, seq: int) -> tuple[list[Ended], Cursor]:
        """The stops that ended behind a record, oldest first, and how far the journal was read for that."""
        of_stops = "SELECT seq, hash, body FROM audit WHERE subject = 'stops' AND seq > :seq ORDER BY seq LIMIT :most"
        with self._reading() as journal:
            end = journal.rows("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
            rows = journal.rows(of_stops, seq=seq, most=RECORDS_AT_ONCE)
        last = rows[-1:] if len(rows) == RECORDS_AT_ONCE else end
        found = [(row, json.loads(row["body"])) for row in rows]
        ended = [_ended(row, body) for row, body in found if body["finished_at"] is not None]
        return ended, Cursor(last[0]["seq"], last[0]["hash"]) if last else Cursor()

    def story(self, episode: str) -> Story:
        """Everything on one episode that stopped a bot.

        Raises:
            MissingEvidenceError: no stop of that episode is in the journal.
        """
        with self._reading() as journal:
            stops = journal.rows("SELECT * FROM stops WHERE episode = :episode ORDER BY round", episode=episode)
            known = journal.rows("SELECT * FROM episodes WHERE episode = :episode", episode=episode)
        if not stops:
            raise MissingEvidenceError(f"{episode}: no stop of that episode is in the journal")
        rounds = tuple(self._stop_record(row) for row in stops)
        alert = self._alert_of(episode, known[0]["first_at"]) if known else None
        return Story(
            episode=episode,
            starts_at=start_in(episode),
            received_at=moment(known[0]["first_at"]) if known else None,
            labels={} if alert is None else dict(alert.labels),
            annotations={} if alert is None else dict(alert.annotations),
            told=tuple(known[0]["told"].split()) if known else (),
            rounds=rounds,
            resumes=self._resumes_of_stop(stops[-1]),
        )

    def trace(self, request: DrillRequest, alert: str) -> Trace | None:
        """What came of a drill's alert; ``None`` while nothing was decided on it."""
        named = {"bot": request.bot, "alert": alert, "at": stamp(request.at)}
        with self._reading() as journal:
            stops = {row["episode"] for row in journal.rows(_DRILL_STOPS, **named)}
            noted = {row["episode"]: row for row in journal.rows(_DRILL_EPISODES, **named)}
            bodies = journal.rows(_BODIES_SINCE, **named) if stops or noted else []
        brought = [*_brought(bodies, request.name)]
        episode = next((of for of, _, _ in brought if of in stops or of in noted), None)
        if episode is None:
            return None
        known = noted.get(episode)
        posted = (at for of, receiver, at in brought if of == episode and receiver not in _READERS)
        return Trace(
            episode=episode,
            starts_at=start_in(episode),
            posted_at=next(posted, None),
            decided="being stopped" if known is None else f"{known['decision']}: {known['reason']}",
            story=self.story(episode) if episode in stops else None,
        )

    def standing(self, bot: str) -> Standing:
        """Where a bot stands."""
        latest = "SELECT * FROM stops WHERE bot = :bot ORDER BY claimed_at DESC, round DESC LIMIT 1"
        rows = self._read(latest, bot=bot)
        if not rows:
            return Standing(bot=bot, stop=None, blind=self.blind())
        return Standing(
            bot=bot, stop=self._stop_record(rows[0]), resumes=self._resumes_of_stop(rows[0]), blind=self.blind()
        )

    def stops_since(self, bot: str, at: datetime) -> list[tuple[str, datetime]]:
        """The alerts that a bot was stopped for since a time, drills among them, and when, oldest first."""
        rows = self._read(_STOPS_SINCE, bot=bot, at=stamp(at))
        return [(row["alert"], moment(row["claimed_at"])) for row in rows]

    def was_blind_since(self, at: datetime) -> bool:
        """Whether the watcher said since a time that nothing may be heard, or that it is heard again."""
        return bool(self._read(_BLIND_SINCE, watchdog="watchdog", backstop=BLIND, at=stamp(at)))

    def _stop_record(self, row: Mapping[str, Any]) -> StopRecord:
        outcome = {} if row["outcome"] is None else json.loads(row["outcome"])
        names = ("episode", "round", "bot", "alert", "reason")
        return StopRecord(
            **{name: row[name] for name in names},
            claimed_at=moment(row["claimed_at"]),
            finished_at=None if row["finished_at"] is None else moment(row["finished_at"]),
            confirmed=bool(row["confirmed"]),
            faults=tuple(outcome.get("faults", ())),
            steps=tuple(Step(at=moment(one["at"]), what=one["what"]) for one in outcome.get("timeline", ())),
            actions=_in_order([_action(one) for one in self.actions_of(row["id"])]),
        )

    def _resumes_of_stop(self, stop: Mapping[str, Any]) -> tuple[ResumeRecord, ...]:
        """The way back after a stop, until the bot's next one."""
        later = "SELECT claimed_at FROM stops WHERE bot = :bot AND claimed_at > :at ORDER BY claimed_at LIMIT 1"
        back = "SELECT * FROM resumes WHERE bot = :bot AND at >= :at AND at < :before ORDER BY at, id"
        which = {"bot": stop["bot"], "at": stop["claimed_at"]}
        with self._reading() as journal:
            after = journal.rows(later, **which)
            rows = journal.rows(back, **which, before=after[0]["claimed_at"] if after else _NEVER)
        return tuple(
            ResumeRecord(
                to=TradingState(row["to"]),
                by=row["by"],
                why=row["why"],
                at=moment(row["at"]),
                confirmed=bool(row["confirmed"]),
            )
            for row in rows
        )

    def _alert_of(self, episode: str, first_at: str) -> Alert | None:
        """The alert as it was brought first; the body of that moment is in the inbox, if it came by one."""
        rows = self._read("SELECT body FROM inbox WHERE received_at = :at OR last_at = :at", at=first_at)
        for row in rows:
            try:
                alerts = parse_payload(row["body"]).alerts
            except SchemaError:
                continue
            for alert in alerts:
                if alert.episode == episode:
                    return alert
        return None


@contextmanager
def following(place: JournalPlace) -> Iterator[FollowedJournal]:
    """Open the journal for reading.

    Raises:
        MissingEvidenceError: there is no such file.
        PolicyError: the URL is none, or its driver is not installed.
    """
    if not place.is_there:
        raise MissingEvidenceError(place.missing())
    database = Database(place.url, read_only=True)
    try:
        yield FollowedJournal(database)
    finally:
        database.close()


def _brought(bodies: Sequence[Mapping[str, Any]], drill: str) -> Iterator[tuple[str, str, datetime]]:
    """Whatever brought the alert of a drill: its episode, the receiver that the body names, and when it came."""
    for row in bodies:
        try:
            payload = parse_payload(row["body"])
        except SchemaError:
            continue
        for alert in payload.alerts:
            if alert.firing and alert.labels.get(DRILL_LABEL) == drill:
                yield alert.episode, payload.receiver, moment(row["received_at"])


def _ended(row: Mapping[str, Any], body: Mapping[str, Any]) -> Ended:
    return Ended(
        seq=row["seq"],
        hash=row["hash"],
        bot=body["bot"],
        episode=body["episode"],
        round=body["round"],
        alert=body["alert"],
        confirmed=bool(body["confirmed"]),
        finished_at=moment(body["finished_at"]),
    )


def _action(row: Mapping[str, Any]) -> ActionRecord:
    return ActionRecord(
        name=ActionName(row["name"]),
        state=ActionState(row["state"]),
        attempts=row["attempts"],
        requested_at=None if row["requested_at"] is None else moment(row["requested_at"]),
        settled_at=None if row["settled_at"] is None else moment(row["settled_at"]),
        observed=None if row["observed"] is None else _observed(row),
        reason=row["reason"],
    )


def _observed(row: Mapping[str, Any]) -> BotState:
    return parse_state(row["observed"], f"journal: actions {row['key']}")


def _in_order(actions: Sequence[ActionRecord]) -> tuple[ActionRecord, ...]:
    order = list(ActionName)
    return tuple(sorted(actions, key=lambda one: order.index(one.name)))
