"""Ctrl-C and SIGTERM while Dagster runs something in this process: they mean the command, and not one step of it."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_MEANT = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def interrupts_end_the_command() -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` at the end if either signal came meanwhile.

    Dagster puts its own handlers in place while it runs: a signal breaks the step that it meets and the run goes on, or
    it is forgotten between two steps. So the signals are listened to below the handlers, where Python writes them down
    (``signal.set_wakeup_fd``); that works in the main thread alone, and elsewhere nothing is listened to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
        with os.fdopen(reader, "rb") as heard:
            came = _MEANT & set(heard.read())
    if came:
        raise KeyboardInterrupt
