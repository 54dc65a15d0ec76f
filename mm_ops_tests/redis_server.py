"""A Redis of one's own on loopback that keeps nothing."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mm_ops_tests.live_paperbot import free_port
from mm_ops_tests.requirements import require_binary

_WITHIN_S = 20


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Serve until the block ends; gives the URL."""
    port = free_port()
    command = [require_binary("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        for _ in range(_WITHIN_S * 10):
            with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(_WITHIN_S)
