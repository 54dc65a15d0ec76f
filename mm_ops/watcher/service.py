"""The watcher without its web server: what is taken in is on the disk, then dealt with at once.

Threads: a lane for the stops of each bot, some for everything else, one that goes on with what a former process
left, and one that looks after all of them.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from mm_ops.adapters.journal import Intake, Journal
from mm_ops.adapters.notifier import Notifier
from mm_ops.domain.errors import MmOpsError, SchemaError, SourceUnavailableError
from mm_ops.domain.notify.notice import About
from mm_ops.domain.rollback.bounded import start
from mm_ops.domain.rollback.decision import Hold, judge_silence
from mm_ops.domain.rollback.hearing import Pulse
from mm_ops.domain.rollback.parts import divide
from mm_ops.domain.rollback.payload import Payload, parse_payload
from mm_ops.domain.rollback.policy import Response
from mm_ops.domain.rollback.response import Pending, Responder
from mm_ops.watcher.backstop import Backstop
from mm_ops.watcher.lanes import Lanes
from mm_ops.watcher.standing import Standing, find_weak

SHARED_LANES = 4
MOST_WAITING = 50_000
MOST_WAITING_BYTES = 32 * 1024 * 1024
"""What may wait in memory before the sender is told to come again; it does, and the journal has the rest."""

MOST_AT_ONCE = 10_000
"""Bodies that are read back from the journal at once, about 7 MB; the rest when these are dealt with."""

LOOK_EVERY_S = 2.0


@dataclass(slots=True)
class Service:
    """One running watcher."""

    journal: Journal
    responder: Responder
    say: Callable[[str], None]
    counts: Counter[str] = field(default_factory=Counter)
    blind: str | None = None
    looks: int = 0
    backstop: Backstop | None = None
    notifier: Notifier | None = None
    _lanes: Lanes = field(init=False)
    _pulse: Pulse = field(default_factory=Pulse)
    _started_at: float = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event)
    _recovering: threading.Thread | None = None
    _more: bool = False
    _waited_s: float = 0.0
    _said_blind: bool = False
    standing: Standing = field(init=False)

    def __post_init__(self) -> None:
        self.standing = Standing(self.journal, self.responder.pager)

    def start(self) -> None:
        """Start the threads, finish what a former process began, and take up what it left."""
        self._started_at = self.responder.clock.monotonic()
        self._lanes = Lanes.open(self.responder.bots, SHARED_LANES, self._deal)
        self._recovering = threading.Thread(target=self._recover, name="recovery", daemon=True)
        self.blind = self.journal.blind().get("watchdog")
        self._said_blind = bool(self.blind)
        self._recovering.start()
        start(self._look_after)
        if self.backstop is not None:
            backstop = self.backstop
            start(lambda: backstop.run(self._stop))

    def close(self, within: timedelta) -> bool:
        """Finish the stops that run, leave the rest to the journal; false where a stop did not end in time."""
        self._stop.set()
        end = self.responder.clock.monotonic() + within.total_seconds()
        ended = [self._lanes.close(within.total_seconds())]
        if self._recovering is not None:
            self._recovering.join(max(0.0, end - self.responder.clock.monotonic()))
            ended.append(not self._recovering.is_alive())
        if self.notifier is not None:
            self.notifier.close()
        self.journal.close()
        return all(ended)

    @property
    def load(self) -> tuple[int, int]:
        """How many bodies wait, and how many bytes they hold."""
        return self._lanes.load

    @property
    def faults(self) -> list[str]:
        """Why this watcher should not be relied on, if anything."""
        return self.standing.faults(lanes_alive=all(lane.alive for lane in self._lanes.every))

    @property
    def weak(self) -> list[str]:
        """What of it works less well, while it stops bots all the same."""
        return find_weak(self.blind, self.backstop, self.notifier)

    async def take_in(self, body: bytes) -> Intake:
        """Write a body down, and let it be dealt with.

        Raises:
            SchemaError: it is no payload.
            SourceUnavailableError: too much waits, the journal cannot be written or is gone: the sender must come
                again; in a journal that is gone it was written for us alone, and is dealt with.
        """
        intake = await asyncio.wrap_future(self._write_down(body))
        self._refuse_lost()
        return intake

    def put_in(self, body: bytes) -> None:
        """As ``take_in``, for what the backstop has read; returns when it is on the disk.

        Raises:
            SourceUnavailableError: too much waits, or the journal cannot be written.
        """
        self._write_down(body).result()

    def _write_down(self, body: bytes) -> "Future[Intake]":
        """Write a body down; it is dealt with once it is on the disk, whether or not anybody still waits for that."""
        payload = parse_payload(body)
        self._refuse_under_pressure()
        now = self.responder.clock.now()
        self.counts["alerts"] += len(payload.alerts)

        def deal(written: "Future[Intake]") -> None:
            if written.cancelled():
                return
            self.standing.judge_writing(written.exception())
            if written.exception() is None:
                intake = written.result()
                self._put(Pending(intake.digest, body, intake.seen, now), payload)

        future = self.journal.take_in_later(body, now)
        future.add_done_callback(deal)
        return future

    def note_unreadable(self, reason: str) -> None:
        """Tell that somebody who may post posted what is no payload: an alert may be lost in it."""
        about = About(todo="see who posts it: an alert may be lost in it; look at what fires in Alertmanager itself")
        self.responder.pager.page(f"a body at the hook was no payload: {reason}", about)

    def note_heartbeat(self, task: str, said: str, exit_status: int | None) -> None:
        """Write down a task's sign of life, for the cron sentinel.

        Raises:
            SourceUnavailableError: the journal cannot be written.
        """
        now = self.responder.clock.now()
        self.journal.note_event("heartbeat", task, {"signal": said, "exit_status": exit_status}, now)
        self._refuse_lost()

    def _refuse_under_pressure(self) -> None:
        waiting, size = self._lanes.load
        if waiting >= MOST_WAITING or size >= MOST_WAITING_BYTES:
            raise SourceUnavailableError(f"{waiting} bodies of {size} bytes wait: come again")

    def _refuse_lost(self) -> None:
        if (lost := self.journal.lost) is not None:
            raise SourceUnavailableError(f"journal: {lost}")

    def _put(self, pending: Pending, payload: Payload) -> None:
        """Let each part of a body wait in the lane of the bot whose stop it may ask for."""
        for bot, part in divide(payload, self.responder.policy, self.responder.bots):
            self._lanes.put(replace(pending, part=part), bot)

    def _deal(self, pending: Pending) -> None:
        """Deal with one body; what fails stays pending in the journal and is taken up again."""
        try:
            self.responder.take_up(pending)
            self.counts["dealt"] += 1
        except Exception as error:  # noqa: BLE001 - a lane that dies would leave its bot without a stop
            self._failed(pending, _words(error))

    def _failed(self, pending: Pending, reason: str) -> None:
        self.counts["failed"] += 1
        self.say(f"watch: body {pending.digest[:12]} is not dealt with and will be again: {reason}")
        about = About(
            todo="it is tried again; see what fires in Alertmanager, and stop the bot by hand if it must", grave=True
        )
        self.responder.pager.page(f"an alert is not dealt with yet: {reason}", about)

    def _recover(self) -> None:
        """Take up what waits, and beside it finish what was begun: a claim is taken once, whichever comes first."""
        for recover in (self._sweep_first, self.responder.recover):
            try:
                recover()
            except Exception as error:  # noqa: BLE001 - what is left must be told; the next sweep takes it up again
                about = About(
                    todo="`mm-ops halt status`: see whether each bot that should stand still does", grave=True
                )
                self.responder.pager.page(f"what a former watcher began is not finished: {_words(error)}", about)

    def _sweep_first(self) -> None:
        self._more = self._sweep()

    def _look_after(self) -> None:
        """Until the end: judge the journal and the Watchdog's silence, and take up again what has failed."""
        looks = (self._judge_journal, self._look_again, self._judge_silence)
        while not self._stop.wait(LOOK_EVERY_S):
            self.looks += 1
            for look in looks:
                try:
                    look()
                except Exception as error:  # noqa: BLE001 - if this ended, nobody would judge silence
                    self.counts["look_failed"] += 1
                    self.say(f"watch: {_words(error)}")

    def _judge_journal(self) -> None:
        self.standing.judge_journal(self.responder.clock.now())

    def _look_again(self) -> None:
        """Sweep where there is more or the time has come; then mend, too."""
        self._waited_s += LOOK_EVERY_S
        due = self._waited_s >= self.responder.policy.attempts.again_after.total_seconds()
        if due:
            for mend in (self.responder.take_over, self.responder.hold):
                start(partial(self._mend, mend))
        if due or self._more:
            self._waited_s = 0.0
            self._more = self._sweep()

    def _mend(self, mend: Callable[[], object]) -> None:
        """Finish what was begun and nobody is at any more, or see that what was stopped still stands."""
        try:
            mend()
        except MmOpsError as error:
            self.say(f"watch: what was begun is not looked after: {error}")

    def _sweep(self) -> bool:
        """Take up what is pending in the journal and waits nowhere; says whether there may be more."""
        if self._lanes.load[0]:
            return self._more
        found = self.journal.pending(MOST_AT_ONCE)
        for pending in found:
            if not self._lanes.has(pending.digest):
                self._take_again(pending)
        return len(found) == MOST_AT_ONCE

    def _take_again(self, pending: Pending) -> None:
        try:
            self._put(pending, parse_payload(pending.body))
        except SchemaError:  # an older watcher took it in; what cannot be read any more keeps nothing else waiting
            self._lanes.put(pending, None)

    @property
    def _age(self) -> timedelta:
        return timedelta(seconds=self.responder.clock.monotonic() - self._started_at)

    def _judge_silence(self) -> None:
        policy, now = self.responder.policy, self.responder.clock.now()
        names = [rule.name for rule in policy.alerts if rule.response is Response.HEARTBEAT]
        beats = [beat for name in names if (beat := self.journal.last_heard(name)) is not None]
        self._pulse = self._pulse.after(max(beats, default=None), self.responder.clock.monotonic())
        found = judge_silence(self._pulse.last(now), now - self._age, policy, now)
        self.blind = found.reason if isinstance(found, Hold) else None
        if bool(self.blind) != self._said_blind:
            said = self.blind or "the Watchdog is heard again"
            tell = self.responder.pager.page if self.blind else self.responder.pager.tell
            tell(said)  # first, and again while it cannot be written down: a full disk must not keep it secret
            self.journal.note_event("blind", "watchdog", {"blind": bool(self.blind), "reason": said}, now)
            self._said_blind = bool(self.blind)


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, MmOpsError) else f"a fault of mm_ops: {type(error).__name__}: {error}"
