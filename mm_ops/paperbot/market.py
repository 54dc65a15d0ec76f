"""A symbol's quotes: a random walk, moved against the bot by its own fills. Exchange clock, nanoseconds.

log m(t) = log m(0) + σ·W(t) − impact·Σ s_i over maker fills i with t_i + delay_i ≤ t
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_ops.paperbot.profiles import Profile, Symbol

SPACING_MS = 500
QUOTES_PER_DAY = 86_400_000 // SPACING_MS
_BPS = 1e-4
_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Quotes:
    """The best bid and ask, each (n,): exchange time in ns, prices on the tick grid, quantities."""

    exch_ts_ns: NDArray[np.int64]
    bid_px: NDArray[np.float64]
    bid_qty: NDArray[np.float64]
    ask_px: NDArray[np.float64]
    ask_qty: NDArray[np.float64]
    last_log_mid: float

    @property
    def mid(self) -> NDArray[np.float64]:
        """Half-way between bid and ask."""
        return (self.bid_px + self.ask_px) / 2

    def before(self, ts_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index of the last quote strictly before each time."""
        return np.searchsorted(self.exch_ts_ns, ts_ns, side="left") - 1

    def until(self, ts_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index of the last quote at or before each time; −1 where there is none."""
        return np.searchsorted(self.exch_ts_ns, ts_ns, side="right") - 1


def draw_quotes(
    rng: np.random.Generator,
    profile: Profile,
    symbol: Symbol,
    *,
    start_ns: int,
    log_mid: float,
    impact_ns: NDArray[np.int64],
    impact_side: NDArray[np.int64],
) -> Quotes:
    """Draw a day of quotes about every 500 ms.

    Args:
        rng: the day's randomness.
        profile: spread, volatility and impact.
        symbol: tick and lot.
        start_ns: the day's first nanosecond.
        log_mid: where yesterday ended.
        impact_ns: sorted times at which a maker fill's impact arrives.
        impact_side: +1 where the bot had bought.
    """
    offsets = np.arange(QUOTES_PER_DAY) * SPACING_MS + rng.integers(0, 400, QUOTES_PER_DAY)
    exch_ts_ns = start_ns + offsets * _MS
    sigma = profile.daily_volatility_bps * _BPS / np.sqrt(QUOTES_PER_DAY)
    pushed = np.concatenate([[0], np.cumsum(impact_side)])[np.searchsorted(impact_ns, exch_ts_ns, side="right")]
    log_mids = log_mid + np.cumsum(rng.normal(0.0, sigma, QUOTES_PER_DAY)) - profile.impact_bps * _BPS * pushed
    half = profile.half_spread_bps * _BPS * rng.lognormal(0.0, 0.1, QUOTES_PER_DAY)
    mids = np.exp(log_mids)
    late = profile.impact_bps * _BPS * float(impact_side.sum() - pushed[-1])
    return Quotes(
        exch_ts_ns=exch_ts_ns,
        bid_px=on_grid(np.floor(mids * (1 - half) / symbol.tick), symbol.tick),
        bid_qty=symbol.lot * rng.integers(1, 20, QUOTES_PER_DAY).astype(np.float64),
        ask_px=on_grid(np.ceil(mids * (1 + half) / symbol.tick), symbol.tick),
        ask_qty=symbol.lot * rng.integers(1, 20, QUOTES_PER_DAY).astype(np.float64),
        last_log_mid=float(log_mids[-1] - late),
    )


def on_grid(ticks: NDArray[np.float64], tick: float) -> NDArray[np.float64]:
    """Prices of whole ticks, as the decimal a person would write."""
    return np.round(ticks * tick, 6)
