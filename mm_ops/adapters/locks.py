"""One process at a time, by a lock on a file; a process that dies lets go."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mm_ops.domain.errors import SourceUnavailableError


@contextmanager
def held(lock: Path, busy: str) -> Iterator[None]:
    """Hold a lock, or refuse at once.

    Raises:
        SourceUnavailableError: another process holds it; says ``busy``.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SourceUnavailableError(busy) from error
        yield
