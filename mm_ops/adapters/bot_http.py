"""One HTTP exchange with a server that may hang, drip, lie about its length or die: over when its time is.

No proxy, password or redirect is followed that nobody has named.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mm_ops.adapters.http_connection import Connection, NoAnswerError
from mm_ops.adapters.json_files import parse_json
from mm_ops.domain.errors import SchemaError

__all__ = ["MAX_ANSWER_BYTES", "Answer", "NoAnswerError", "Peer", "exchange", "shown"]

MAX_ANSWER_BYTES = 1_048_576
_SHOWN = 200
_KEPT_S = 2.0
"""How long a connection waits for the next request: a stop makes all of its own within less."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    kind: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> Any:
        """Parse the body, strictly.

        Raises:
            SchemaError: it is not JSON.
        """
        return parse_json(self.body, f"answer {self.status}")

    def words(self) -> str:
        """Say in one line what a refusal says: status, title and detail of a problem, or just the status."""
        try:
            document = self.document()
        except SchemaError:
            document = None
        said = (
            [str(document[name]) for name in ("title", "detail") if document.get(name)]
            if (isinstance(document, dict))
            else []
        )
        return " ".join(f"{self.status} {': '.join(said)}".split())[:_SHOWN]


def shown(url: str) -> str:
    """Write an address without the credentials and the query that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


@dataclass(slots=True)
class Peer:
    """A server: its connections are kept for a moment, so that the next request needs no new one."""

    url: str
    _idle: list[tuple[float, Connection]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(
        self,
        method: str,
        path: str,
        *,
        within_s: float,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        most: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """Ask once for what is at the path below the server's address; on a kept connection that is dead, twice.

        Raises:
            NoAnswerError: no whole answer of at most so many bytes came within the time.
        """
        end = time.monotonic() + within_s
        kept = self._take()
        try:
            connection = kept or Connection(urlsplit(self.url), end)
            try:
                return self._ask(connection, (method, path, headers, body), end, most)
            except ConnectionError:
                if kept is None:
                    raise
            return self._ask(Connection(urlsplit(self.url), end), (method, path, headers, body), end, most)
        except NoAnswerError:
            raise
        except TimeoutError as error:
            raise NoAnswerError(f"no whole answer within {within_s:.3g} s") from error
        except Exception as error:  # httptools, ssl and socket each raise their own here
            raise NoAnswerError(_reason(error)) from error

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _take(self) -> Connection | None:
        since = time.monotonic() - _KEPT_S
        with self._lock:
            old = [connection for at, connection in self._idle if at < since]
            self._idle = [one for one in self._idle if one[0] >= since]
            taken = self._idle.pop()[1] if self._idle else None
        for connection in old:
            connection.close()
        return taken

    def _ask(
        self, connection: Connection, what: tuple[str, str, Mapping[str, str], Any], end: float, most: int
    ) -> Answer:
        kept = False
        try:
            method, path, headers, body = what
            status, found, content, kept = connection.ask(method, path, headers, body, end=end, most=most)
        finally:
            if not kept:
                connection.close()
        with self._lock:
            if kept:
                self._idle.append((time.monotonic(), connection))
        return Answer(status, found.get("content-type", "").partition(";")[0].strip().lower(), content, found)


def exchange(
    method: str,
    url: str,
    *,
    within_s: float,
    headers: Mapping[str, str],
    body: Mapping[str, Any] | None = None,
    most: int = MAX_ANSWER_BYTES,
) -> Answer:
    """Ask a server once, over a connection that is not kept.

    Raises:
        NoAnswerError: no whole answer of at most so many bytes came within the time.
    """
    peer = Peer(url)
    try:
        return peer.ask(method, "", within_s=within_s, headers={"Connection": "close", **headers}, body=body, most=most)
    finally:
        peer.close()


def _reason(error: BaseException) -> str:
    """Say what broke without the address, which may hold a password."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        inner = inner.__context__
    return f"the connection was lost ({type(error).__name__})"
