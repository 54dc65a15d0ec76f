"""Kills a whole watcher, web server and all, at seeded moments of an episode; prints what came of each seed as JSON.

Run as a program, so that it has one thread when it forks: a watcher that is forked serves in milliseconds. The bot is a
live one; its sequence grows with every change, so that four between two points is one stop and no more.
"""

import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mm_ops.adapters.bot_controls
import mm_ops.watcher.serving  # noqa: F401 - imported once, for all that are forked
from mm_ops.adapters.journal_audit import audit_journal
from mm_ops.cli import cli
from mm_ops.domain.rollback.payload import parse_alert
from mm_ops_tests.live_watcher import TOKEN
from mm_ops_tests.watcher.alerts import body, one

WITHIN_S = 120
LET_GO = (
    ("/strategy-scale", {"strategy_scale": 1.0}),
    ("/circuit", {"circuit": "closed"}),
    ("/orders/freeze", {"orders_frozen": False}),
    ("/trading-state", {"trading_state": "REDUCING"}),
    ("/trading-state", {"trading_state": "ACTIVE"}),
)


@dataclass
class World:
    """One folder, one bot, one watcher after the other."""

    folder: Path
    port: int
    bot: int
    child: int = 0
    commands: int = 0

    @property
    def place(self) -> Path:
        return self.folder / "journal.sqlite"

    def start(self) -> None:
        """Fork a watcher."""
        self.child = os.fork()
        if self.child == 0:
            log = os.open(self.folder / "watcher.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            with suppress(SystemExit):
                flags = ["--port", str(self.port), "--journal", str(self.place)]
                cli(["watch", *flags, "--token-file", str(self.folder / "token")], standalone_mode=False)
                os._exit(0)
            os._exit(3)

    def end(self, number: int) -> int:
        """Send a signal and wait; gives how it ended."""
        os.kill(self.child, number)
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])

    def connect(self) -> socket.socket:
        """Connect as soon as it listens."""
        found: list[socket.socket] = []

        def listens() -> bool:
            with suppress(OSError):
                found.append(socket.create_connection(("127.0.0.1", self.port), timeout=30))
            return bool(found)

        until(listens)
        return found[0]

    def ask(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the bot."""
        self.commands += 1
        with closing(http.client.HTTPConnection("127.0.0.1", self.bot, timeout=30)) as connection:
            headers = {"Idempotency-Key": f"by hand {self.commands}", "Content-Type": "application/json"}
            connection.request(method, path, None if document is None else json.dumps(document), headers)
            answer = connection.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
            assert answer.status == 200, found
            return found

    def stops(self, episode: str) -> list[tuple[str | None, int]]:
        """The rounds of an episode: when each ended, and whether it is confirmed; none while any body waits."""
        with (
            suppress(sqlite3.OperationalError),
            closing(sqlite3.connect(f"file:{self.place}?mode=ro", uri=True)) as read,
        ):
            if read.execute("select count(*) from inbox where handled < seen").fetchone() == (0,):
                wanted = "select finished_at, confirmed from stops where episode = ? order by round"
                return read.execute(wanted, (episode,)).fetchall()
        return []


def until(reached: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + WITHIN_S
    while not reached():
        assert time.monotonic() < end, "the condition was not reached"
        time.sleep(0.005)


def send(peer: socket.socket, alert: dict[str, Any]) -> None:
    """Send an alert as Alertmanager does, and do not wait."""
    content = json.dumps(body(alert)).encode()
    head = (
        f"POST /alert-hook HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(content)}\r\n"
    )
    with suppress(OSError):
        peer.sendall(f"{head}Connection: close\r\n\r\n".encode() + content)


def is_taken(peer: socket.socket) -> bool:
    """Whether it was answered that the alert is on the disk."""
    with closing(peer), suppress(OSError):
        return peer.recv(65_536).startswith(b"HTTP/1.1 200")
    return False


def run(world: World, seed: int, whole: float) -> dict[str, object]:
    """Let the bot go, alert, kill once or twice, start again, and let it finish."""
    rng, kills = random.Random(seed), 0
    starts_at = datetime.now(UTC) - timedelta(minutes=1)
    alert = one("SoakLatencyP95High", starts_at=f"{starts_at:%Y-%m-%dT%H:%M:%S.%f}Z")
    episode = parse_alert(alert).episode
    for path, document in LET_GO:
        before = world.ask("PUT", path, document)["sequence"]
    peer = world.connect()
    asleep = world.ask("GET", "/state")["sequence"] == before
    began = time.monotonic()
    send(peer, alert)
    if seed:
        for again in range(rng.randint(1, 2)):
            # the alert is written and answered in the first twentieth: as many kills fall there as behind it
            time.sleep(1.2 * whole * rng.uniform(0.0, 1.0) ** 4 + 0.2 * again)
            kills += world.end(signal.SIGKILL) == -signal.SIGKILL
            world.start()
    taken = acknowledged = is_taken(peer)
    while not taken:
        peer = world.connect()
        send(peer, alert)
        taken = is_taken(peer)
    until(lambda: bool(found := world.stops(episode)) and all(at for at, _ in found))
    state = world.ask("GET", "/state")
    return {
        "seed": seed,
        "kills": kills,
        "acknowledged": acknowledged,
        "asleep": asleep,
        "confirmed": [confirmed for _, confirmed in world.stops(episode)],
        "changes": state["sequence"] - before,
        "halted": (state["trading_state"], state["strategy_scale"], state["circuit"], state["orders_frozen"]),
        "seconds": time.monotonic() - began,
    }


def main(world: World, first: int, last: int) -> None:
    """Run the seeds; the very first life is whole, and is timed."""
    os.environ["MM_OPS_POLICIES"] = str(world.folder / "policies")
    world.start()
    whole = run(world, 0, 0.0)["seconds"]
    assert isinstance(whole, float)
    try:
        for seed in range(first, last):
            sys.stdout.write(f"{json.dumps(run(world, seed, whole))}\n")
    finally:
        world.connect().close()  # it listens, so it is told to stop by now
        ended = world.end(signal.SIGTERM)
    found = audit_journal(str(world.place), world.folder / "journal.sqlite.anchor")
    sys.stdout.write(f"{json.dumps({'ended': ended, 'problems': [*found.problems, *found.doubts]})}\n")


if __name__ == "__main__":
    main(World(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), int(sys.argv[4]), int(sys.argv[5]))
