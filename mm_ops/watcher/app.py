"""What the watcher serves. Open to all: ``/health``, ``/ready``, ``/metrics``; the rest asks for the bearer token.

An alert is answered 2xx only when it is on the disk, and 503 where that is our fault or too much waits: Alertmanager
sends again after 5xx only. A body must come whole within ``BODY_WITHIN_S``.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import MmOpsError, SchemaError, SourceUnavailableError
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.watcher.guard import Guard
from mm_ops.watcher.service import Service
from mm_ops.watcher.told import metrics_text, state_document

MOST_BODY_BYTES = 1024 * 1024
BODY_WITHIN_S = 5.0
WRITTEN_WITHIN_S = 10.0
MOST_EPISODES = 1000
_TASK = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_SIGNALS = {"start", "success", "fail"}
_MOST_EXIT = 255

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Door:
    """The handlers, over one service."""

    service: Service
    guard: Guard

    async def alert_hook(self, request: Request) -> Response:
        """Take alerts in."""
        try:
            body = await self._body(request)
        except TimeoutError:
            return self._answer("alert_hook", 503, f"expected the whole body within {BODY_WITHIN_S:g} s: send it again")
        except HTTPException as refused:  # larger than it may be, which is sent only by who holds the token
            await run_in_threadpool(self.service.note_unreadable, f"payload: {refused.detail}")
            return self._answer("alert_hook", refused.status_code, str(refused.detail))
        try:
            async with asyncio.timeout(WRITTEN_WITHIN_S):
                intake = await self.service.take_in(body)
        except SchemaError as error:
            await run_in_threadpool(self.service.note_unreadable, str(error))
            return self._answer("alert_hook", 400, str(error))
        except TimeoutError:
            return self._answer("alert_hook", 503, f"not on the disk within {WRITTEN_WITHIN_S:g} s: send it again")
        except MmOpsError as error:
            return self._answer("alert_hook", 503, f"{error}; send it again")
        self.service.counts["alert_hook_200"] += 1
        return JSONResponse({"digest": intake.digest, "seen": intake.seen})

    async def heartbeat(self, request: Request) -> Response:
        """Take a task's sign of life: ``/heartbeat/<task>``, ``…/start``, ``…/success``, ``…/fail``, ``…/<exit>``."""
        task, signal = request.path_params["task"], request.path_params.get("signal", "success")
        if not _TASK.fullmatch(task):
            return self._answer("heartbeat", 400, "task: expected 1 to 100 letters, digits, '_', '.' or '-'")
        exit_status = int(signal) if signal.isascii() and signal.isdecimal() and len(signal) < 4 else None  # noqa: PLR2004 - digits of 255
        if signal not in _SIGNALS and (exit_status is None or exit_status > _MOST_EXIT):
            return self._answer("heartbeat", 400, "signal: expected start, success, fail, or an exit status to 255")
        said = signal if exit_status is None else "fail" if exit_status else "success"
        fault = await _bounded(lambda: self.service.note_heartbeat(task, said, exit_status))
        if isinstance(fault, MmOpsError):
            return self._answer("heartbeat", 503, f"{fault}; send it again")
        return self._answer("heartbeat", 200, "written")

    async def health(self, _: Request) -> Response:
        """Say that the process answers."""
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        """Say whether it can be relied on, and why not; and what works less well while it can."""
        faults = [*self.service.faults, *([self.guard.fault] if self.guard.fault else [])]
        said = {"ready": not faults, "faults": faults, "weak": self.service.weak}
        return JSONResponse(said, status_code=503 if faults else 200)

    async def metrics(self, _: Request) -> Response:
        """Give what Prometheus scrapes."""
        text = await _bounded(lambda: metrics_text(self.service))
        if isinstance(text, MmOpsError):
            return self._answer("read", 503, str(text))
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def episodes(self, request: Request) -> Response:
        """Give the episodes heard of last, with what was done; ``limit`` says how many, 100 by default."""
        limit = request.query_params.get("limit", "100")
        if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= MOST_EPISODES):
            return self._answer("read", 400, f"limit: expected 1 to {MOST_EPISODES}")
        return await self._document(lambda: self.service.journal.episodes(int(limit)))

    async def state(self, _: Request) -> Response:
        """Read every bot now, and say how the watcher is set."""
        return await self._document(lambda: state_document(self.service))

    async def _document(self, read: Callable[[], object]) -> Response:
        found = await _bounded(read)
        if isinstance(found, MmOpsError):
            return self._answer("read", 503, str(found))
        return Response(encode(found), media_type="application/json")

    def guarded(self, handler: Handler) -> Handler:
        """Let nobody in without the token; where it cannot be compared, the fault is ours."""

        async def admit(request: Request) -> Response:
            if self.guard.fault:
                return self._answer("token", 503, "the watcher's token file is not usable: send it again")
            if not self.guard.admits(request.headers.get("authorization")):
                response = self._answer("token", 401, "expected the bearer token")
                response.headers["WWW-Authenticate"] = "Bearer"
                return response
            return await handler(request)

        return admit

    async def _body(self, request: Request) -> bytes:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await request.body()

    def _answer(self, what: str, status: int, words: str) -> Response:
        self.service.counts[f"{what}_{status}"] += 1
        closing = {"Connection": "close"} if status in {413, 503} else {}
        retry = {"Retry-After": "1"} if status == 503 else {}  # noqa: PLR2004 - HTTP's own number
        return JSONResponse({"detail": words}, status_code=status, headers={**closing, **retry})


async def _bounded(work: Callable[[], T]) -> T | MmOpsError:
    """Do what waits for a disk or a server; what takes too long is left behind and keeps nobody else waiting."""
    return await run_in_threadpool(call_within, work, WRITTEN_WITHIN_S)


async def _left(_: Request, __: Exception) -> Response:
    """Nobody is there to read it."""
    return Response(status_code=400)


async def _unavailable(_: Request, error: Exception) -> Response:
    """Say of a fault of ours what makes the sender come again."""
    return JSONResponse({"detail": f"{type(error).__name__}: send it again"}, status_code=503)


def build_app(service: Service, guard: Guard) -> Starlette:
    """Build the ASGI application."""
    door = Door(service, guard)
    post = ["POST"]
    return Starlette(
        routes=[
            Route("/alert-hook", door.guarded(door.alert_hook), methods=post),
            Route("/heartbeat/{task}", door.guarded(door.heartbeat), methods=post),
            Route("/heartbeat/{task}/{signal}", door.guarded(door.heartbeat), methods=post),
            Route("/health", door.health),
            Route("/ready", door.ready),
            Route("/metrics", door.metrics),
            Route("/episodes", door.guarded(door.episodes)),
            Route("/state", door.guarded(door.state)),
        ],
        exception_handlers={ClientDisconnect: _left, SourceUnavailableError: _unavailable, Exception: _unavailable},
        max_body_size=MOST_BODY_BYTES,
    )
