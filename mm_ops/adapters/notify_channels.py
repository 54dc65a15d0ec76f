"""The ways to reach people: a POST of JSON, anything that apprise knows by URL, and the journal where there is neither.

An address is read each time, so that it can be changed while the watcher runs, and is in no message, error or repr.
"""

import importlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from mm_ops.adapters.bot_http import NoAnswerError, exchange
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import MmOpsError, PolicyError
from mm_ops.domain.notify.message import Message
from mm_ops.domain.notify.policy import ChannelKind, ChannelPolicy
from mm_ops.domain.rollback.bounded import call_within

_EXTRA = "apprise is not installed: install mm_ops with the extra `notify`"
_REDIRECTS, _FAILURES = 300, 400


class NotDeliveredError(MmOpsError):
    """A message was not taken, or it is not known whether it was; ``again_after`` is what the receiver asked for."""

    def __init__(self, reason: str, again_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.again_after = again_after


class Channel(Protocol):
    """One way to reach people."""

    def send(self, message: Message) -> None:
        """Deliver a message.

        Raises:
            NotDeliveredError: it was not taken within the time.
            PolicyError: its address cannot be used.
        """
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts a message as JSON; ``text`` in it is what Slack, Mattermost and others show. Delivered is a status 2xx."""

    address: Callable[[], str]
    within: timedelta

    def send(self, message: Message) -> None:
        """Post it; a redirect is not followed, since nobody has allowed its target."""
        url = _web_address(self.address())
        try:
            answer = exchange("POST", url, within_s=self.within.total_seconds(), headers={}, body=document_of(message))
        except NoAnswerError as error:
            raise NotDeliveredError(str(error)) from None  # what caused it may show the address
        if _REDIRECTS <= answer.status < _FAILURES:
            raise NotDeliveredError(f"answered {answer.status}, a redirect: name the address that it leads to")
        if answer.status // 100 != 2:  # noqa: PLR2004 - HTTP's own number
            raise NotDeliveredError(f"answered {answer.status}", _asked_for(answer.headers.get("retry-after", "")))


@dataclass(frozen=True, slots=True)
class Apprise:
    """Sends a message by a URL of apprise. It says that it failed, and never why: that would show the address."""

    address: Callable[[], str]
    within: timedelta

    def send(self, message: Message) -> None:
        """Send it, in a thread that is left behind when the time is over."""
        url = self.address()
        answer = call_within(lambda: _apprise(url, message), self.within.total_seconds())
        if isinstance(answer, MmOpsError):
            known = isinstance(answer, NotDeliveredError | PolicyError)
            raise answer if known else NotDeliveredError(f"not delivered within {self.within.total_seconds():.3g} s")


@dataclass(frozen=True, slots=True)
class Written:
    """Writes a message into the journal, for people whom no channel reaches."""

    note: Callable[[Message], None]

    def send(self, message: Message) -> None:
        """Write it down."""
        try:
            self.note(message)
        except MmOpsError as error:
            raise NotDeliveredError(str(error)) from error


def channel_of(policy: ChannelPolicy, address: Callable[[], str], within: timedelta) -> Channel:
    """Build the channel that a policy describes."""
    return Webhook(address, within) if policy.kind is ChannelKind.WEBHOOK else Apprise(address, within)


def document_of(message: Message) -> dict[str, Any]:
    """The body of a webhook: the words under ``text``, and beside them what a machine may sort by."""
    fields: dict[str, Any] = to_plain(message)
    del fields["every"]  # may be thousands; the text has the first
    return {**fields, "audience": fields.pop("told"), "text": f"{message.title}\n{message.text}", "body": message.text}


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise PolicyError("its address is none of HTTP: expected http://… or https://…")
    return url


def _asked_for(seconds: str) -> timedelta | None:
    """Read ``Retry-After`` where it is a number of seconds; as a date it is left alone."""
    return timedelta(seconds=int(seconds)) if seconds.isascii() and seconds.isdecimal() and len(seconds) < 6 else None  # noqa: PLR2004 - a day has five digits


def _apprise(url: str, message: Message) -> bool:
    """Send by apprise: an unreadable URL is no error to it but ``None``, and its answer is only true or false.

    Raises:
        PolicyError: it is not installed, or does not know such a URL.
        NotDeliveredError: it says that it failed, or broke.
    """
    try:
        apprise = importlib.import_module("apprise")
        log = logging.getLogger("apprise")
        log.handlers, log.propagate = [logging.NullHandler()], False  # it logs addresses
        asset = apprise.AppriseAsset(app_id="mm_ops", http_redirects=False, storage_mode="memory")
        # Not by ``Apprise.notify``: it sends in a pool of threads that the end of the process waits for.
        service = apprise.Apprise.instantiate(url, asset=asset)
        taken = service is not None and service.notify(
            body=apprise.conversion.convert_between("text", service.notify_format, message.text),
            title=message.title,
            notify_type=apprise.NotifyType.WARNING,
            body_format=service.notify_format,
        )
    except ImportError:
        raise PolicyError(_EXTRA) from None
    except Exception as error:  # noqa: BLE001 - its plugins raise what they like, and their words show addresses
        raise NotDeliveredError(f"apprise broke: {type(error).__name__}") from None
    if service is None:
        raise PolicyError("its address is none that apprise knows")
    if not bool(taken):
        raise NotDeliveredError("apprise says that it was not delivered")
    return True
