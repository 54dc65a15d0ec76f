"""Tries a bot against ``deploy/bot/openapi.yaml``: asks what can be asked, looks at what it did, and puts it back.

It halts the bot for some seconds, so it commands only one that is found ACTIVE, and goes from the harmless to the
grave; after a command that is not answered it asks for nothing more but the way back.
"""

import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mm_ops.adapters.bot_http import Answer, NoAnswerError, exchange, shown
from mm_ops.adapters.bot_metrics import Check
from mm_ops.adapters.bot_scrape import scrape
from mm_ops.adapters.bot_state import parse_state, read_token
from mm_ops.adapters.exposition import Sample
from mm_ops.domain.errors import SchemaError, SourceUnavailableError
from mm_ops.domain.verdict import Verdict

ATTEMPT_S = 2.0
_STOPS_WITHIN_S = 5.0
_WATCHED_S = 1.0
_OK, _CLIENT_ERRORS = 200, range(400, 500)
PATHS = {
    "strategy_scale": "/strategy-scale",
    "circuit": "/circuit",
    "orders_frozen": "/orders/freeze",
    "profile": "/profile",
    "trading_state": "/trading-state",
}
_SETTINGS = "profile_settings"
_TRIED = (
    ("strategy_scale", 0.0, "the bot sends orders after a stop"),
    ("orders_frozen", True, "the bot sends orders after a stop"),
    ("circuit", "open", "orders stand after a stop"),
    ("trading_state", "REDUCING", "a halt cannot be left in steps"),
    ("trading_state", "HALTED", "the bot trades on after a stop"),
)


