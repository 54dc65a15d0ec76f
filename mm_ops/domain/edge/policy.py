"""How the edge is measured: clocks, horizons and instruments, each with its source."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.policy import CLOSED, Source
from mm_ops.domain.windows import Duration

Clock = Literal["exchange", "receive"]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class VenuePolicy:
    """Which clock orders a venue's quotes and fills; ``quote_lag`` is added to the quotes' time before joining."""

    clock: Clock
    quote_lag: Duration
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EdgeLimit:
    """A net edge that somebody acts on."""

    limit_bps: Annotated[float, Field(allow_inf_nan=False)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class IntervalPolicy:
    """How sure a net edge must be: see :mod:`.interval`.

    Below ``min_fills`` fills, or where the window holds fewer than ``min_blocks`` blocks, there is no interval.
    """

    level: Annotated[float, Field(gt=0.5, lt=1)]
    resamples: Annotated[int, Field(ge=1000, le=10_000)]
    seed: Annotated[int, Field(ge=0)]
    min_fills: Annotated[int, Field(ge=10)]
    min_blocks: Annotated[int, Field(ge=5)]
    limits: tuple[EdgeLimit, ...]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EdgePolicy:
    """``deploy/policies/edge.yaml``. A quote older than ``stale_after`` says nothing about the mid.

    Without ``interval`` no limit is decided.
    """

    horizons: Annotated[tuple[Duration, ...], Field(min_length=1)]
    stale_after: Duration
    venues: dict[str, VenuePolicy]
    source: Source
    interval: IntervalPolicy | None = None

    def __post_init__(self) -> None:
        if list(self.horizons) != sorted(set(self.horizons)) or self.horizons[0] <= timedelta(0):
            raise ValueError("horizons: expected growing durations above zero")

    def venue(self, name: str) -> VenuePolicy:
        """The policy of a venue; there is none by default, since a wrong clock gives a wrong edge.

        Raises:
            PolicyError: the venue is not listed.
        """
        if name not in self.venues:
            raise PolicyError(f"edge.yaml: venues: no clock for venue {name!r}; add it, or give --clock")
        return self.venues[name]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class FeeSchedule:
    """Fees for fills that carry none: bps of notional at the fill's price, a rebate below zero."""

    maker_bps: float
    taker_bps: float
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Instrument:
    """One symbol.

    ``linear``: money is price difference × quantity × ``contract_size``, in the quote currency. ``inverse``: quantity
    counts contracts of ``contract_size`` units of the quote currency, money is in the base currency.
    """

    symbol: str
    venue: str
    kind: Literal["linear", "inverse"]
    contract_size: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    settlement: str
    fees: FeeSchedule | None = None
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Instruments:
    """``deploy/policies/instruments.yaml``."""

    instruments: Annotated[tuple[Instrument, ...], Field(min_length=1)]

    def __post_init__(self) -> None:
        counts = Counter(item.symbol for item in self.instruments)
        doubled = sorted(symbol for symbol, count in counts.items() if count > 1)
        if doubled:
            raise ValueError(f"instruments: expected every symbol once, was twice: {', '.join(doubled)}")

    def of(self, symbol: str) -> Instrument:
        """The instrument of a symbol.

        Raises:
            SchemaError: it is not listed; a contract size is never guessed.
        """
        for item in self.instruments:
            if item.symbol == symbol:
                return item
        raise SchemaError(f"symbol {symbol!r} is not in instruments.yaml; add it with its kind and contract size")


def horizon_name(horizon: timedelta) -> str:
    """``100ms``, ``5s``, ``300s``: part of a measure's name."""
    milliseconds = horizon // timedelta(milliseconds=1)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"
