"""One HTTP exchange with a server that may hang, drip, lie about its length or die: over when its time is.

A socket's own limit is for each piece, so that a server that drips a byte a second is never too late. Here every piece
gets what is left of the time. No proxy, password or redirect is followed that nobody has named.
"""

import ipaddress
import json
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import httptools

from mm_ops.adapters.json_files import parse_json
from mm_ops.domain.errors import MmOpsError, SchemaError
from mm_ops.domain.rollback.bounded import call_within

MAX_ANSWER_BYTES = 1_048_576
_MOST_HEAD_BYTES = 65_536
_AT_ONCE = 65_536
_FINAL = 200
"""An answer below says that another follows."""
_SHOWN = 200
_KEPT_S = 2.0
"""How long a connection waits for the next request: a stop makes all of its own within less."""


class NoAnswerError(Exception):
    """Nothing, or not all of it, came back; its text says what happened, without credentials."""


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
    _idle: list[tuple[float, "_Connection"]] = field(default_factory=list)
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
            connection = kept or _Connection(urlsplit(self.url), end)
            try:
                return self._ask(connection, (method, path, headers, body), end, most)
            except ConnectionError:
                if kept is None:
                    raise
            return self._ask(_Connection(urlsplit(self.url), end), (method, path, headers, body), end, most)
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

    def _take(self) -> "_Connection | None":
        since = time.monotonic() - _KEPT_S
        with self._lock:
            old = [connection for at, connection in self._idle if at < since]
            self._idle = [one for one in self._idle if one[0] >= since]
            taken = self._idle.pop()[1] if self._idle else None
        for connection in old:
            connection.close()
        return taken

    def _ask(
        self, connection: "_Connection", what: tuple[str, str, Mapping[str, str], Any], end: float, most: int
    ) -> Answer:
        kept = False
        try:
            answer, kept = connection.ask(what, end, most)
        finally:
            if not kept:
                connection.close()
        with self._lock:
            if kept:
                self._idle.append((time.monotonic(), connection))
        return answer


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


class _Connection:
    """An open connection to a server."""

    def __init__(self, parts: SplitResult, end: float) -> None:
        self._parts = parts
        host = parts.hostname or ""
        self._socket: socket.socket = _connect(host, parts.port or (443 if parts.scheme == "https" else 80), end)
        if parts.scheme == "https":
            self._socket.settimeout(_left(end))
            self._socket = _tls().wrap_socket(self._socket, server_hostname=host)

    def close(self) -> None:
        self._socket.close()

    def ask(self, what: tuple[str, str, Mapping[str, str], Any], end: float, most: int) -> tuple[Answer, bool]:
        """Ask once; says too whether another request may follow."""
        method, path, headers, body = what
        self._socket.settimeout(_left(end))
        self._socket.sendall(_request(self._parts, method, path, headers, body))
        answer = _Arriving()
        parser = httptools.HttpResponseParser(answer)
        while not answer.whole or parser.get_status_code() < _FINAL:
            self._socket.settimeout(_left(end))
            piece = self._socket.recv(_AT_ONCE)
            if not piece:
                answer.end()
                break
            parser.feed_data(piece)
            if len(answer.body) > most or answer.head_bytes(piece) > _MOST_HEAD_BYTES:
                raise NoAnswerError(f"an answer that is cut off or larger than {most:,} bytes")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        kept = answer.whole and answer.keeps
        return Answer(parser.get_status_code(), kind, bytes(answer.body), answer.headers), kept


class _Arriving:
    """An answer while it arrives: httptools calls its methods; ``keeps`` says that another request may follow."""

    def __init__(self) -> None:
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.whole = self.keeps = False
        self._head_complete = False
        self._head = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._head_complete = True

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.whole = True
        self.keeps = self.headers.get("connection", "").lower() != "close"

    def head_bytes(self, piece: bytes) -> int:
        """Count what has come while the head is not whole."""
        if not self._head_complete:
            self._head += len(piece)
        return self._head

    def end(self) -> None:
        """Nothing more comes: that ends an answer that has not said how long it is, and cuts off any other."""
        if not self._head_complete:
            raise ConnectionResetError
        if {"content-length", "transfer-encoding"} & self.headers.keys():
            raise NoAnswerError("an answer that is cut off")


def _connect(host: str, port: int, end: float) -> socket.socket:
    """Connect; looking a name up knows no limit of time, so it is left behind when the time is over."""
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        found = call_within(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), _left(end))
        if isinstance(found, MmOpsError):
            raise NoAnswerError(f"the name {host} is not known: {found}") from found
        address = str(found[0][4][0])
    connected = socket.create_connection((address, port), timeout=_left(end))
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@cache
def _tls() -> ssl.SSLContext:
    """The authorities of this machine."""
    return ssl.create_default_context()


def _request(parts: SplitResult, method: str, path: str, headers: Mapping[str, str], body: Any) -> bytes:
    """Write a request; a user and a password in the address are Basic's."""
    data = b"" if body is None else json.dumps(body).encode()
    target = f"{parts.path.rstrip('/') if path else parts.path}{path}" or "/"
    target += f"?{parts.query}" if parts.query else ""
    sent = {
        "Host": parts.netloc.rpartition("@")[2],
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        **({} if method == "GET" else {"Content-Length": str(len(data))}),
        **({} if parts.username is None else {"Authorization": _basic(parts)}),
        **headers,
    }
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    if any(not line.isprintable() for line in lines) or " " in target:
        raise NoAnswerError("a header or an address that cannot be sent: expected one line of printable characters")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + data


def _basic(parts: SplitResult) -> str:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _reason(error: BaseException) -> str:
    """Say what broke without the address, which may hold a password."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        inner = inner.__context__
    return f"the connection was lost ({type(error).__name__})"
