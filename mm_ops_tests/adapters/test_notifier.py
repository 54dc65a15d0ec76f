"""People are told over real HTTP servers: of every kind of failure, at least once, and nobody waits for a channel."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apprise
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from mm_ops.adapters.environment import Environment, WallClock
from mm_ops.adapters.notifier import Notifier, outbox_beside
from mm_ops.adapters.notify_outbox import SENT, Outbox
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.notify.notice import About, Notice, Told
from mm_ops.domain.notify.policy import ChannelKind, ChannelPolicy, NotifyPolicy
from mm_ops_tests.domain.notify.notices import POLICY, channel
from mm_ops_tests.hostile_server import answer, drips, hostile, says
from mm_ops_tests.live_paperbot import free_port

WITHIN_S = 60
SECRET = "token-that-nobody-may-see"  # noqa: S105 - of a test
QUICK = replace(
    POLICY,
    retry=replace(
        POLICY.retry,
        attempt=timedelta(milliseconds=500),
        first=timedelta(milliseconds=50),
        longest=timedelta(milliseconds=200),
    ),
)


@dataclass
class World:
    """A notifier over addresses in files, and all that it says and writes down."""

    folder: Path
    said: list[str] = field(default_factory=list)
    noted: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    def address(self, name: str, url: str) -> None:
        (self.folder / name).write_text(f"{url}\n", encoding="utf-8")

    @contextmanager
    def notifier(self, *channels: ChannelPolicy, policy: NotifyPolicy = QUICK) -> Iterator[Notifier]:
        environment = Environment.read({"MM_OPS_ROOT": str(self.folder)})
        found = Notifier(
            replace(policy, channels=channels),
            self.folder / "outbox.sqlite",
            WallClock(),
            say=self.said.append,
            secret=environment.secret,
            note=lambda subject, key, body: self.noted.append((subject, key, body)),
            release_of=lambda bot: f"live is 1.1.0; go back to 1.0.0 of {bot}",
        )
        found.start()
        try:
            yield found
        finally:
            found.close(0.0)

    def everything(self) -> str:
        return "\n".join([*self.said, *map(str, self.noted)])


@dataclass
class Receiver:
    """What a webhook got, and what it answers."""

    server: HTTPServer
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.expect_request(f"/{SECRET}", method="POST").respond_with_handler(self._take)
        self.url = self.server.url_for(f"/{SECRET}")

    def _take(self, request: Request) -> Response:
        if self.status == 200:
            self.bodies.append(json.loads(request.data))
        return Response(status=self.status)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def receiver(httpserver: HTTPServer, world: World) -> Receiver:
    found = Receiver(httpserver)
    world.address("pager", found.url)
    return found


def until(reached: Callable[[], object]) -> None:
    end = time.monotonic() + WITHIN_S
    while not reached():
        assert time.monotonic() < end, "the condition was not reached"
        time.sleep(0.01)


def test_a_page_is_said_and_delivered_with_all_that_helps(world: World, receiver: Receiver):
    about = About(bot="paper", alert="A", episode="e", evidence="limit ≤ 150 ms", todo="look", runbook="r.md")
    with world.notifier(channel("pager")) as notifier:
        notifier.page("paper: stopped", about)
        until(lambda: receiver.bodies)
        until(lambda: notifier.state()["channels"]["pager"]["messages"] == 1)
    (body,) = receiver.bodies
    assert body["title"] == "PAGE paper: stopped"
    assert (body["audience"], body["late"], body["count"]) == ("oncall", False, 1)
    assert body["about"]["episode"] == "e"
    assert "to do: look\nrunbook: r.md" in body["text"]
    assert "PAGE: paper: stopped" in world.said
    assert world.noted == []


def test_a_page_about_a_stop_names_the_version_to_go_back_to_and_no_other_does(world: World, receiver: Receiver):
    with world.notifier(channel("pager")) as notifier:
        notifier.page("paper: stopped", About(bot="paper", state="HALTED, scale 0", todo="look"))
        until(lambda: receiver.bodies)
        notifier.page("paper: fires", About(bot="paper", todo="look"))
        until(lambda: len(receiver.bodies) == 2)
    stopped, fires = receiver.bodies
    assert "to do: look\nrelease: live is 1.1.0; go back to 1.0.0 of paper\n" in stopped["text"]
    assert "release: " not in fires["text"]


def test_each_audience_hears_what_is_for_it(world: World, receiver: Receiver):
    with world.notifier(channel("pager", Told.TEAM)) as notifier:
        notifier.tell("paper: lag")
        notifier.page("paper: stopped")
        until(lambda: receiver.bodies and world.noted)
    assert [body["title"] for body in receiver.bodies] == ["note paper: lag"]
    assert [(subject, key, body["every"]) for subject, key, body in world.noted] == [
        ("told", "oncall", ["paper: stopped"])
    ]
    assert (
        world.said[0] == "NO CHANNEL FOR ONCALL (notify.yaml: channels): only standard error and the journal are told"
    )


def test_without_any_channel_each_page_is_on_standard_error_and_in_the_journal(world: World):
    pages = [f"paper: {number}" for number in range(100)]
    with world.notifier() as notifier:
        for page in pages:
            notifier.page(page)
        until(lambda: sum(body["count"] for _, _, body in world.noted) == 100)
    assert world.said[0].startswith("NO CHANNEL FOR ONCALL, TEAM")
    assert world.said[1:] == [f"PAGE: {page}" for page in pages]
    assert sorted(page for _, _, body in world.noted for page in body["every"]) == sorted(pages)


@pytest.mark.parametrize(
    ("behaviours", "fault"),
    [
        ((says(answer("{}", status="500 Internal Server Error")),), "answered 500"),
        ((says(answer("{}", status="401 Unauthorized")),), "answered 401"),
        ((says("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"),), "answered 302, a redirect"),
        ((drips("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x"),), "no whole answer within 0.5 s"),
        ((lambda _: time.sleep(3),), "within 0.5 s|in time"),
        ((says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),), "cut off|lost"),
        ((says("no HTTP at all"),), "lost"),
    ],
    ids=["500", "401", "redirect", "drip", "hang", "cut off", "no HTTP"],
)
def test_a_channel_that_fails_keeps_the_others_from_nothing_and_is_told_through_them(
    world: World, receiver: Receiver, behaviours: tuple[Any, ...], fault: str
):
    with hostile(*behaviours) as (url, heads):
        world.address("broken", f"{url}/{SECRET}")
        with world.notifier(channel("broken"), channel("pager")) as notifier:
            notifier.page("paper: stopped")
            until(lambda: any("channel broken does not deliver" in body["title"] for body in receiver.bodies))
            until(lambda: world.noted)
            state = notifier.state()["channels"]["broken"]
            assert any(fault_of in state["fault"] for fault_of in fault.split("|")), state
            assert state["waiting"] == 1
            assert state["failing_since"]
    assert receiver.bodies[0]["title"] == "PAGE paper: stopped"
    assert len([one for one in world.said if "does not deliver" in one]) == 1
    assert [(subject, key) for subject, key, _ in world.noted] == [("channel", "broken")]
    assert not [head for head in heads if head.startswith("GET")]


def test_the_time_of_a_page_does_not_depend_on_a_channel(world: World):
    with hostile(lambda _: time.sleep(30)) as (url, _):
        world.address("pager", url)
        with world.notifier(channel("pager"), policy=POLICY) as notifier:
            begun = time.monotonic()
            for number in range(20):
                notifier.page(f"paper: {number}")
            assert time.monotonic() - begun < POLICY.retry.attempt.total_seconds()


def test_a_channel_that_answers_again_gets_what_waited_and_says_so(world: World, receiver: Receiver):
    receiver.status = 503
    with world.notifier(channel("pager")) as notifier:
        notifier.page("paper: stopped")
        until(lambda: any("does not deliver: answered 503" in one for one in world.said))
        receiver.status = 200
        until(lambda: receiver.bodies)
        until(lambda: any("channel pager delivers again" in one for one in world.said))
        until(lambda: notifier.state()["channels"]["pager"]["fault"] is None)
    assert receiver.bodies[0]["about"]["todo"] == ""
    assert [body["count"] for body in receiver.bodies][:1] == [1]


def test_refused_and_missing_addresses_are_faults_that_say_where_and_never_what(world: World):
    world.address("refused", f"http://127.0.0.1:{free_port()}/{SECRET}")
    world.address("no_url", f"{SECRET}")
    world.address("two", f"{SECRET} {SECRET}")
    names = ("refused", "no_url", "two", "missing")
    with world.notifier(*(channel(name) for name in names)) as notifier:
        notifier.page("paper: stopped")
        until(lambda: all(notifier.state()["channels"][name]["fault"] for name in names))
        faults = {name: notifier.state()["channels"][name]["fault"] for name in names}
        shown = f"{notifier.state()} {notifier.faults} {notifier.metrics()} {vars(notifier)} {world.everything()}"
    assert "refused" in faults["refused"]
    assert faults["no_url"] == "its address is none of HTTP: expected http://… or https://…"
    assert faults["two"] == "two: expected an address in one word, was 2 words"
    assert faults["missing"] == "missing: not readable: No such file or directory"
    assert SECRET not in shown


def test_a_flood_becomes_few_messages_that_count_all_of_it(world: World, receiver: Receiver):
    policy = replace(QUICK, rate=replace(QUICK.rate, within=timedelta(seconds=2)))
    grave = About(grave=True)
    with world.notifier(channel("pager"), policy=policy) as notifier:

        def flood(part: int) -> None:
            for number in range(part, 10_000, 20):
                notifier.page(f"paper: {number % 5000}")

        threads = [threading.Thread(target=flood, args=(part,)) for part in range(20)]
        for thread in threads:
            thread.start()
        notifier.page("paper: NOT stopped", grave)
        for thread in threads:
            thread.join()
        more = 0
        until(lambda: notifier.state()["channels"]["pager"]["notices"] >= 5001)
        state = notifier.state()["channels"]["pager"]
        while state["waiting"] or state["notices"] + state["held_back"] < 10_001 + more:
            more += 1  # the next message tells what was held back
            assert more < 100, state
            notifier.page(f"one more: {more}")
            time.sleep(0.5)
            state = notifier.state()["channels"]["pager"]
    assert state["notices"] + state["held_back"] == 10_001 + more
    assert state["held_back"] > 0
    assert state["given_up"] == 0
    assert len(receiver.bodies) < 200
    assert sum(body["count"] for body in receiver.bodies) == state["notices"]
    assert any("NOT stopped" in body["title"] for body in receiver.bodies)


def test_a_repeat_is_held_back_and_counted_in_the_next_message(world: World, receiver: Receiver):
    with world.notifier(channel("pager")) as notifier:
        notifier.page("paper: slow")
        until(lambda: notifier.state()["channels"]["pager"]["messages"] == 1)
        for _ in range(3):
            notifier.page("paper: slow")
        notifier.page("paper: other")
        until(lambda: notifier.state()["channels"]["pager"]["held_back"] == 3)
    assert [body["title"] for body in receiver.bodies] == ["PAGE paper: slow", "PAGE paper: other"]
    assert "held back since the last message: 3 repeats" in receiver.bodies[1]["text"]


CHILD = textwrap.dedent("""
    import sys, time
    from dataclasses import replace
    from datetime import timedelta
    from pathlib import Path
    from mm_ops.adapters.environment import Environment, WallClock
    from mm_ops.adapters.notifier import Notifier
    from mm_ops_tests.adapters.test_notifier import QUICK, channel
    folder = Path(sys.argv[1])
    secret = Environment.read({"MM_OPS_ROOT": str(folder)}).secret
    notifier = Notifier(replace(QUICK, channels=(channel("pager"),)), folder / "outbox.sqlite", WallClock(),
                        say=lambda _: None, secret=secret)
    notifier.start()
    for number in range(100_000):
        notifier.page(f"paper: {number}")
        print(number, flush=True)