class Probe:
    """One bot under trial.

    Args:
        url: of its control API.
        metrics_url: of its metrics.
        token_file: holds its bearer token.
    """

    def __init__(self, url: str, metrics_url: str, token_file: Path | None) -> None:
        self._url, self._metrics_url = url.rstrip("/"), metrics_url
        self._token = read_token(token_file)
        self.checks: list[Check] = []

    def scrape(self) -> list[Sample]:
        """Read the metrics once.

        Raises:
            SourceUnavailableError: they were not given.
            SchemaError: they are not in the text format.
        """
        return scrape(self._metrics_url, within_s=ATTEMPT_S)

    def state(self) -> dict[str, Any]:
        """Read the state once.

        Raises:
            SourceUnavailableError: it was not given, or is none.
        """
        try:
            answer = self._send("GET", "/state")
            document = answer.document() if answer.status == _OK else None
            if document is None:
                raise SourceUnavailableError(f"bot {shown(self._url)}: the state is not given: {answer.words()}")
            parse_state(document, f"bot {shown(self._url)}")
        except NoAnswerError as error:
            raise SourceUnavailableError(f"bot {shown(self._url)}: {error}") from error
        except SchemaError as error:
            raise SourceUnavailableError(str(error)) from error
        found: dict[str, Any] = document
        return found

    def run(self, *, commands: bool) -> list[Check]:
        """Try everything; without ``commands`` only what reads.

        Raises:
            SourceUnavailableError: the bot does not give its state at all.
        """
        found = self.state()
        self._note("state", None if found.get("instance") else "no field instance", "a restart cannot be told")
        if self._token is not None:
            self._refuses("no token", lambda: self._send("GET", "/state", token=False), "anybody may command it", {401})
        plain = {"trading_state": "ACTIVE", "circuit": "closed", "orders_frozen": False}
        other = [f"{name} is {found[name]}" for name, value in plain.items() if found[name] != value]
        if other or not commands:
            why = f"the bot is left alone: {'; '.join(other) or 'only reading was asked for'}"
            self.checks.append(Check("commands", Verdict.INCONCLUSIVE, why, "an untried stop is no stop"))
            return self.checks
        try:
            if self._refusals(found) and self._replays(found) and self._stops(found):
                self._put_settings(found)
                self._halted()
        finally:
            self._put_back(found)
        return self.checks

    def _refusals(self, found: dict[str, Any]) -> bool:
        """Ask for what must be refused; false where the bot does not answer, so that nothing more is asked."""
        why = "a mistyped command must set nothing and say so"
        scale = {"strategy_scale": found["strategy_scale"]}
        if not self._refuses("no key", lambda: self._send("PUT", "/strategy-scale", scale), why):
            return False
        for name, value in (("strategy_scale", 1.5), ("strategy_scale", None), ("profile", "no such profile")):
            self._refuses(f"{name} = {value}", partial(self._put, name, value), why)
        self._note("nothing set", self._changed(found), why)
        return True

    def _put_settings(self, found: dict[str, Any]) -> None:
        """Ask for the profile's own numbers, which changes nothing, and for some that no bot can trade by."""
        why, told = "an edge that decays could not make it quote wider", found.get(_SETTINGS)
        if told is None:
            self._note("profile settings", f"the state has no {_SETTINGS}", why)
            return
        self._refuses("a spread of 0", lambda: self._put_profile(found, {**told, "spread_factor": 0}), why)
        try:
            answer = self._put_profile(found, told)
            fault = None if answer.status == _OK else f"answered {answer.words()}"
        except NoAnswerError as error:
            fault = f"no answer: {error}"
        self._note("profile settings", fault, why)

    def _replays(self, found: dict[str, Any]) -> bool:
        """Halve the scale, halve it again, and ask for the first half with its key: nothing may happen."""
        key, half = uuid.uuid4().hex, found["strategy_scale"] / 2
        first = self._obeys("strategy_scale", half, "a lower share is not obeyed", found, key=key)
        if not first or not self._obeys("strategy_scale", half / 2, "a lower share is not obeyed", found):
            return False
        before = self.state()
        self._put("strategy_scale", half, key)
        after = self.state()
        fault = None if after["strategy_scale"] == half / 2 else f"the state reads {after['strategy_scale']}"
        self._note("a key twice is one effect", fault, "a late retry would undo a newer command")
        still = after["sequence"] == before["sequence"] > found["sequence"]
        was = f"{found['sequence']}, {before['sequence']} after a change, {after['sequence']} after none"
        self._note("sequence grows with changes only", None if still else was, "a stale answer cannot be told")
        return True

    def _stops(self, found: dict[str, Any]) -> bool:
        return all(self._obeys(name, value, why, found) for name, value, why in _TRIED)

    def _obeys(self, name: str, value: Any, why: str, found: dict[str, Any], key: str | None = None) -> bool:
        fault = self._command(name, value, found.get("instance"), key)
        self._note(f"{name} = {value}", fault, why)
        return fault is None

    def _command(self, name: str, value: Any, instance: object, key: str | None = None) -> str | None:
        """Command, look, and say what is wrong, if anything."""
        try:
            answer = self._put(name, value, key)
            said = None if answer.status == _OK else f"answered {answer.words()}"
        except NoAnswerError as error:
            said = f"no answer: {error}"
        try:
            state = self._state_again()
        except SourceUnavailableError as error:
            return f"{said or 'said it was done'}; then {error}"
        if state.get("instance") != instance:
            return f"the bot restarted amid the command ({said or 'said it was done'}); the state reads {state[name]}"
        if said is not None:
            return f"{said}; the state reads {state[name]}"
        return None if state[name] == value else f"said it was done, and the state reads {state[name]}"

    def _state_again(self) -> dict[str, Any]:
        """Read the state; a bot that is starting again gets some seconds for it."""
        until = time.monotonic() + _STOPS_WITHIN_S
        while True:
            try:
                return self.state()
            except SourceUnavailableError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.1)

    def _halted(self) -> None:
        why = "a resume by mistake would trade at once"
        self._refuses("HALTED to ACTIVE", lambda: self._put("trading_state", "ACTIVE"), why, {409})
        latched = self.state()["trading_state"]
        self._note("HALTED is latched", None if latched == "HALTED" else f"the state reads {latched}", why)
        self._note("no order stands when HALTED", self._stands(), "orders fill after a stop")
        self._note("metrics say HALTED", self._metrics_differ(), "a state that the bot only claims is not seen")

    def _stands(self) -> str | None:
        until = time.monotonic() + _STOPS_WITHIN_S
        while (count := self.state()["open_orders"]) and time.monotonic() < until:
            time.sleep(0.1)
        return f"{count} orders stand after {_STOPS_WITHIN_S:g} s" if count else None

    def _metrics_differ(self) -> str | None:
        try:
            first = self._values()
            time.sleep(_WATCHED_S)
            then = self._values()
        except (SourceUnavailableError, SchemaError) as error:
            return str(error)
        faults = []
        if then["halted"] != 1:
            faults.append(f'mm_trading_state{{state="HALTED"}} is {then["halted"]}')
        if then["open"] != 0:
            faults.append(f"mm_orders_open is {then['open']}")
        if first["sent"] is None or then["sent"] != first["sent"]:
            faults.append(f"mm_orders_sent_total went from {first['sent']} to {then['sent']} in {_WATCHED_S:g} s")
        return "; ".join(faults) or None

    def _values(self) -> dict[str, float | None]:
        samples = self.scrape()
        wanted = {
            "halted": ("mm_trading_state", "HALTED"), "open": ("mm_orders_open", None),
            "sent": ("mm_orders_sent_total", None),
        }  # fmt: skip
        return {
            name: next(
                (one.value for one in samples if one.metric == metric and one.labels.get("state") == state), None
            )
            for name, (metric, state) in wanted.items()
        }

    def _put_back(self, found: dict[str, Any]) -> None:
        """Set every field as it was found, and look."""
        reason = None
        try:
            if self._state_again()["trading_state"] == "HALTED":
                self._put("trading_state", "REDUCING")
            for name in PATHS:
                self._put(name, found[name])
            if found.get(_SETTINGS) is not None:
                self._put_profile(found, found[_SETTINGS])
            reason = self._changed(found)
        except (NoAnswerError, SourceUnavailableError) as error:
            reason = self._changed(found) if isinstance(error, NoAnswerError) else str(error)
        self._note("left as it was found", reason, "the bot must be put right by hand, now")

    def _changed(self, found: dict[str, Any]) -> str | None:
        try:
            state = self._state_again()
        except SourceUnavailableError as error:
            return str(error)
        names = [name for name in (*PATHS, _SETTINGS) if state.get(name) != found.get(name)]
        return "; ".join(f"{name} is {state.get(name)}, was {found.get(name)}" for name in names) or None

    def _refuses(self, what: str, ask: Callable[[], Answer], why: str, status: set[int] | None = None) -> bool:
        try:
            fault = _no_refusal(ask(), status)
        except NoAnswerError as error:
            self._note(f"refuses {what}", f"no answer: {error}", why)
            return False
        self._note(f"refuses {what}", fault, why)
        return True

    def _note(self, promise: str, fault: str | None, why: str) -> None:
        verdict = Verdict.PASS if fault is None else Verdict.FAIL
        self.checks.append(Check(promise, verdict, "kept" if fault is None else fault, why))

    def _put(self, name: str, value: Any, key: str | None = None) -> Answer:
        return self._send("PUT", PATHS[name], {name: value}, key=key or uuid.uuid4().hex)

    def _put_profile(self, found: dict[str, Any], settings: Any) -> Answer:
        body = {"profile": found["profile"], _SETTINGS: settings}
        return self._send("PUT", PATHS["profile"], body, key=uuid.uuid4().hex)

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, key: str | None = None, token: bool = True
    ) -> Answer:
        headers = {} if key is None else {"Idempotency-Key": key}
        if token and self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        return exchange(method, f"{self._url}{path}", within_s=ATTEMPT_S, headers=headers, body=body)


def _no_refusal(answer: Answer, status: set[int] | None) -> str | None:
    """Say what is wrong with a refusal: its status, or its form."""
    if answer.status not in (_CLIENT_ERRORS if status is None else status):
        return f"expected {'a status of 4xx' if status is None else min(status)}, was {answer.words()}"
    try:
        document = answer.document()
    except SchemaError as error:
        return str(error)
    good = isinstance(document, dict) and document.get("status") == answer.status and document.get("title")
    if answer.kind != "application/problem+json" or not good:
        return f"expected a problem with its status and a title, was {answer.kind}"
    return None
