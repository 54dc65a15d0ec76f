"""One process at a time, by a lock on a file; a process that dies lets go."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mm_ops.domain.errors import SourceUnavailableError


@contextmanager
def held(lock: Path, busy: str) -> Iterator[None]:
    """Hold a lock, or refuse at once.

    Raises:
        SourceUnavailableError: another process holds it; says ``busy``.
    """
    ours = FileLock(lock, timeout=0, thread_local=False)
    try:
        ours.acquire()
    except Timeout as error:
        raise SourceUnavailableError(busy) from error
    try:
        yield
    finally:
        ours.release()