""")


@pytest.mark.parametrize("after", [1, 7, 40])
def test_what_was_paged_before_a_kill_is_told_after_the_restart_as_late(world: World, receiver: Receiver, after: int):
    receiver.status = 503
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(world.folder)], stdout=subprocess.PIPE, env=environment
    ) as child:
        assert child.stdout is not None
        paged = [int(child.stdout.readline()) for _ in range(after)][-1]
        child.send_signal(signal.SIGKILL)
        paged = max([paged, *(int(line) for line in child.stdout if line.endswith(b"\n"))])
    receiver.status = 200
    with world.notifier(channel("pager"), policy=replace(QUICK, rate=replace(QUICK.rate, most=1000))) as notifier:
        until(lambda: not notifier.state()["channels"]["pager"]["waiting"])
    told = [body["title"] for body in receiver.bodies]
    assert set(told) >= {f"LATE PAGE paper: {number}" for number in range(paged + 1)}
    assert len(told) - (paged + 1) in {0, 1}  # the one that was on the disk when it was killed
    assert all(body["late"] for body in receiver.bodies)


def test_what_was_delivered_is_not_told_again_after_a_restart_nor_are_its_repeats(world: World, receiver: Receiver):
    with world.notifier(channel("pager")) as notifier:
        notifier.page("the journal is damaged")
        until(lambda: notifier.state()["channels"]["pager"]["messages"] == 1)
    for number in range(2):
        with world.notifier(channel("pager")) as again:
            again.page("the journal is damaged")
            again.page(f"another thing: {number}")  # what is told next shows that the repeat was looked at
            until(lambda number=number: len(receiver.bodies) == 2 + number)  # type: ignore[misc]
    assert [body["title"] for body in receiver.bodies] == [
        "PAGE the journal is damaged",
        "PAGE another thing: 0",
        "PAGE another thing: 1",
    ]


@pytest.mark.parametrize("damage", ["no database", "a folder", "in use"])
def test_without_a_usable_outbox_people_are_told_all_the_same(world: World, receiver: Receiver, damage: str):
    file = world.folder / "outbox.sqlite"
    if damage == "no database":
        file.write_bytes(b"no database" * 1000)
    if damage == "a folder":
        file.mkdir()
    with world.notifier() if damage == "in use" else contextless() as _, world.notifier(channel("pager")) as notifier:
        notifier.page("paper: stopped")
        until(lambda: receiver.bodies)
        assert "outbox" in notifier.faults[0]
    assert any(one.startswith("the outbox of pages: ") for one in world.said)


@contextmanager
def contextless() -> Iterator[None]:
    yield


def test_a_journal_that_fails_is_tried_again(world: World):
    calls: list[str] = []

    def note(subject: str, _: str, __: Mapping[str, Any]) -> None:
        calls.append(subject)
        if len(calls) < 4:
            raise SourceUnavailableError("the journal was not written: disk is full")

    with world.notifier() as notifier:
        notifier.attach(note)
        notifier.page("paper: stopped")
        until(lambda: notifier.state()["channels"]["journal"]["messages"] == 1)
    assert calls == ["told"] * 4
    assert "channel journal does not deliver: the journal was not written: disk is full" in world.said
    assert "channel journal delivers again" in world.said


def test_what_is_too_old_to_help_is_given_up_and_said(world: World):
    world.address("pager", f"http://127.0.0.1:{free_port()}/")
    old = replace(QUICK.retry, give_up_after=timedelta(milliseconds=200))
    with world.notifier(channel("pager"), policy=replace(QUICK, retry=old)) as notifier:
        notifier.page("paper: stopped")
        until(lambda: notifier.state()["channels"]["pager"]["given_up"] == 1)
        until(lambda: any("1 notices older than 200ms are given up" in one for one in world.said))
        assert 'mm_ops_notify_given_up_total{channel="pager"} 1' in notifier.metrics()


def test_retry_after_is_heeded(world: World):
    busy = says("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
    with hostile(busy, says(answer("ok"))) as (url, heads):
        world.address("pager", url)
        policy = replace(QUICK, retry=replace(QUICK.retry, longest=timedelta(seconds=5)))
        with world.notifier(channel("pager"), policy=policy) as notifier:
            notifier.page("paper: stopped")
            until(lambda: heads)
            begun = time.monotonic()
            until(lambda: len(heads) == 2)
            assert time.monotonic() - begun > 0.8


IMGHDR = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's own import


@pytest.fixture
def loaded() -> None:
    """Let apprise load its 170 services first: on a busy machine that takes longer than a message may."""
    apprise.Apprise.instantiate("json://127.0.0.1/")


@IMGHDR
@pytest.mark.usefixtures("loaded")
def test_apprise_delivers_by_url(world: World, httpserver: HTTPServer):
    bodies: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        bodies.append(json.loads(request.data))
        return Response(status=200)

    httpserver.expect_request(f"/{SECRET}", method="POST").respond_with_handler(take)
    world.address("chat", f"json://{httpserver.host}:{httpserver.port}/{SECRET}")
    with world.notifier(channel("chat", kind=ChannelKind.APPRISE), policy=POLICY) as notifier:
        notifier.page("paper: stopped")
        until(lambda: bodies)
    assert (bodies[0]["title"], bodies[0]["message"].splitlines()[0]) == ("PAGE paper: stopped", "paper: stopped")


@IMGHDR
@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (f"jsn://user:{SECRET}@127.0.0.1/", "its address is none that apprise knows"),
        (f"json://user:{SECRET}@", "its address is none that apprise knows"),
        (f"json://user:{SECRET}@127.0.0.1:{{port}}/x", "apprise says that it was not delivered"),
        (f"json://user:{SECRET}@127.0.0.1:{{drip}}/x", "not delivered within 5 s"),
        (f"json://user:{SECRET}@127.0.0.1:{{redirect}}/x", "apprise says that it was not delivered"),
    ],
    ids=["mistyped", "no host", "refused", "drip", "redirect"],
)
def test_apprise_that_fails_says_so_and_shows_no_address(
    world: World, httpserver: HTTPServer, url: str, fault: str, capfd: pytest.CaptureFixture[str]
):
    httpserver.expect_request("/there").respond_with_data("ok")
    there = httpserver.url_for("/there")
    moved = says(f"HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n")
    with hostile(drips("HTTP/1.1 200 OK\r\nX: ", "x")) as (drip, _), hostile(moved) as (redirect, _):
        ports = {"port": free_port(), "drip": drip.rpartition(":")[2], "redirect": redirect.rpartition(":")[2]}
        world.address("chat", url.format(**ports))
        with world.notifier(channel("chat", kind=ChannelKind.APPRISE), policy=POLICY) as notifier:
            notifier.page("paper: stopped")
            until(lambda: notifier.state()["channels"]["chat"]["fault"])
            assert notifier.state()["channels"]["chat"]["fault"] == fault
            until(lambda: world.noted)
    assert SECRET not in world.everything() + "".join(capfd.readouterr())
    assert httpserver.log == []


CLOSING = textwrap.dedent("""
    import sys, time
    from dataclasses import replace
    from pathlib import Path
    from mm_ops.adapters.environment import Environment, WallClock
    from mm_ops.adapters.notifier import Notifier
    from mm_ops.domain.notify.policy import ChannelKind
    from mm_ops_tests.adapters.test_notifier import POLICY, channel
    secret = Environment.read({"MM_OPS_ROOT": sys.argv[1]}).secret
    policy = replace(POLICY, channels=(channel("chat", kind=ChannelKind.APPRISE),))
    notifier = Notifier(policy, None, WallClock(), say=lambda _: None, secret=secret)
    notifier.start()
    notifier.page("paper: stopped")
    while not notifier.state()["channels"]["chat"]["fault"]:
        time.sleep(0.05)
    notifier.close(0.1)
