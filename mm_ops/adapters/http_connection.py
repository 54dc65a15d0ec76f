"""A connection over which HTTP is spoken, each piece within what is left of the time.

A socket's own limit is for each piece, so that a server that drips a byte a second would never be too late.
"""

import ipaddress
import json
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import SplitResult, unquote

import httptools

from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rollback.bounded import call_within

_MOST_HEAD_BYTES = 65_536
_AT_ONCE = 65_536
_FINAL = 200
"""An answer below says that another follows."""


class NoAnswerError(Exception):
    """Nothing, or not all of it, came back; its text says what happened, without credentials."""


class Connection:
    """An open connection to a server; ``end`` is when time is over, on the monotonic clock."""

    def __init__(self, parts: SplitResult, end: float) -> None:
        """Connect.

        Raises:
            NoAnswerError: the server's name is not known.
            OSError: it cannot be reached, or proves to be another than it should.
        """
        self._parts = parts
        host = parts.hostname or ""
        self._socket: socket.socket = _connect(host, parts.port or (443 if parts.scheme == "https" else 80), end)
        if parts.scheme == "https":
            self._socket.settimeout(_left(end))
            self._socket = _tls().wrap_socket(self._socket, server_hostname=host)

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: Any, *, end: float, most: int
    ) -> tuple[int, dict[str, str], bytes, bool]:
        """Ask once; gives status, headers, body, and whether another request may follow.

        Raises:
            NoAnswerError: it is cut off or too large, or the request is none that can be sent.
            OSError: the connection broke, or the time is over.
            HttpParserError: what came is no HTTP.
        """
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
        return parser.get_status_code(), answer.headers, bytes(answer.body), answer.whole and answer.keeps


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
