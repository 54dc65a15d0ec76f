"""A server that says what it is told to, byte by byte, over a real socket; for clients that must survive it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]


def says(text: str) -> Behaviour:
    """Send this and close."""
    return lambda peer: peer.sendall(text.encode())


def answer(body: str, status: str = "200 OK", kind: str = "application/json") -> str:
    """A whole answer as text."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"


def drips(start: str, drop: str) -> Behaviour:
    """Send the start, and then a drop now and again for as long as somebody listens."""

    def behave(peer: socket.socket) -> None:
        peer.sendall(start.encode())
        while True:
            time.sleep(0.05)
            peer.sendall(drop.encode())

    return behave


@contextmanager
def hostile(*behaviours: Behaviour) -> Iterator[tuple[str, list[str]]]:
    """Serve: each connection gets the next behaviour, and the last one again and again; gives address and heads."""
    heads: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, behaviours, heads), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _serve(listener: socket.socket, behaviours: tuple[Behaviour, ...], heads: list[str]) -> None:
    number = 0
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        behave = behaviours[min(number, len(behaviours) - 1)]
        number += 1
        threading.Thread(target=_meet, args=(peer, behave, heads), daemon=True).start()


def _meet(peer: socket.socket, behave: Behaviour, heads: list[str]) -> None:
    with peer, suppress(OSError):
        heads.append(peer.recv(65_536).decode())
        behave(peer)
        peer.shutdown(socket.SHUT_WR)
        peer.recv(1)
