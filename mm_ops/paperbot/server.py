"""The live bot's door: ``/metrics``, and the control API of ``deploy/bot/openapi.yaml``, with its faults acted out."""

import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mm_ops.paperbot.control import RefusalError, check
from mm_ops.paperbot.faults import FaultError, parse_faults
from mm_ops.paperbot.live_metrics import CONTENT_TYPE
from mm_ops.paperbot.live_process import LiveProcess

COMMANDS = {
    "/strategy-scale": "strategy_scale",
    "/circuit": "circuit",
    "/orders/freeze": "orders_frozen",
    "/profile": "profile",
    "/trading-state": "trading_state",
}
MAX_BODY_BYTES = 65_536
_SETTINGS = "profile_settings"
_SILENCE_S = 10


class _NoAnswerError(Exception):
    """The connection is closed without an answer, as a fault wants it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What a request needs: the bot, who may command it, and how its process is started again."""

    process: LiveProcess
    token_file: Path | None
    allow_faults: bool
    restart: Callable[[], None]
    stop: threading.Event


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def make_server(host: str, port: int, door: Door) -> ThreadingHTTPServer:
    """Listen; a thread a connection, so that one that hangs holds up no other.

    Raises:
        OSError: the port is taken.
    """

    class Handler(_Handler):
        opened = door

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # with the usual 5, the commands of two stops at once cost one of them half a second

    return Server((host, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    opened: Door
    protocol_version = "HTTP/1.1"
    server_version = "paperbot"
    sys_version = ""
    wbufsize = MAX_BODY_BYTES  # head and body in one piece: two would wait for each other's receipt
    disable_nagle_algorithm = True
    timeout = _SILENCE_S  # a client that is silent for so long is left

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, *_: object) -> None:
        """Say nothing: a scrape a second is no news."""

    def _answer(self, work: Callable[[], _Answer]) -> None:
        try:
            answer = work()
        except RefusalError as error:
            answer = problem(error.status, error.title, error.detail)
        except _NoAnswerError:
            self.close_connection = True
            return
        if answer.status >= HTTPStatus.BAD_REQUEST:
            self.close_connection = True  # what is left of its body is not read
        self.send_response(answer.status)
        closes = (("Connection", "close"),) if self.close_connection else ()
        for name, value in (*answer.headers, *closes, ("Content-Type", answer.kind)):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _get(self) -> _Answer:
        door = self.opened
        match self.path:
            case "/metrics":
                return _Answer(200, CONTENT_TYPE, door.process.metrics().encode())
            case "/state":
                self._authenticate()
                return as_json(door.process.state())
            case "/faults" if door.allow_faults:
                self._authenticate()
                return as_json(door.process.faults)
        raise self._nothing_here()

    def _put(self) -> _Answer:
        name = COMMANDS.get(self.path)
        if name is None:
            raise self._nothing_here()
        self._authenticate()
        values, key = self._values(name), self.headers.get("Idempotency-Key")
        self._act_out()
        if {"lie", "lie_state"} & set(self.opened.process.faults):
            check(name, values[name])
            return as_json(self.opened.process.claim(values))
        state, new = self.opened.process.put(name, values[name], key, values.get(_SETTINGS))
        if "restart" in self.opened.process.faults:
            self.opened.restart()
            raise _NoAnswerError
        return as_json(state, *(() if new else (("Idempotency-Replayed", "true"),)))

    def _act_out(self) -> None:
        faults = self.opened.process.faults
        if "hang" in faults:
            self.opened.stop.wait(faults["hang"])
            raise _NoAnswerError
        if "error_500" in faults:
            raise RefusalError(500, "internal error", "the fault error_500 is injected")
        if "refuse" in faults:
            raise RefusalError(409, "refused", "the fault refuse is injected")

    def _post(self) -> _Answer:
        if self.path != "/faults" or not self.opened.allow_faults:
            raise self._nothing_here()
        self._authenticate()
        try:
            self.opened.process.suffer(parse_faults(self._body()))
        except FaultError as error:
            raise RefusalError(422, "value", str(error)) from error
        return as_json(self.opened.process.faults)

    def _values(self, name: str) -> dict[str, Any]:
        body = self._body()
        also = {_SETTINGS} if name == "profile" else set()
        if not isinstance(body, dict) or set(body) - also != {name}:
            raise RefusalError(422, "body", f"expected an object with {name} and nothing else")
        return body

    def _body(self) -> Any:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise RefusalError(411, "length", "expected a header Content-Length")
        if int(length) > MAX_BODY_BYTES:
            raise RefusalError(413, "length", f"expected a body of at most {MAX_BODY_BYTES:,} bytes, was {length}")
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise RefusalError(400, "body", "expected JSON") from error

    def _authenticate(self) -> None:
        path = self.opened.token_file
        if path is None:
            return
        given = self.headers.get("Authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, b"Bearer " + path.read_bytes().strip()):
            raise RefusalError(401, "token", "expected the bot's bearer token")

    def _nothing_here(self) -> RefusalError:
        return RefusalError(404, "path", f"nothing is at {self.command} {self.path[:100]!r}")


def as_json(value: Any, *headers: tuple[str, str]) -> _Answer:
    """Answer with JSON."""
    return _Answer(200, "application/json", json.dumps(value, sort_keys=True).encode() + b"\n", headers)


def problem(status: int, title: str, detail: str) -> _Answer:
    """Answer with a problem (RFC 9457)."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    headers = (("WWW-Authenticate", "Bearer"),) if status == HTTPStatus.UNAUTHORIZED else ()
    return _Answer(status, "application/problem+json", json.dumps(body).encode() + b"\n", headers)
