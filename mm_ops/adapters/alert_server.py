"""Asks a server that knows alerts, Prometheus or Alertmanager, for a JSON document; in time or not at all."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from mm_ops.adapters.bot_http import Answer, NoAnswerError, exchange, shown
from mm_ops.domain.errors import SchemaError, SourceUnavailableError

MOST_BYTES = 16 * 1024 * 1024
"""Of one answer; an alert takes about 600 bytes, and nobody has 25,000 that fire."""

_OK = 200
_KEEPS_OUT = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class AlertServer:
    """One server; its address may hold a user and a password, which no error shows."""

    name: str
    url: str
    timeout: timedelta

    def get(self, path: str, **parameters: str) -> Any:
        """Read a document.

        Raises:
            SourceUnavailableError: no whole answer in time, a refusal, or no JSON; it says what to look at.
        """
        query = f"?{urlencode(parameters)}" if parameters else ""
        address = f"{self.url.rstrip('/')}{path}{query}"
        try:
            answer = exchange("GET", address, within_s=self.timeout.total_seconds(), headers={}, most=MOST_BYTES)
        except NoAnswerError as error:
            raise self.refusal(f"{error}; is it running there, and is this its address?") from error
        if answer.status != _OK:
            raise self.refusal(_said(answer))
        try:
            return answer.document()
        except SchemaError as error:
            raise self.refusal(f"no JSON at {path}; is this the address of {self.name}?") from error

    def refusal(self, reason: str) -> SourceUnavailableError:
        """Name the server in an error."""
        return SourceUnavailableError(f"{self.name} {shown(self.url)}: {reason}")


def _said(answer: Answer) -> str:
    if answer.status in _KEEPS_OUT:
        return f"status {answer.status}: it asks for credentials; put user and password into its address"
    if 300 <= answer.status < 400:  # noqa: PLR2004 - the redirects
        return f"status {answer.status}, a redirect; name the address that it leads to"
    said = " ".join(answer.body.decode(errors="replace").split())
    return f"status {answer.status}: {said[:200] or 'without a word'}"
