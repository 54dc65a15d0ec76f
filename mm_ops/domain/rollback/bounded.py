"""Calls that can be left behind: what a bot or a network does with a thread must not keep a stop waiting."""

import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from mm_ops.domain.errors import MmOpsError, SourceUnavailableError

T = TypeVar("T")


def call_within(call: Callable[[], T], seconds: float) -> T | MmOpsError:
    """Call in a thread of its own; the error that it raised, or that it took too long, is an answer too."""
    answer: queue.SimpleQueue[T | MmOpsError] = queue.SimpleQueue()

    def run() -> None:
        try:
            answer.put(call())
        except MmOpsError as error:
            answer.put(error)
        except Exception as error:  # noqa: BLE001 - an adapter's own fault must not leave its caller without an answer
            answer.put(SourceUnavailableError(f"{type(error).__name__}: {error}"))

    start(run)
    try:
        return answer.get(timeout=max(0.0, seconds))
    except queue.Empty:
        return SourceUnavailableError(f"expected an answer within {seconds:.3g} s, was none")


def together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Call all at once, each in a thread of its own; when all have ended, give the answers or raise what one raised."""
    done: queue.SimpleQueue[None] = queue.SimpleQueue()
    answers: dict[int, T] = {}
    failed: list[Exception] = []

    def run(number: int, call: Callable[[], T]) -> None:
        try:
            answers[number] = call()
        except Exception as error:  # noqa: BLE001 - raised below, where somebody waits for it
            failed.append(error)
        finally:
            done.put(None)

    for number, call in enumerate(calls):
        start(partial(run, number, call))
    for _ in calls:
        done.get()
    if failed:
        raise failed[0]
    return [answers[number] for number in range(len(calls))]


def start(run: Callable[[], None]) -> None:
    """Run beside everything else, in a thread that has become free if there is one; the process may end before."""
    with _GUARD:
        worker = _FREE.pop() if _FREE else None
    if worker is None or not worker.is_alive():  # after a fork none of them lives
        worker = _Worker()
        worker.start()
    worker.given.put(run)


class _Worker(threading.Thread):
    """Runs one thing after the other; to wake a thread takes less than to start one."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.given: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def run(self) -> None:
        while True:
            self.given.get()()
            with _GUARD:
                if len(_FREE) >= _MOST_FREE:
                    return
                _FREE.append(self)


_GUARD = threading.Lock()
_FREE: list[_Worker] = []
_MOST_FREE = 32
"""Threads that wait for work: a stop needs nine for some milliseconds."""
