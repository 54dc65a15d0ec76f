"""A symbol's fills: when, which side, how much; the position leans the next side against itself."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mm_ops.paperbot.feed import Outage, is_blocked
from mm_ops.paperbot.market import Quotes
from mm_ops.paperbot.profiles import Profile, Symbol

_NS = 1_000_000_000
_BPS = 1e-4
_DAY_S = 86_400.0
_MARGIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Intents:
    """What the bot gets to trade, before there are prices; each (n,), sorted by time."""

    exch_ts_ns: NDArray[np.int64]
    side: NDArray[np.int64]
    lots: NDArray[np.int64]
    maker: NDArray[np.bool_]
    last_position_lots: int


@dataclass(frozen=True, slots=True)
class Fills:
    """Priced fills, each (n,); ``mid`` prevailed strictly before the fill, ``fee`` is in USDT, paid > 0."""

    exch_ts_ns: NDArray[np.int64]
    order_ts_ns: NDArray[np.int64]
    side: NDArray[np.int64]
    price: NDArray[np.float64]
    qty: NDArray[np.float64]
    maker: NDArray[np.bool_]
    fee: NDArray[np.float64]
    mid: NDArray[np.float64]

    @property
    def notional(self) -> NDArray[np.float64]:
        """Quantity at the mid, in USDT."""
        return self.mid * self.qty


def draw_intents(
    rng: np.random.Generator, profile: Profile, outages: list[Outage], *, start_ns: int, position_lots: int
) -> Intents:
    """Draw the day's fills without prices; none while the breaker keeps the bot from quoting."""
    count = int(rng.poisson(profile.fills_per_day))
    seconds = np.unique(np.round(rng.uniform(_MARGIN_S, _DAY_S - _MARGIN_S, count), 3))
    seconds = seconds[~is_blocked(outages, seconds)]
    chance, size, hedge = (
        rng.uniform(size=seconds.size),
        rng.integers(1, 4, seconds.size),
        rng.uniform(size=seconds.size),
    )
    side, maker = np.empty(seconds.size, dtype=np.int64), np.empty(seconds.size, dtype=bool)
    for n in range(seconds.size):
        side[n], maker[n] = choose(profile, position_lots, chance=chance[n], hedge=hedge[n])
        position_lots += int(side[n] * size[n])
    return Intents(start_ns + np.round(seconds * _NS).astype(np.int64), side, size, maker, position_lots)


def choose(profile: Profile, position_lots: int, *, chance: float, hedge: float) -> tuple[int, bool]:
    """Choose the side of the next fill and whether the bot makes it, from two draws between 0 and 1."""
    forced = abs(position_lots) >= profile.position_limit_lots
    if forced or (hedge < profile.hedge_probability and position_lots != 0):
        return -1 if position_lots > 0 else 1, False
    lean = 0.5 - 0.5 * position_lots / profile.position_limit_lots
    return 1 if chance < lean else -1, True


def impacts(
    rng: np.random.Generator, profile: Profile, intents: Intents
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When the mid moves against each maker fill, and its side; sorted by time."""
    maker = intents.maker
    delay = rng.uniform(*profile.impact_delay_s, int(maker.sum()))
    arrives = intents.exch_ts_ns[maker] + np.round(delay * _NS).astype(np.int64)
    order = np.argsort(arrives, kind="stable")
    return arrives[order], intents.side[maker][order]


def price_fills(rng: np.random.Generator, profile: Profile, symbol: Symbol, intents: Intents, quotes: Quotes) -> Fills:
    """Fill makers at our own side of the touch and takers at the other, at the quote strictly before."""
    at = quotes.before(intents.exch_ts_ns)
    bids = (intents.side == 1) == intents.maker
    price = np.where(bids, quotes.bid_px[at], quotes.ask_px[at])
    qty = symbol.lot * intents.lots.astype(np.float64)
    rate = np.where(intents.maker, profile.maker_fee_bps, profile.taker_fee_bps) * _BPS
    age_ms = rng.lognormal(np.log(profile.order_age_median_ms), profile.order_age_sigma, price.size)
    return Fills(
        exch_ts_ns=intents.exch_ts_ns,
        order_ts_ns=intents.exch_ts_ns - np.round(age_ms * 1e6).astype(np.int64),
        side=intents.side,
        price=price,
        qty=qty,
        maker=intents.maker,
        fee=price * qty * rate,
        mid=quotes.mid[at],
    )


def fill_ids(symbol: Symbol, day: date, count: int) -> list[str]:
    """One identifier a fill, unique over days and symbols."""
    return [f"{symbol.name}-{day:%Y%m%d}-{n:06d}" for n in range(count)]
