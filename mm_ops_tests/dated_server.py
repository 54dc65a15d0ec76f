"""A local server that answers every question alike, and whose ``Date`` says what it is told to say, or nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs


@contextmanager
def dated(body: str, date: datetime | str | None) -> Iterator[tuple[str, list[str]]]:
    """Serve ``body``; gives the address, and the queries that were asked so far."""
    asked: list[str] = []
    text = format_datetime(date, usegmt=True) if isinstance(date, datetime) else date

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.extend(parse_qs(form)["query"])
            self.send_response_only(200)  # without the Date that send_response adds
            if text is not None:
                self.send_header("Date", text)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()
