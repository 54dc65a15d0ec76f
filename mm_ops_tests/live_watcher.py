"""A real ``mm-ops watch`` on a free loopback port, over policies of its own; killed, started again and asked."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from mm_ops.adapters.environment import Environment
from mm_ops.domain.bots import Fleet
from mm_ops_tests.alert_stack import fleet_document
from mm_ops_tests.live_paperbot import free_port

TOKEN = "a-token-of-a-test-0123456789"  # noqa: S105 - of a test
_WITHIN_S = 60

QUICK = {"attempt": "300ms", "pause": "50ms", "deadline": "1s", "no_open_orders": "1s", "again_after": "1s"}
"""A bot is given up on within a test's patience."""


@dataclass
class RunningWatcher:
    """One watcher: its place on the disk stays the same over its restarts; ``told_to`` is where its log goes else."""

    folder: Path
    flags: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    told_to: Path | None = None
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "watcher.log").read_text(encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.spawn()
        self.until(self._is_ready)

    def spawn(self) -> "subprocess.Popen[bytes]":
        """Start it and do not wait."""
        command = [sys.executable, "-m", "mm_ops", "watch", "--port", str(self.port)]
        command += ["--token-file", str(self.folder / "token"), "--journal", str(self.folder / "journal.sqlite")]
        environment = {**os.environ, "MM_OPS_POLICIES": str(self.folder / "policies")}
        with (self.told_to or self.folder / "watcher.log").open("wb" if self.told_to else "ab") as stream:
            self.process = subprocess.Popen(
                [*command, *self.flags], stdout=stream, stderr=stream, cwd=self.folder, env=environment
            )
        return self.process

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; gives how it ended."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(40)

    def post(
        self,
        body: bytes | Mapping[str, Any],
        token: str = TOKEN,
        path: str = "/alert-hook",
        session: requests.Session | None = None,
    ) -> requests.Response:
        """Send, over a connection of its own or one that is kept."""
        sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        post = requests.post if session is None else session.post
        return post(self.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=30, **sent)

    def get(self, path: str) -> Any:
        answer = requests.get(self.url + path, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def episodes(self, **wanted: str) -> list[dict[str, Any]]:
        """The episodes with these fields, newest first."""
        return [one for one in self.get("/episodes") if all(one[name] == value for name, value in wanted.items())]

    def until(self, reached: Callable[[], bool], within_s: float = _WITHIN_S) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + within_s
        while not reached():
            assert self.process is not None
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/ready", timeout=10).ok
        except requests.ConnectionError:
            return False


def prepare(folder: Path, fleet: Fleet, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """Lay the policies of a watcher: the project's, another fleet, and what ``change`` does to ``rollback.yaml``."""
    shutil.copytree(Environment.read({}).policies, folder / "policies")
    (folder / "policies/bots.yaml").write_text(yaml.safe_dump(fleet_document(fleet)), encoding="utf-8")
    rollback = folder / "policies/rollback.yaml"
    document = yaml.safe_load(rollback.read_text(encoding="utf-8"))
    change(document)
    rollback.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    (folder / "token").write_text(f"{TOKEN}\n", encoding="utf-8")


@contextmanager
def watching(folder: Path, fleet: Fleet, *flags: str, **options: Any) -> Iterator[RunningWatcher]:
    """Run a watcher until the block ends."""
    prepare(folder, fleet, **options)
    watcher = RunningWatcher(folder, flags)
    try:
        watcher.start()
        yield watcher
    finally:
        if watcher.process is not None and watcher.process.poll() is None:
            watcher.stop()


def impatient(document: dict[str, Any]) -> None:
    document["attempts"].update(QUICK)


def stops(watcher: RunningWatcher) -> list[dict[str, Any]]:
    return sorted((stop for one in watcher.episodes() for stop in one["stops"]), key=lambda one: str(one["claimed_at"]))


def until_stopped(watcher: RunningWatcher) -> None:
    watcher.until(lambda: bool(stops(watcher)) and all(one["finished_at"] for one in stops(watcher)))
