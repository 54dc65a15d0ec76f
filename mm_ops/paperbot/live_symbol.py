"""One symbol of the live bot: its mid, its position, and its fills until their horizon closes. Times in seconds.

The rules are those of ``market.py`` and ``trading.py``, one step at a time, since nobody knows yet what will be asked.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from mm_ops.paperbot.market import QUOTES_PER_DAY, SPACING_MS, on_grid
from mm_ops.paperbot.profiles import MARKOUT_HORIZON_S, Profile, Symbol
from mm_ops.paperbot.trading import choose

STEP_S = SPACING_MS / 1000
_BPS = 1e-4


class Leave(Enum):
    """What fills may do: anything; only reduce the position; nothing, since no order stands."""

    QUOTE = auto()
    REDUCE = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class LiveFill:
    """A priced fill; ``notional`` is at the mid that prevailed, ``fee`` is paid > 0, ``age_ms`` the order's."""

    side: int
    lots: int
    price: float
    qty: float
    notional: float
    fee: float
    maker: bool
    age_ms: float
    closes_s: float


@dataclass(slots=True)
class LiveSymbol:
    """The state of one symbol; ``filled`` is what the last step filled."""

    symbol: Symbol
    log_mid: float
    position_lots: int = 0
    filled: list[LiveFill] = field(default_factory=list)
    _waiting: deque[LiveFill] = field(default_factory=deque)
    _impacts: list[tuple[float, int]] = field(default_factory=list)

    @property
    def position(self) -> float:
        """What it holds, in units of the base asset."""
        return self.position_lots * self.symbol.lot

    def touch(self, half_spread_bps: float) -> tuple[float, float]:
        """The best bid and ask now, on the tick grid."""
        mid, half, tick = math.exp(self.log_mid), half_spread_bps * _BPS, self.symbol.tick
        ticks = np.array([math.floor(mid * (1 - half) / tick), math.ceil(mid * (1 + half) / tick)], dtype=np.float64)
        bid, ask = on_grid(ticks, tick).tolist()
        return bid, ask

    def walk(self, rng: np.random.Generator, profile: Profile, now_s: float) -> None:
        """Move the mid by one step, and by the impact of earlier fills that arrives now."""
        self.log_mid += profile.daily_volatility_bps * _BPS / math.sqrt(QUOTES_PER_DAY) * rng.standard_normal()
        if self._impacts:
            arrived = sum(side for arrives_s, side in self._impacts if arrives_s <= now_s)
            self._impacts = [item for item in self._impacts if item[0] > now_s]
            self.log_mid -= profile.impact_bps * _BPS * arrived

    def trade(
        self, rng: np.random.Generator, profile: Profile, now_s: float, leave: Leave, scale: float, *, frozen: bool
    ) -> LiveFill | None:
        """Fill an order in this step, or none; ``scale`` is the share of the usual fills, ``frozen`` takes none."""
        self.filled.clear()
        if leave is Leave.NOTHING or rng.random() >= scale * profile.fills_per_day / QUOTES_PER_DAY:
            return None
        side, maker = choose(profile, self.position_lots, chance=rng.random(), hedge=rng.random())
        lots = int(rng.integers(1, 4))
        if leave is Leave.REDUCE:
            side, lots = (-1 if self.position_lots > 0 else 1), min(lots, abs(self.position_lots))
        if lots == 0 or (frozen and not maker):  # taking would need a new order
            return None
        return self._fill(rng, profile, now_s, side, lots, maker=maker)

    def close_due(self, now_s: float, half_spread_bps: float) -> Iterator[tuple[float, float]]:
        """Money and notional of each fill whose horizon has closed."""
        while self._waiting and self._waiting[0].closes_s <= now_s:
            fill = self._waiting.popleft()
            bid, ask = self.touch(half_spread_bps)
            yield fill.side * ((bid + ask) / 2 - fill.price) * fill.qty - fill.fee, fill.notional

    def _fill(
        self, rng: np.random.Generator, profile: Profile, now_s: float, side: int, lots: int, *, maker: bool
    ) -> LiveFill:
        bid, ask = self.touch(profile.half_spread_bps * rng.lognormal(0.0, 0.1))
        price = bid if (side == 1) == maker else ask
        qty, rate = lots * self.symbol.lot, (profile.maker_fee_bps if maker else profile.taker_fee_bps) * _BPS
        fill = LiveFill(
            side=side,
            lots=lots,
            price=price,
            qty=qty,
            notional=(bid + ask) / 2 * qty,
            fee=price * qty * rate,
            maker=maker,
            age_ms=float(rng.lognormal(math.log(profile.order_age_median_ms), profile.order_age_sigma)),
            closes_s=now_s + MARKOUT_HORIZON_S,
        )
        self.filled.append(fill)
        self.position_lots += side * lots
        self._waiting.append(fill)
        if maker:
            self._impacts.append((now_s + float(rng.uniform(*profile.impact_delay_s)), side))
        return fill
