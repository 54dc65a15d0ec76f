"""Runs the live bot until it is told to stop."""

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from mm_ops.paperbot.live_process import LiveProcess, Setup, StartError
from mm_ops.paperbot.server import Door, make_server


def serve(
    setup: Setup,
    *,
    host: str,
    port: int,
    token_file: Path | None,
    allow_faults: bool,
    arguments: Sequence[str],
    clock: Callable[[], datetime],
    say: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        setup: how the bot is run.
        host: where it listens.
        port: of both the metrics and the control API.
        token_file: holds the token that control asks for; read at each request, so that it can be changed.
        allow_faults: whether ``/faults`` is there.
        arguments: of this process, with which the fault ``restart`` starts it again.
        clock: the UTC wall time.
        say: tells the operator.

    Raises:
        StartError: a file cannot be used, or the port is taken.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # not in the handler: it runs on the thread that may hold the event's own lock, and would wait for itself
        signal.signal(number, lambda *_: _thread.start_new_thread(stop.set, ()))
    if token_file is not None:
        _refuse_empty(token_file)
    process = LiveProcess(setup, clock, say)
    door = Door(
        process=process,
        token_file=token_file,
        allow_faults=allow_faults,
        restart=lambda: os.execv(sys.executable, [sys.executable, *arguments]),  # noqa: S606 - itself, again
        stop=stop,
    )
    try:
        server = make_server(host, port, door)
    except OSError as error:
        raise StartError(f"{host}:{port}: {error.strerror}") from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    faults = ", ".join(process.faults) or "none"
    say(f"paper bot: http://{host}:{port}/metrics, clock x {setup.speed:g}, faults: {faults}")
    process.run(stop)
    server.shutdown()
    server.server_close()


def _refuse_empty(token_file: Path) -> None:
    try:
        token = token_file.read_bytes().strip()
    except OSError as error:
        raise StartError(f"{token_file}: {error.strerror}") from error
    if not token:
        raise StartError(f"{token_file}: expected a token, was empty")
