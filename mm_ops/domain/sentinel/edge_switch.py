"""Lets a bot trade by another profile: asked for, read back, written down; never believed because it was answered.

What makes the bot more careful is tried even where its state or the journal does not answer; what makes it less so
is not: a recovery that is not known to have happened has not happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rollback.bot import BotControl, BotState, ProfileSettings, SetProfile, TradingState, shows
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.policy import Attempts
from mm_ops.domain.rollback.stop import Clock

SUBJECT = "edge_profile"
"""Of the journal's records."""
MARKER = "EDGE_POLICY_APPLIED"


class SwitchLog(Protocol):
    """The journal, as a switch needs it."""

    def note_event(self, subject: str, key: str, body: Mapping[str, object], at: datetime) -> None:
        """Write down what must not be lost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a bot should trade by, and why; ``careful`` where it is at least as careful as what it leaves."""

    bot: str
    profile: str
    settings: ProfileSettings
    reason: str
    careful: bool
    by: str = "edge sentinel"

    @property
    def command(self) -> SetProfile:
        """What the bot is asked."""
        return SetProfile(self.profile, self.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What came of it: confirmed by what was read back, or not, with the reason.

    ``asked``: whether the bot was. ``deferred``: it is not ACTIVE, so it was not. ``observed`` is what it showed last.
    """

    profile: str
    confirmed: bool
    at: datetime
    reason: str
    asked: bool = False
    deferred: bool = False
    attempts: int = 0
    observed: BotState | None = None

    @property
    def marker(self) -> str | None:
        """The line that scripts look for; none where nothing was switched."""
        return f"| edge policy | APPLIED | {MARKER}={self.profile} |" if self.confirmed and self.asked else None


@dataclass(frozen=True, slots=True)
class Switcher:
    """Everything that a switch needs of the world; ``log`` is ``None`` where the journal does not open."""

    bot: BotControl
    log: SwitchLog | None
    clock: Clock
    attempts: Attempts

    def apply(self, order: Order) -> Effect:
        """Carry out an order to its effect."""
        state = call_within(self.bot.read, self._attempt_s)
        if isinstance(state, BotState) and state.trading_state is not TradingState.ACTIVE:
            why = f"trading state {state.trading_state.value}: nothing is asked of it"
            return self._effect(order, why, deferred=True, observed=state)
        if isinstance(state, BotState) and shows(state, order.command):
            return self._effect(order, "", observed=state)
        if isinstance(state, MmOpsError) and not order.careful:
            return self._effect(order, f"the bot's state is unknown, so it is not asked: {state}")
        fault = self._note(order, "requested", {"reason": order.reason, "settings": order.settings, "by": order.by})
        if fault and not order.careful:
            return self._effect(order, f"not asked, since it cannot be written down: {fault}")
        effect = self._drive(order)
        self._note(order, "confirmed" if effect.confirmed else "unconfirmed", {"effect": effect})
        return effect

    def _drive(self, order: Order) -> Effect:
        """Ask until it is read back or the deadline has passed."""
        end = self.clock.monotonic() + self.attempts.deadline.total_seconds()
        key = f"{order.bot}@{self.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}/profile"
        tries, reason = 0, ""
        seen: BotState | None = None
        while tries == 0 or self.clock.monotonic() < end:
            tries += 1
            tried = call_within(lambda: self.bot.apply(order.command, key), self._attempt_s)
            back = call_within(self.bot.read, self._attempt_s)
            seen = back if isinstance(back, BotState) else seen
            if isinstance(back, BotState) and shows(back, order.command):
                return self._effect(order, "", asked=True, attempts=tries, observed=seen)
            reason = _why(order, tried, back)
            self.clock.sleep(self.attempts.pause.total_seconds())
        return self._effect(order, f"{reason} after {tries} attempts", asked=True, attempts=tries, observed=seen)

    def _effect(
        self,
        order: Order,
        reason: str,
        *,
        asked: bool = False,
        deferred: bool = False,
        attempts: int = 0,
        observed: BotState | None = None,
    ) -> Effect:
        return Effect(
            profile=order.profile,
            confirmed=not reason,
            at=self.clock.now(),
            reason=reason,
            asked=asked,
            deferred=deferred,
            attempts=attempts,
            observed=observed,
        )

    def _note(self, order: Order, what: str, body: Mapping[str, object]) -> str:
        """Write down one step; says why it could not be."""
        if self.log is None:
            return "the journal is not open"
        try:
            self.log.note_event(SUBJECT, order.bot, {"is": what, "profile": order.profile, **body}, self.clock.now())
        except MmOpsError as error:
            return str(error)
        return ""

    @property
    def _attempt_s(self) -> float:
        return self.attempts.attempt.total_seconds()


def _why(order: Order, tried: BotState | MmOpsError, back: BotState | MmOpsError) -> str:
    refused = f" ({tried})" if isinstance(tried, MmOpsError) else ""
    if isinstance(back, MmOpsError):
        return f"profile: expected {order.profile}, was unknown: {back}"
    if back.profile == order.profile:
        return f"profile_settings: expected {_words(order.settings)}, was {_words(back.profile_settings)}{refused}"
    return f"profile: expected {order.profile}, was {back.profile}{refused}"


def _words(settings: ProfileSettings | None) -> str:
    if settings is None:
        return "not told"
    return f"×{settings.spread_factor:g}, {settings.max_in_flight} in flight, {settings.backoff_ms} ms"
