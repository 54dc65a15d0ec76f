"""Reads and commands a bot over HTTP, by the contract of ``deploy/bot/openapi.yaml``.

A command is asked for, again with the same key while no answer comes, and then the state is read: what it shows is
what is reported, whatever the bot answered. Time is for all of it: half of it at most goes to asking, so that there
is always some left to look.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from mm_ops.adapters.bot_http import Answer, NoAnswerError, Peer, shown
from mm_ops.adapters.bot_state import parse_state, read_token, wire
from mm_ops.domain.errors import EffectNotConfirmedError, SchemaError, SourceUnavailableError
from mm_ops.domain.rollback.bot import BotState, Command, aim_of, shows

_AGAIN = frozenset({429, 500, 502, 503, 504})
_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
_TRIES = 1 + len(_PAUSES_S)
_LOOK_EVERY_S = 0.05
OK = 200


@dataclass(slots=True)
class Circuit:
    """Remembers that a bot does not answer, so that many callers do not all wait for it.

    After ``opens_after`` exchanges in a row without an answer it is open for ``pause_s``: a read is then refused at
    once, and a command is tried once instead of several times, since a stop is always tried.
    """

    opens_after: int = 5
    pause_s: float = 1.0
    _failed: int = 0
    _open_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_open(self, now: float) -> bool:
        """Whether it is open at a time of the monotonic clock."""
        with self._lock:
            return now < self._open_until

    def note(self, now: float, *, answered: bool) -> None:
        """Note how an exchange ended."""
        with self._lock:
            self._failed = 0 if answered else self._failed + 1
            self._open_until = now + self.pause_s if self._failed >= self.opens_after else 0.0


class HttpBot:
    """A ``BotControl`` over HTTP, for any number of threads.

    Args:
        url: such as ``http://127.0.0.1:9108``.
        timeout: for a whole ``read`` or ``apply``, retries and reading back included.
        attempt: for one exchange.
        settle: how long the state may take to show a command that was answered.
        token_file: holds the bearer token; read each time.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: timedelta = timedelta(seconds=5),
        attempt: timedelta = timedelta(seconds=1),
        settle: timedelta = timedelta(milliseconds=500),
        token_file: Path | None = None,
    ) -> None:
        self._url, self._peer = url, Peer(url)
        self._timeout_s, self._attempt_s = timeout.total_seconds(), attempt.total_seconds()
        self._settle_s = settle.total_seconds()
        self._token_file = token_file
        self._circuit = Circuit()

    def read(self) -> BotState:
        """Read the state.

        Raises:
            SourceUnavailableError: no state came back in time, or none that can be understood.
        """
        if self._circuit.is_open(time.monotonic()):
            raise self._unavailable("not asked: it has not answered lately")
        return self._read(time.monotonic() + self._timeout_s)

    def apply(self, command: Command, key: str) -> BotState:
        """Apply a command and give the state that was read back; the same key twice is one effect.

        Raises:
            SourceUnavailableError: the state could not be read, or the command was not answered and the state does
                not show it; it may yet be done.
            EffectNotConfirmedError: the bot answered, but the state does not show the command.
        """
        begun = time.monotonic()
        path, body = wire(command)
        answered: Answer | None = None
        try:
            answered = self._ask("PUT", path, begun + self._timeout_s / 2, body, {"Idempotency-Key": key})
            said = "said it was done" if answered.status == OK else f"answered {answered.words()}"
        except NoAnswerError as error:
            said = f"gave no answer ({error})"
        least = _least_sequence(answered)
        state = self._look(command, begun + self._timeout_s, least, waits=answered is None or answered.status == OK)
        if shows(state, command) and state.sequence >= least:
            return state
        stale = " and is older than the answer" if state.sequence < least else ""
        was = f"{getattr(state, aim_of(command)[0])}{stale}"
        reason = f"{_asked(command)}: the bot {said}, and its state reads {was}"
        if answered is None:
            raise self._unavailable(reason)
        raise EffectNotConfirmedError(f"bot {shown(self._url)}: {reason}")

    def _look(self, command: Command, deadline: float, least: int, *, waits: bool) -> BotState:
        """Read until the state shows the command; once only where nothing is to be waited for."""
        until = min(deadline, time.monotonic() + self._settle_s)
        while True:
            state = self._read(deadline)
            seen = shows(state, command) and state.sequence >= least
            if seen or not waits or time.monotonic() + _LOOK_EVERY_S >= until:
                return state
            time.sleep(_LOOK_EVERY_S)

    def _read(self, deadline: float) -> BotState:
        try:
            answer = self._ask("GET", "/state", deadline, None, {})
            if answer.status != OK:
                raise self._unavailable(f"the state is not given: {answer.words()}")
            return parse_state(answer.document(), "state")
        except (NoAnswerError, SchemaError) as error:
            raise self._unavailable(str(error)) from error

    def _ask(
        self, method: str, path: str, deadline: float, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> Answer:
        """Ask until there is an answer that another try would not better; every try is the same request."""
        tries = 1 if self._circuit.is_open(time.monotonic()) else _TRIES
        ask = self._exchange(method, path, body, headers)
        last: Answer | NoAnswerError = NoAnswerError("no time was left to ask")
        for pause_s in (0.0, *_PAUSES_S)[:tries]:
            if pause_s:
                time.sleep(max(0.0, min(pause_s, deadline - time.monotonic())))
            left_s = min(self._attempt_s, deadline - time.monotonic())
            if left_s <= 0:
                break
            try:
                last = ask(left_s)
            except NoAnswerError as error:
                last = error
            self._circuit.note(time.monotonic(), answered=isinstance(last, Answer))
            if isinstance(last, Answer) and last.status not in _AGAIN:
                break
        if isinstance(last, NoAnswerError):
            raise last
        return last

    def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> Callable[[float], Answer]:
        try:
            token = read_token(self._token_file)
        except SchemaError as error:
            raise self._unavailable(str(error)) from error
        sent = {**headers, **({} if token is None else {"Authorization": f"Bearer {token}"})}
        return lambda left_s: self._peer.ask(method, path, within_s=left_s, headers=sent, body=body)

    def _unavailable(self, reason: str) -> SourceUnavailableError:
        return SourceUnavailableError(f"bot {shown(self._url)}: {reason}")


def _least_sequence(answered: Answer | None) -> int:
    """The number that the answer carried: a state that is read with a smaller one is older than the answer."""
    if answered is None or answered.status != OK:
        return 0
    try:
        return parse_state(answered.document(), "answer").sequence
    except SchemaError:
        return 0


def _asked(command: Command) -> str:
    name, value = aim_of(command)
    return f"{name} = {value}"
