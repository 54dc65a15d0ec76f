"""Valid objects with one interesting difference."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from mm_ops.domain.edge.policy import EdgePolicy, FeeSchedule, Instrument, Instruments, VenuePolicy
from mm_ops.domain.windows import TimeWindow, to_ns

START = datetime(2026, 11, 20, tzinfo=UTC)
START_NS = to_ns(START)
SECOND = 1_000_000_000
WORDS = "made up for a test"


def minute() -> TimeWindow:
    return TimeWindow(START, START + timedelta(minutes=1))


def edge_policy(**different: Any) -> EdgePolicy:
    venue = VenuePolicy(clock="exchange", quote_lag=timedelta(0), source=WORDS)
    usual: dict[str, Any] = {
        "horizons": (timedelta(seconds=1), timedelta(seconds=5)),
        "stale_after": timedelta(seconds=60),
        "venues": {"paper": venue},
        "source": WORDS,
    }
    return EdgePolicy(**{**usual, **different})


def instrument(**different: Any) -> Instrument:
    usual: dict[str, Any] = {
        "symbol": "X",
        "venue": "paper",
        "kind": "linear",
        "contract_size": 1.0,
        "settlement": "USDT",
        "source": WORDS,
    }
    return Instrument(**{**usual, **different})


def schedule(maker_bps: float = 2.0, taker_bps: float = 5.0) -> FeeSchedule:
    return FeeSchedule(maker_bps=maker_bps, taker_bps=taker_bps, source=WORDS)


def instruments(*items: Instrument) -> Instruments:
    return Instruments(instruments=items or (instrument(),))


def quotes(*rows: tuple[float, float, float], symbol: str = "X") -> pl.DataFrame:
    """Quotes from (seconds after the start, bid, ask)."""
    return pl.DataFrame(
        {
            "ts_ns": [START_NS + round(at * SECOND) for at, _, _ in rows],
            "exch_ts_ns": [START_NS + round(at * SECOND) for at, _, _ in rows],
            "symbol": [symbol] * len(rows),
            "bid_px": [float(bid) for _, bid, _ in rows],
            "bid_qty": [1.0] * len(rows),
            "ask_px": [float(ask) for _, _, ask in rows],
            "ask_qty": [1.0] * len(rows),
        },
        schema_overrides={"ts_ns": pl.Int64, "exch_ts_ns": pl.Int64, "symbol": pl.String},
    )


def fill(at: float, side: str, price: float, qty: float = 1.0, **different: Any) -> dict[str, Any]:
    """One fill, a maker without fee, at seconds after the start."""
    ts_ns = START_NS + round(at * SECOND)
    usual = {
        "ts_ns": ts_ns,
        "exch_ts_ns": ts_ns,
        "symbol": "X",
        "side": side,
        "price": float(price),
        "qty": float(qty),
        "liquidity": "maker",
        "fee": 0.0,
    }
    return {**usual, **different}


FILL_SCHEMA = {
    "ts_ns": pl.Int64,
    "exch_ts_ns": pl.Int64,
    "symbol": pl.String,
    "side": pl.String,
    "price": pl.Float64,
    "qty": pl.Float64,
    "liquidity": pl.String,
    "fee": pl.Float64,
}


def fills(*rows: dict[str, Any]) -> pl.DataFrame:
    """A frame of fills, also of none."""
    return pl.DataFrame(list(rows), schema_overrides=FILL_SCHEMA) if rows else pl.DataFrame(schema=FILL_SCHEMA)
