"""One simulated UTC day: quotes, fills, samples, and the state at its end."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mm_ops.paperbot.exporter import Activity, export
from mm_ops.paperbot.feed import Outage, draw_gaps, react
from mm_ops.paperbot.gauges import Pending, close
from mm_ops.paperbot.market import Quotes, draw_quotes
from mm_ops.paperbot.profiles import SETTLEMENT, SYMBOLS, VENUE, Profile, Symbol
from mm_ops.paperbot.scrapes import Scrapes
from mm_ops.paperbot.state import BotState, SymbolState
from mm_ops.paperbot.trading import Fills, Intents, draw_intents, fill_ids, impacts, price_fills

BOT = "paper"
_NS_PER_DAY = 86_400 * 1_000_000_000
_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Day:
    """The frames of a day, as they are written; ``quotes`` and ``fills`` by symbol."""

    start_ns: int
    samples: pl.DataFrame
    quotes: dict[str, pl.DataFrame]
    fills: dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class _SymbolDay:
    symbol: Symbol
    quotes: Quotes
    fills: Fills
    position: NDArray[np.float64]
    closing: Pending
    money: NDArray[np.float64]


def day_start_s(day: date) -> float:
    """Seconds since 1970 of the UTC day's start."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def simulate(profile: Profile, day: date, seed: int, state: BotState) -> Day:
    """Simulate a day from the state at its start, which becomes the state at its end."""
    rng = np.random.default_rng([seed, profile.number, day.toordinal()])
    start_ns = round(day_start_s(day)) * 1_000_000_000
    outages = react(profile, draw_gaps(rng, profile))
    scrapes = Scrapes(start_ns, BOT)
    parts = [
        _simulate_symbol(rng, profile, symbol, state.symbols[symbol.name], outages, scrapes.grid_ns)
        for symbol in SYMBOLS
    ]
    export(rng, profile, scrapes, _activity(parts, outages), state)
    return Day(
        start_ns=start_ns,
        samples=scrapes.frame(),
        quotes={part.symbol.name: _quote_frame(rng, part) for part in parts},
        fills={part.symbol.name: _fill_frame(rng, part, day) for part in parts},
    )


def _simulate_symbol(
    rng: np.random.Generator,
    profile: Profile,
    symbol: Symbol,
    state: SymbolState,
    outages: list[Outage],
    grid_ns: NDArray[np.int64],
) -> _SymbolDay:
    start_ns = int(grid_ns[0])
    intents = draw_intents(rng, profile, outages, start_ns=start_ns, position_lots=state.position_lots)
    arrives, side = impacts(rng, profile, intents)
    quotes = draw_quotes(
        rng, profile, symbol, start_ns=start_ns, log_mid=state.log_mid, impact_ns=arrives, impact_side=side
    )
    fills = price_fills(rng, profile, symbol, intents, quotes)
    closing, waiting = state.pending.then(Pending.of(fills)).split(start_ns + _NS_PER_DAY)
    money = close(closing, quotes, float(np.exp(state.log_mid)))
    position = _positions(intents, state.position_lots, grid_ns) * symbol.lot
    state.log_mid, state.position_lots, state.pending = quotes.last_log_mid, intents.last_position_lots, waiting
    return _SymbolDay(symbol, quotes, fills, position, closing, money)


def _positions(intents: Intents, before: int, grid_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    running = np.concatenate([[before], before + np.cumsum(intents.side * intents.lots)])
    at: NDArray[np.float64] = running[np.searchsorted(intents.exch_ts_ns, grid_ns, side="right")].astype(np.float64)
    return at


def _activity(parts: list[_SymbolDay], outages: list[Outage]) -> Activity:
    fill_ns = np.concatenate([part.fills.exch_ts_ns for part in parts])
    close_ns = np.concatenate([part.closing.close_ns for part in parts])
    filled, closed = np.argsort(fill_ns, kind="stable"), np.argsort(close_ns, kind="stable")
    age_ns = np.concatenate([part.fills.exch_ts_ns - part.fills.order_ts_ns for part in parts])
    return Activity(
        fill_ns=fill_ns[filled],
        fill_notional=np.concatenate([part.fills.notional for part in parts])[filled],
        fill_maker=np.concatenate([part.fills.maker for part in parts])[filled],
        fill_age_ms=age_ns[filled] / _MS,
        close_ns=close_ns[closed],
        close_money=np.concatenate([part.money for part in parts])[closed],
        close_notional=np.concatenate([part.closing.notional for part in parts])[closed],
        positions={part.symbol.name: part.position for part in parts},
        outages=outages,
    )


def _quote_frame(rng: np.random.Generator, part: _SymbolDay) -> pl.DataFrame:
    quotes = part.quotes
    return pl.DataFrame(
        {
            "ts_ns": _received(rng, quotes.exch_ts_ns),
            "exch_ts_ns": quotes.exch_ts_ns,
            "symbol": [part.symbol.name] * quotes.exch_ts_ns.size,
            "bid_px": quotes.bid_px,
            "bid_qty": quotes.bid_qty,
            "ask_px": quotes.ask_px,
            "ask_qty": quotes.ask_qty,
        }
    )


def _fill_frame(rng: np.random.Generator, part: _SymbolDay, day: date) -> pl.DataFrame:
    fills, count = part.fills, part.fills.exch_ts_ns.size
    ids = fill_ids(part.symbol, day, count)
    return pl.DataFrame(
        {
            "ts_ns": _received(rng, fills.exch_ts_ns),
            "exch_ts_ns": fills.exch_ts_ns,
            "fill_id": ids,
            "order_id": [f"o-{name}" for name in ids],
            "symbol": [part.symbol.name] * count,
            "side": np.where(fills.side == 1, "buy", "sell").tolist(),
            "price": fills.price,
            "qty": fills.qty,
            "liquidity": np.where(fills.maker, "maker", "taker").tolist(),
            "fee": fills.fee,
            "fee_asset": [SETTLEMENT] * count,
            "order_ts_ns": fills.order_ts_ns,
            "venue": [VENUE] * count,
        }
    )


def _received(rng: np.random.Generator, exch_ts_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bot's own clock: 2 to 10 ms later, never going backwards."""
    return np.maximum.accumulate(exch_ts_ns + rng.integers(2 * _MS, 10 * _MS, exch_ts_ns.size))
