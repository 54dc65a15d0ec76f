"""What a bot can be asked to do, and what it says of itself: the whole of the contract between mm_ops and a bot.

Every command sets a value and adds none, so that asking twice is asking once. A command is done when the bot's
state shows it (``shows``), never when the bot has answered.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, assert_never

from mm_ops.domain.errors import SchemaError


class TradingState(StrEnum):
    """May quote; may only reduce its position; may only cancel, until a person resumes it."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class Circuit(StrEnum):
    """The bot's own circuit breaker; an open one lets no order through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSettings:
    """What a trading profile comes down to.

    ``spread_factor``: how many times as wide as usual it quotes. ``max_in_flight``: orders that may be under way at
    once. ``backoff_ms``: the pause after an order that was refused.

    Raises:
        SchemaError: a number is out of its range.
    """

    spread_factor: float
    max_in_flight: int
    backoff_ms: int

    def __post_init__(self) -> None:
        if not math.isfinite(self.spread_factor) or self.spread_factor <= 0:
            raise SchemaError(f"spread_factor: expected a number above 0, was {self.spread_factor!r}")
        for name, least in (("max_in_flight", 1), ("backoff_ms", 0)):
            if getattr(self, name) < least:
                raise SchemaError(f"{name}: expected {least} or more, was {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotState:
    """What the bot says of itself at ``observed_at``, by its own clock.

    ``strategy_scale`` is a share, 0 to 1; ``sequence`` grows with every change. ``profile_settings`` is ``None`` where
    the bot does not say what its profile comes down to. An impossible value is refused.

    Raises:
        SchemaError: a number is out of its range, or the time has no zone.
    """

    trading_state: TradingState
    strategy_scale: float
    circuit: Circuit
    orders_frozen: bool
    profile: str
    open_orders: int
    version: str
    observed_at: datetime
    sequence: int
    profile_settings: ProfileSettings | None = None

    def __post_init__(self) -> None:
        check_scale(self.strategy_scale)
        for name in ("open_orders", "sequence"):
            if getattr(self, name) < 0:
                raise SchemaError(f"{name}: expected 0 or more, was {getattr(self, name)}")
        if self.observed_at.tzinfo is None:
            raise SchemaError(f"observed_at: expected a time with a zone, was {self.observed_at.isoformat()}")


@dataclass(frozen=True, slots=True)
class SetScale:
    """Quote this share of the normal size; 0 quotes nothing."""

    scale: float

    def __post_init__(self) -> None:
        check_scale(self.scale)


@dataclass(frozen=True, slots=True)
class SetCircuit:
    """Open or close the bot's circuit breaker."""

    circuit: Circuit


@dataclass(frozen=True, slots=True)
class FreezeOrders:
    """Send and change no order while frozen."""

    frozen: bool


@dataclass(frozen=True, slots=True)
class SetProfile:
    """Trade by another profile; with ``settings`` by these, else by the bot's own of that name."""

    profile: str
    settings: ProfileSettings | None = None


@dataclass(frozen=True, slots=True)
class SetTradingState:
    """Stop, reduce, or trade."""

    state: TradingState


Command = SetScale | SetCircuit | FreezeOrders | SetProfile | SetTradingState


class BotControl(Protocol):
    """A bot that can be read and commanded."""

    def read(self) -> BotState:
        """Read the state.

        Raises:
            SourceUnavailableError: the bot did not answer in time, or not in full.
        """
        ...

    def apply(self, command: Command, key: str) -> BotState:
        """Apply a command and return the state that was read back; the same ``key`` twice is one effect.

        Raises:
            SourceUnavailableError: the bot did not answer in time; whether it did it is unknown.
            EffectNotConfirmedError: the bot answered, but the state read back does not show the command.
        """
        ...


def check_scale(scale: float) -> None:
    """Refuse what is no share.

    Raises:
        SchemaError: not a number, below 0 or above 1.
    """
    if not math.isfinite(scale) or not 0 <= scale <= 1:
        raise SchemaError(f"strategy_scale: expected 0 to 1, was {scale!r}")


def shows(state: BotState, command: Command) -> bool:
    """Whether the state is the one that the command asks for, in every field that it sets."""
    return all(getattr(state, field) == value for field, value in fields_of(command).items())


def fields_of(command: Command) -> dict[str, Any]:
    """Every field of the state that a command sets, the one that it is named after first."""
    field, value = aim_of(command)
    settings = command.settings if isinstance(command, SetProfile) else None
    return {field: value} if settings is None else {field: value, "profile_settings": settings}


def aim_of(command: Command) -> tuple[str, Any]:
    """Name the field of the state that a command sets, and the value it sets it to."""
    match command:
        case SetScale(scale):
            return "strategy_scale", scale
        case SetCircuit(circuit):
            return "circuit", circuit
        case FreezeOrders(frozen):
            return "orders_frozen", frozen
        case SetProfile(profile, _):
            return "profile", profile
        case SetTradingState(state):
            return "trading_state", state
        case _:
            assert_never(command)
