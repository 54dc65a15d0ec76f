"""Kills a watcher at seeded points and starts it again until it has finished; prints what came of each seed as JSON.

Run as a program, so that it has one thread when it forks. Even seeds kill after the n-th write or command, odd ones
after a share of the time that a whole run took.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from mm_ops.adapters.journal import Intake, Journal
from mm_ops.adapters.journal_audit import audit_journal
from mm_ops.adapters.journal_writer import Ledger
from mm_ops.domain.rollback.bot import BotState, Command, aim_of
from mm_ops.domain.rollback.policy import COMMANDS, ActionName
from mm_ops.domain.rollback.response import Responder
from mm_ops_tests.rollback_world import ACTIVE, NOW, POLICY, Pages, WallClock, alert

T = TypeVar("T")
ALERT = alert()
BODY = json.dumps(
    {"alerts": [{"status": "firing", "labels": dict(ALERT.labels), "startsAt": ALERT.starts_at.isoformat()}]}
).encode()
POINTS = 26
"""Of a run without a kill: eight writes and four commands, each before and after, and some of a second start."""


class Fuse:
    """Kills this process at its n-th spark; 0 never does."""

    def __init__(self, length: int) -> None:
        self.left, self.lock = length, threading.Lock()

    def spark(self) -> None:
        with self.lock:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class FileBot:
    """A bot whose effects are lines of a file, so that they outlive the watcher; a key that is there has no effect."""

    def __init__(self, folder: Path, fuse: Fuse) -> None:
        self.effects, self.asked, self.fuse = folder / "effects", folder / "asked", fuse
        self.lock = threading.Lock()

    def keys(self, path: Path) -> list[str]:
        return path.read_text().splitlines() if path.exists() else []

    def read(self) -> BotState:
        with self.lock:
            state = ACTIVE
            for key in self.keys(self.effects):
                name, value = aim_of(COMMANDS[ActionName(key.rsplit("/", 1)[1])])
                state = replace(state, **{name: value}, open_orders=0)
            return state

    def apply(self, command: Command, key: str) -> BotState:
        self.fuse.spark()
        with self.lock:
            self._append(self.asked, key)
            if key not in self.keys(self.effects) and aim_of(command):
                self._append(self.effects, key)
        self.fuse.spark()
        return self.read()

    def _append(self, path: Path, key: str) -> None:
        with path.open("ab") as file:
            file.write(f"{key}\n".encode())


class FusedJournal(Journal):
    """The journal, with a spark before and after each write that somebody waits for."""

    fuse = Fuse(0)

    def _do(self, work: Callable[[Ledger], T]) -> T:
        self.fuse.spark()
        done = super()._do(work)
        self.fuse.spark()
        return done

    def take_in_later(self, body: bytes, at: datetime) -> "Future[Intake]":
        self.fuse.spark()
        return super().take_in_later(body, at)


def watch(folder: Path, length: int) -> None:
    """One life of a watcher: finish what was begun, take the alert in unless that was acknowledged, answer it."""
    fuse, acknowledged = Fuse(length), folder / "acknowledged"
    FusedJournal.fuse = fuse
    place = (str(folder / "journal.sqlite"), folder / "journal.anchor")
    with FusedJournal(*place, owner="a", lease=timedelta(minutes=1)) as journal:
        responder = Responder(journal, {"paper": FileBot(folder, fuse)}, POLICY, WallClock(), Pages())
        responder.recover()
        if not acknowledged.exists():
            journal.take_in(BODY, NOW)
            acknowledged.touch()
            fuse.spark()
        responder.work_off()


def life(folder: Path, length: int, seconds: float | None) -> bool:
    """Fork a watcher; return whether it ended by itself."""
    child = os.fork()
    if child == 0:
        try:
            watch(folder, length)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - the parent must see any fault as one
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(3)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"{folder}: the watcher failed")
    return os.WIFEXITED(status)


def run(folder: Path, seed: int, whole: float) -> dict[str, object]:
    """Kill once or twice, then let it finish."""
    rng, killed = random.Random(seed), 0
    for _ in range(rng.randint(1, 2)):
        length = rng.randint(1, POINTS) if seed % 2 == 0 else 0
        killed += not life(folder, length, None if seed % 2 == 0 else rng.uniform(0.1, 0.6) * whole)
    life(folder, 0, None)
    found = audit_journal(str(folder / "journal.sqlite"), folder / "journal.anchor")
    with Journal(str(folder / "journal.sqlite"), folder / "journal.anchor", owner="a", lease=timedelta(1)) as journal:
        stops = [one["body"] for one in journal.records_after(0) if one["subject"] == "stops"]
        left = len(journal.pending()) + len(journal.unfinished()) + len(journal.unconfirmed())
    bot = FileBot(folder, Fuse(0))
    return {
        "seed": seed,
        "killed": killed,
        "effects": bot.keys(bot.effects),
        "asked": len(bot.keys(bot.asked)),
        "problems": [*found.problems, *found.doubts],
        "stops": sorted({one["id"] for one in stops}),
        "confirmed": stops[-1]["confirmed"],
        "left": left,
    }


def main(root: Path, first: int, last: int) -> None:
    """Run the seeds; the first life is whole, and is timed."""
    (root / "whole").mkdir()
    began = time.monotonic()
    life(root / "whole", 0, None)
    whole = time.monotonic() - began
    for seed in range(first, last):
        folder = root / str(seed)
        folder.mkdir()
        sys.stdout.write(f"{json.dumps(run(folder, seed, whole))}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
