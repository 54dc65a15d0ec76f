"""The backstop over a real journal and the real answering of alerts; the two servers are in memory."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.journal import Journal
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.backstop import Active, Posted
from mm_ops.domain.rollback.response import Responder
from mm_ops.watcher.backstop import Backstop
from mm_ops_tests.rollback_world import NOW, QUICK, MemoryBot, Pages, WallClock, alert, open_journal, refuses

SECOND = timedelta(seconds=1)
HOLD = timedelta(minutes=10)
FIRED = NOW - timedelta(minutes=5)
LATENCY = alert(starts_at=FIRED)
ACTIVE = Active(alert(starts_at=FIRED - HOLD), HOLD)


@dataclass
class Server:
    """A server in memory that may be dead or ill."""

    alerts: Sequence[Posted] | Sequence[Active] = ()
    faults: Sequence[str] = ()
    fault: Exception | None = None
    fired: datetime | None = FIRED
    asked: int = 0

    def read(self) -> "Server":
        if self.fault is not None:
            raise self.fault
        return self

    def fired_at(self, active: Active) -> datetime | None:
        assert active.fired_at is None
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return self.fired


DEAD = SourceUnavailableError("connection refused")


@dataclass
class World:
    journal: Journal
    alertmanager: Server = field(default_factory=Server)
    prometheus: Server = field(default_factory=Server)
    bot: MemoryBot = field(default_factory=MemoryBot)
    pages: Pages = field(default_factory=Pages)
    clock: WallClock = field(default_factory=WallClock)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.responder = Responder(self.journal, {"paper": self.bot}, QUICK, self.clock, self.pages)
        self.backstop = self.again()

    def again(self) -> Backstop:
        """A new one over the same journal, as after a restart."""
        return Backstop(
            journal=self.journal,
            policy=QUICK,
            clock=self.clock,
            pager=self.pages,
            take_in=lambda body: self.journal.take_in(body, self.clock.now()),
            say=self.said.append,
            alertmanager=self.alertmanager,  # type: ignore[arg-type]
            prometheus=self.prometheus,  # type: ignore[arg-type]
        )

    def look(self, after: timedelta = timedelta(0), *, deal: bool = True) -> int:
        """Look once, some time later; gives how many bodies came of it."""
        self.clock.shift += after
        self.backstop.look()
        if deal:
            return self.responder.work_off()
        return len(self.journal.pending())

    def stops(self) -> list[tuple[str, int]]:
        return [(one["episode"], len(one["stops"])) for one in self.journal.episodes() if one["stops"]]


@contextmanager
def world_in(folder: Path) -> Iterator[World]:
    with open_journal(folder) as journal:
        yield World(journal)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


def test_what_alertmanager_has_goes_the_way_of_a_webhook(world: World):
    world.alertmanager.alerts = [Posted(LATENCY)]
    world.backstop.look()
    (pending,) = world.journal.pending()
    body = json.loads(pending.body)
    assert (body["version"], body["receiver"], body["alerts"][0]["fingerprint"]) == (
        "4",
        "backstop",
        LATENCY.fingerprint,
    )
    world.responder.work_off()
    assert world.bot.state.trading_state.value == "HALTED"
    assert world.stops() == [(LATENCY.episode, 1)]
    assert world.look() == 0
    assert world.backstop.state()["counts"] == {"looks": 2, "handed_in": 1}


def test_alertmanager_dies_and_returns_and_the_breach_is_acted_on_once(world: World):
    world.alertmanager.fault = DEAD
    world.prometheus.alerts = [ACTIVE]
    assert world.look() == 1
    assert world.stops() == [(LATENCY.episode, 1)]
    assert world.look(6 * SECOND) == 0
    assert world.prometheus.asked == 1, "the journal knows the start"
    world.alertmanager.fault, world.alertmanager.alerts = None, [Posted(LATENCY)]
    assert world.look(80 * SECOND) == 1, "heard again"
    assert world.stops() == [(LATENCY.episode, 1)]
    assert len(world.bot.effects) == 4
    assert [page for page in world.pages.pages if "stopped" in page][1:] == []


def test_what_the_webhook_brought_is_not_brought_again(world: World):
    world.responder.respond(LATENCY, world.clock.now())
    world.alertmanager.alerts, world.prometheus.alerts = [Posted(LATENCY)], [ACTIVE]
    assert world.look() == 0
    world.alertmanager.fault = DEAD
    assert world.look(SECOND) == 0


def test_a_person_resumes_and_the_same_breach_stops_the_bot_no_second_time(world: World):
    world.alertmanager.fault = DEAD
    world.prometheus.alerts = [ACTIVE]
    world.look()
    state = world.bot.state
    world.journal.note_resume(
        "paper", state.trading_state, by="ada", why="looked at it", confirmed=True, at=world.clock.now()
    )
    world.bot.state = MemoryBot().state
    world.alertmanager.fault, world.alertmanager.alerts = None, [Posted(LATENCY)]
    for _ in range(3):
        world.look(90 * SECOND)
    assert world.stops() == [(LATENCY.episode, 1)]
    assert world.bot.state.trading_state.value == "ACTIVE"


def test_what_waits_behind_a_bot_that_hangs_is_not_handed_in_again(world: World):
    world.alertmanager.alerts = [Posted(LATENCY)]
    assert world.look(deal=False) == 1
    assert world.look(30 * SECOND, deal=False) == 1
    assert world.journal.pending()[0].seen == 1
    world.look(60 * SECOND, deal=False)
    assert world.journal.pending()[0].seen == 2


def test_a_stop_that_was_not_confirmed_is_tried_again_because_it_is_heard_again(world: World):
    world.bot.fault = refuses
    world.alertmanager.alerts = [Posted(LATENCY)]
    world.look()
    world.bot.fault = lambda _bot, _command, _count: None
    world.look(90 * SECOND)
    assert world.bot.state.trading_state.value == "HALTED"
    assert world.stops() == [(LATENCY.episode, 2)]


def test_a_silence_holds_while_alertmanager_is_away_but_not_for_ever(world: World):
    world.alertmanager.alerts, world.prometheus.alerts = [Posted(LATENCY, "silenced by 7f")], [ACTIVE]
    assert world.look() == 0
    assert world.backstop.state()["suppressed"] == {LATENCY.fingerprint: "silenced by 7f"}
    world.alertmanager.fault = DEAD
    assert world.look(80 * SECOND) == 0
    assert world.look(11 * SECOND) == 1
    assert world.bot.state.trading_state.value == "HALTED"


def test_resolved_is_nothing_and_undoes_nothing(world: World):
    world.alertmanager.alerts = [Posted(LATENCY)]
    world.look()
    world.alertmanager.alerts = []
    assert world.look(100 * SECOND) == 0
    assert world.bot.state.trading_state.value == "HALTED"


def test_without_a_start_from_prometheus_the_alert_is_acted_on_all_the_same(world: World):
    world.alertmanager.fault = DEAD
    world.prometheus.alerts = [ACTIVE]
    world.backstop.prometheus = _NoStart(world.prometheus)  # type: ignore[assignment]
    assert world.look() == 1
    assert world.stops() == [(ACTIVE.alert.episode, 1)]
    assert world.said == ["backstop: connection refused"]


@dataclass
class _NoStart:
    server: Server

    def read(self) -> Server:
        return self.server.read()

    def fired_at(self, _: Active) -> datetime | None:
        raise SourceUnavailableError("connection refused")


@pytest.mark.parametrize("fault", [DEAD, RuntimeError("a fault of ours")], ids=["dead", "a fault of ours"])
def test_one_that_fails_is_counted_and_shown_and_keeps_nothing_from_the_other(world: World, fault: Exception):
    world.alertmanager.fault = fault
    world.prometheus.alerts, world.prometheus.faults = [ACTIVE], ["rule x: many-to-many"]
    assert world.look() == 1
    sources = world.backstop.state()["sources"]
    assert (sources["alertmanager"]["reads"], sources["alertmanager"]["failed"]) == (1, 1)
    assert str(fault) in sources["alertmanager"]["last_fault"]
    assert sources["alertmanager"]["last_success"] is None
    assert sources["prometheus"]["last_success"] is not None
    assert sources["prometheus"]["unread"] == ["rule x: many-to-many"]


def test_one_that_is_silent_for_long_is_paged_once_and_is_not_blind(world: World):
    world.alertmanager.fault = DEAD
    for _ in range(5):
        world.look(50 * SECOND)
    assert [page[:37] for page in world.pages.pages] == ["alertmanager: no answer for 1m40s, of"]
    assert world.journal.blind() == {}
    world.alertmanager.fault = None
    world.look(SECOND)
    assert world.pages.told == ["alertmanager: heard again"]
    assert len(world.pages.pages) == 1


def test_a_webhook_that_brings_no_heartbeat_is_paged_once_though_the_backstop_hears_all(world: World):
    beat = alert("Watchdog", bot="", starts_at=FIRED)
    world.alertmanager.alerts = [Posted(beat)]
    for _ in range(12):
        world.look(20 * SECOND)
    (page,) = world.pages.pages
    assert page.startswith("webhook: Alertmanager has the heartbeat, and 2 times in a row only the backstop brought")
    world.backstop = world.again()
    world.look(SECOND)
    assert world.pages.told == []
    world.look(7 * SECOND)
    world.responder.respond(beat, world.clock.now())
    world.look(SECOND)
    assert world.pages.told == ["webhook: heard again"]
    assert world.pages.pages == [page]
    assert world.journal.blind() == {}


def test_both_silent_is_blind_told_once_over_restarts_and_its_end_too(world: World):
    world.look()
    world.alertmanager.fault = world.prometheus.fault = DEAD
    assert world.look(85 * SECOND) == 0
    assert world.pages.pages == []
    for _ in range(3):
        world.look(6 * SECOND)
    (page,) = world.pages.pages
    assert page.startswith("blind: no source of alerts answers: alertmanager: no answer for 1m31s")
    assert world.journal.blind() == {"backstop": page}
    assert world.backstop.state()["blind"]
    world.backstop = world.again()
    for _ in range(3):
        world.look(50 * SECOND)
    assert world.pages.pages == [page]
    assert world.journal.blind() == {"backstop": page}
    world.prometheus.fault = None
    world.look(SECOND)
    assert world.journal.blind() == {}
    assert world.pages.told[-2:] == ["backstop: heard again", "prometheus: heard again"]
    assert not world.backstop.state()["blind"]
    assert world.pages.pages == [page]


def test_nothing_ends_it_but_the_word_to_stop(world: World):
    def full(_: bytes) -> None:
        raise SourceUnavailableError("the journal is full")

    policy = replace(QUICK, backstop=replace(QUICK.backstop, every=timedelta(milliseconds=1)))
    ill = replace(world.again(), policy=policy, take_in=full)
    odd = replace(world.again(), policy=policy, journal=object())  # type: ignore[arg-type]
    world.alertmanager.alerts = [Posted(LATENCY)]
    until = time.monotonic() + 60
    for backstop in (ill, odd):
        stop = threading.Event()
        thread = threading.Thread(target=backstop.run, args=(stop,))
        thread.start()
        while backstop.counts["failed"] < 3:
            assert thread.is_alive()
            assert time.monotonic() < until
        stop.set()
        thread.join(30)
        assert not thread.is_alive()
    assert "backstop: the journal is full" in world.said
    assert any("a fault of mm_ops: AttributeError" in line for line in world.said)


def test_a_source_that_is_not_named_is_not_missed(world: World):
    world.backstop = replace(world.again(), prometheus=None)
    world.backstop.alertmanager = world.alertmanager  # type: ignore[assignment]
    world.look(1000 * SECOND)
    assert world.pages.pages == []


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)], ids=["back", "forward"])
def test_a_clock_that_is_set_neither_hides_a_silence_nor_makes_one_up(world: World, jump: timedelta):
    world.look()
    world.clock.jump = jump
    world.look()
    assert world.pages.pages == []
    world.prometheus.fault = DEAD
    world.look(89 * SECOND)
    assert world.pages.pages == []
    world.look(2 * SECOND)
    assert [page.split(":")[0] for page in world.pages.pages] == ["prometheus"]
    assert world.backstop.state()["sources"]["prometheus"]["silent_s"] >= 91


def test_a_clock_that_is_set_back_keeps_no_alert_from_being_handed_in_again(world: World):
    world.alertmanager.alerts = [Posted(LATENCY)]
    assert world.look() == 1
    world.clock.jump = timedelta(hours=-1)
    assert world.look(80 * SECOND) == 1
    assert world.stops() == [(LATENCY.episode, 1)]
