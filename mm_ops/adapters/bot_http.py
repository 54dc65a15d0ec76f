"""One HTTP exchange with a bot that may hang, drip, lie about its length or die: over when its time is.

A socket's own limit is for each piece, so that a server that drips a byte a second is never too late. The exchange
therefore runs on a thread of its own, which is left behind when the time is over; its connection dies with it.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from mm_ops.adapters.json_files import parse_json
from mm_ops.domain.errors import SchemaError

MAX_ANSWER_BYTES = 1_048_576
_SHOWN = 200


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


def exchange(
    method: str,
    url: str,
    *,
    within_s: float,
    headers: Mapping[str, str],
    body: Mapping[str, Any] | None = None,
    most: int = MAX_ANSWER_BYTES,
) -> Answer:
    """Ask once. Redirects are not followed, and no proxy or password of the environment is used.

    Raises:
        NoAnswerError: no whole answer of at most so many bytes came within the time.
    """
    found: list[Answer | NoAnswerError] = []

    def work() -> None:
        found.append(_ask(method, url, within_s, headers, body, most))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(within_s)
    if not found:
        raise NoAnswerError(f"no whole answer within {within_s:.3g} s")
    if isinstance(found[0], NoAnswerError):
        raise found[0]
    return found[0]


def _ask(
    method: str, url: str, within_s: float, headers: Mapping[str, str], body: Mapping[str, Any] | None, most: int
) -> Answer | NoAnswerError:
    data = None if body is None else json.dumps(body).encode()
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update({"Accept-Encoding": "identity", "Content-Type": "application/json", **headers})
        try:
            with session.request(
                method, url, data=data, timeout=within_s, stream=True, allow_redirects=False
            ) as response:
                content = response.raw.read(most + 1)
                kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                length = response.headers.get("Content-Length", str(len(content)))
                if len(content) > most or length != str(len(content)):
                    return NoAnswerError(f"an answer that is cut off or larger than {most:,} bytes")
                return Answer(response.status_code, kind, content, dict(response.headers))
        except Exception as error:  # noqa: BLE001 - requests, urllib3 and http.client each raise their own here
            return NoAnswerError(_reason(error))


def _reason(error: BaseException) -> str:
    """Say what broke without the address, which may hold a password."""
    if isinstance(error, requests.Timeout | TimeoutError):
        return "no answer in time"
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        inner = inner.__context__
    return f"the connection was lost ({type(error).__name__})"
