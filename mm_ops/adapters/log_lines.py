"""Lines on standard error: words for people, or one JSON object a line with the run, the bot and the episode.

Dagster's own processes have their ``--log-format json``; this is for the commands and the services of mm_ops.
"""

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

_KNOWN: ContextVar[dict[str, str] | None] = ContextVar("known", default=None)
_LOG = logging.getLogger("mm_ops")


class _Stderr(logging.Handler):
    """Writes to standard error as it is at that moment.

    Where it cannot be written our own lines say so to whoever told them; what a library complains of is lost.
    """

    def __init__(self, form: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(form)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, at once."""
        stream: TextIO | None = sys.stderr  # None where the shell closed it
        if stream is None:
            return
        with contextlib.nullcontext() if record.name == _LOG.name else contextlib.suppress(OSError):
            stream.write(f"{self.format(record)}\n")
            stream.flush()


class _Json(logging.Formatter):
    """``at`` (UTC, to the ms), ``level``, ``logger``, ``message``, and what is known beside it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in the words."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps({**told, **(_KNOWN.get() or {})}, ensure_ascii=False)


def use_format(*, as_json: bool) -> None:
    """Choose for the whole process; as JSON what libraries complain of is written so too."""
    _LOG.propagate = False
    _LOG.setLevel(logging.INFO)
    _LOG.handlers = [_Stderr(_Json() if as_json else logging.Formatter("%(message)s"))]
    if as_json:
        logging.getLogger().handlers = _LOG.handlers


def write(text: str, level: int = logging.INFO) -> None:
    """Write one line.

    Raises:
        OSError: standard error cannot be written.
    """
    if not _LOG.handlers:
        use_format(as_json=False)
    _LOG.log(level, "%s", text)


@contextlib.contextmanager
def known(**fields: str) -> Iterator[None]:
    """Say what lines within the block are about, such as ``run``, ``bot``, ``episode``; what is empty is left out."""
    before = _KNOWN.get() or {}
    token = _KNOWN.set({**before, **{name: value for name, value in fields.items() if value}})
    try:
        yield
    finally:
        _KNOWN.reset(token)
