"""Reads what the paper bot recorded, and measures it apart from the product."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

NS = 1_000_000_000
SYMBOLS = ("AAA-USDT", "BBB-USDT")
Array = NDArray[np.float64]


def read(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path, hive_partitioning=False)


def samples(root: Path, day: date) -> pl.DataFrame:
    return read(root / f"samples/date={day}/samples.parquet")


def quotes(root: Path, days: Sequence[date], symbol: str) -> pl.DataFrame:
    frames = [read(root / f"quotes/date={day}/symbol={symbol}/quotes.parquet") for day in days]
    return pl.concat(frames).with_columns(mid=(pl.col("bid_px") + pl.col("ask_px")) / 2)


def fills(root: Path, days: Sequence[date], symbol: str) -> pl.DataFrame:
    frames = [read(root / f"fills/date={day}/symbol={symbol}/fills.parquet") for day in days]
    return pl.concat(frames).with_columns(sign=pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0))


def series(frame: pl.DataFrame, metric: str, **labels: str) -> Array:
    text = json.dumps({"bot": "paper", **labels}, sort_keys=True, separators=(",", ":"))
    found = frame.filter(metric=metric, labels=text).sort("ts_ns")["value"].to_numpy()
    assert found.size, f"{metric}{text} is not there"
    return found


def grown(frame: pl.DataFrame, metric: str, **labels: str) -> float:
    values = series(frame, metric, **labels)
    return float(values[-1] - values[0])


def edge(root: Path, day: date) -> dict[str, float]:
    """Net edge in bps, taker share by notional at mid, order age p95 in ms, of all symbols together."""
    money = notional = taken = 0.0
    ages: list[float] = []
    for symbol in SYMBOLS:
        quoted, filled = quotes(root, [day], symbol), fills(root, [day], symbol)
        mid, at = quoted["mid"].to_numpy(), filled["exch_ts_ns"].to_numpy()
        weight = mid[np.searchsorted(quoted["exch_ts_ns"].to_numpy(), at, side="left") - 1] * filled["qty"].to_numpy()
        earned = filled["sign"] * (mid[-1] - filled["price"]) * filled["qty"] - filled["fee"]
        money, notional = money + float(earned.sum()), notional + float(weight.sum())
        taken += float(weight[(filled["liquidity"] == "taker").to_numpy()].sum())
        ages += ((filled["exch_ts_ns"] - filled["order_ts_ns"]) / 1e6).to_list()
    return {
        "net_edge_bps": 1e4 * money / notional,
        "taker_share": taken / notional,
        "age_p95_ms": float(np.percentile(ages, 95)),
    }
