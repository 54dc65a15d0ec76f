"""What is seen of a bot at one moment, and whether that is what a drill waits for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mm_ops.domain.rollback.bot import BotState, Circuit, TradingState

_CLOCK_OFF_S = 1.0
"""An exchange refuses what is stamped further ahead than this (Binance's documentation: timing security)."""


class See(StrEnum):
    """What a drill can wait for; each is seen from outside, in the state, the metrics or the answer to a command."""

    CIRCUIT_OPEN = "circuit_open"
    NO_OPEN_ORDERS = "no_open_orders"
    QUOTING = "quoting"
    DEADLINE_MISSES = "deadline_misses"
    CLOCK_OFF = "clock_off"
    CLOCK_RIGHT = "clock_right"
    RESTARTED = "restarted"
    UNCONFIRMED = "unconfirmed"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look: ``None`` is what could not be read.

    ``misses`` counts passes over their deadline, ``started_s`` is the start of the process (seconds since 1970),
    ``skew_s`` how far the bot's clock is ahead of ours. ``confirmed`` is how the last command ended, ``None`` before
    one.
    """

    state: BotState | None = None
    misses: float | None = None
    started_s: float | None = None
    skew_s: float | None = None
    confirmed: bool | None = None


def is_seen(see: See, before: Sight, now: Sight) -> bool:
    """Whether a look shows it; what could not be read shows nothing.

    Args:
        see: what is waited for.
        before: the look before anything was done.
        now: the look.
    """
    return _SHOWS[see](before, now)


def _grew(before: float | None, now: float | None) -> bool:
    return before is not None and now is not None and now > before


def _is_off(sight: Sight) -> bool | None:
    return None if sight.skew_s is None else abs(sight.skew_s) > _CLOCK_OFF_S


def _quotes(state: BotState | None) -> bool:
    return (
        state is not None
        and state.trading_state is TradingState.ACTIVE
        and state.circuit is Circuit.CLOSED
        and state.open_orders > 0
    )


_SHOWS: Mapping[See, Callable[[Sight, Sight], bool]] = {
    See.CIRCUIT_OPEN: lambda _, now: now.state is not None and now.state.circuit is Circuit.OPEN,
    See.NO_OPEN_ORDERS: lambda _, now: now.state is not None and now.state.open_orders == 0,
    See.QUOTING: lambda _, now: _quotes(now.state),
    See.DEADLINE_MISSES: lambda before, now: _grew(before.misses, now.misses),
    See.CLOCK_OFF: lambda _, now: _is_off(now) is True,
    See.CLOCK_RIGHT: lambda _, now: _is_off(now) is False,
    See.RESTARTED: lambda before, now: _grew(before.started_s, now.started_s),
    See.UNCONFIRMED: lambda _, now: now.confirmed is False,
    See.HALTED: lambda _, now: (
        now.confirmed is True and now.state is not None and now.state.trading_state is TradingState.HALTED
    ),
}