""")


def test_a_receiver_that_drips_for_ever_keeps_no_process_from_its_end(world: World):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with hostile(drips("HTTP/1.1 200 OK\r\nX: ", "x")) as (url, _):
        world.address("chat", url.replace("http", "json"))
        ended = subprocess.run(
            [sys.executable, "-c", CLOSING, str(world.folder)], env=environment, timeout=60, check=False
        )
    assert ended.returncode == 0


def test_the_outbox_forgets_what_was_told_a_week_ago_and_nothing_that_waits(tmp_path: Path):
    outbox = Outbox(tmp_path / "outbox")
    now = datetime(2026, 11, 25, tzinfo=UTC)
    told, kept = (Notice(at=now, told=Told.ONCALL, what=what) for what in ("told", "kept"))
    number = outbox.add(told, ["pager"], 1.0)
    outbox.add(kept, ["pager"], 1.0)
    outbox.settle([number], "pager", SENT, now)
    outbox.prune(now + timedelta(days=7))
    assert len(outbox.left("pager", 9).sent) == 1
    outbox.settle([number + 9], "pager", SENT, now + timedelta(days=9))  # any later write does it too
    left = outbox.left("pager", 9)
    outbox.close()
    assert (left.sent, [one.notice.what for one in left.waiting]) == ({}, ["kept"])


def test_the_outbox_lies_beside_the_anchor(tmp_path: Path):
    assert outbox_beside(tmp_path / "journal.sqlite.anchor") == tmp_path / "journal.sqlite.outbox"
