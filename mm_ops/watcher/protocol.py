"""Uvicorn's HTTP with a deadline on each request's head: without one, a half-sent header holds a connection for ever.

Source: measured (a header that is never finished was still open after 20 s); the body's deadline is in ``app``. Before
the head comes TLS, if it is spoken: asyncio would wait a minute for a greeting that drips.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_WITHIN_S = 5.0
MOST_HEAD_BYTES = 65_536
"""As h11's limit; httptools has none."""


class DeadlineLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers leave a peer that does not finish TLS's greeting, or its goodbye, in time."""

    async def create_server(self, *arguments: Any, **options: Any) -> asyncio.Server:
        """Listen; uvicorn has no word for these two limits."""
        if options.get("ssl") is not None:
            options |= {"ssl_handshake_timeout": HEAD_WITHIN_S, "ssl_shutdown_timeout": HEAD_WITHIN_S}
        return await super().create_server(*arguments, **options)


class DeadlineProtocol(HttpToolsProtocol):
    """Closes a connection whose next request's head is not whole in time, or too large."""

    _timer: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency - 1:
            self._make_room()
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the head is whole."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, whatever its type says
        if self._timer is None and (cycle is None or cycle.response_complete):
            self._arm()
        if self._timer is not None:
            self._head += len(data)
        super().data_received(data)
        if self._timer is not None and self._head > MOST_HEAD_BYTES:
            self.give_up()

    def on_headers_complete(self) -> Any:
        """The head is whole: what follows is the application's."""
        self._disarm()
        return super().on_headers_complete()

    def _make_room(self) -> None:
        """Leave whoever has kept a place longest without a whole head: silent peers must not keep Alertmanager out."""
        waiting = [one for one in self.connections if isinstance(one, DeadlineProtocol) and one.head_due is not None]
        if waiting:
            min(waiting, key=lambda one: one.head_due or 0.0).give_up()

    @property
    def head_due(self) -> float | None:
        """When a head must be whole, on the loop's clock; ``None`` while none is waited for."""
        return None if self._timer is None else self._timer.when()

    def _arm(self) -> None:
        self._head = 0
        self._timer = self.loop.call_later(HEAD_WITHIN_S, self.give_up)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def give_up(self) -> None:
        """Close the connection."""
        self._disarm()
        self.transport.close()
