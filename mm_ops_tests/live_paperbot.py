"""A real live paper bot on a free loopback port, stopped again at the end."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from mm_ops.adapters.exposition import parse_exposition

_READY_WITHIN_S = 60


@dataclass(frozen=True)
class RunningBot:
    """Its address, its process, and what it says on standard error."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.url}/state", timeout=10).json()
        return found

    def faults(self, **faults: float | bool) -> None:
        requests.post(f"{self.url}/faults", json=faults, timeout=10).raise_for_status()

    def put(self, path: str, key: str, **body: Any) -> requests.Response:
        return requests.put(f"{self.url}{path}", json=body, headers={"Idempotency-Key": key}, timeout=10)

    def text(self) -> str:
        return requests.get(f"{self.url}/metrics", timeout=10).text

    def value(self, metric: str, **labels: str) -> float:
        samples = parse_exposition(self.text(), "scrape")
        found = [one.value for one in samples if (one.metric, one.labels) == (metric, labels)]
        assert len(found) == 1, f"{metric} {labels} is there {len(found)} times"
        return found[0]

    def await_ready(self) -> None:
        until = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if requests.get(f"{self.url}/metrics", timeout=10).ok:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"the paper bot is not ready: {self.log.read_text(encoding='utf-8')}")

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait until a condition holds; the bot's clock runs on meanwhile."""
        end = time.monotonic() + _READY_WITHIN_S
        while not reached():
            assert time.monotonic() < end, "the condition was not reached"
            time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(folder: Path, *flags: str, speed: float = 50, port: int | None = None) -> Iterator[RunningBot]:
    """Run ``mm-ops paperbot serve`` until the block ends, at any free port or at the one that another had."""
    port, log = port or free_port(), folder / "paperbot.log"
    command = [sys.executable, "-m", "mm_ops", "paperbot", "serve", "--port", str(port), "--speed", str(speed), *flags]
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream, cwd=folder) as process:
        bot = RunningBot(f"http://127.0.0.1:{port}", process, log)
        try:
            bot.await_ready()
            yield bot
        finally:
            process.terminate()
            process.wait(30)
