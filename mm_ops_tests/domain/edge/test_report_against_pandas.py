"""The whole report against :mod:`mm_ops_tests.edge_reference`, on 100,000 fills."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mm_ops.domain.edge.policy import Clock, VenuePolicy
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests import edge_reference as reference
from mm_ops_tests.builders import START, START_NS, WORDS, edge_policy, instrument, instruments

MS = 1_000_000
SPAN_MS = 4 * 3600 * 1000
WINDOW = TimeWindow(START, START + timedelta(milliseconds=SPAN_MS))
COLUMNS: dict[Clock, str] = {"exchange": "exch_ts_ns", "receive": "ts_ns"}
POLICY = edge_policy(
    horizons=tuple(timedelta(milliseconds=ms) for ms in reference.HORIZONS.values()),
    stale_after=timedelta(seconds=20),
    venues={"paper": VenuePolicy(clock="exchange", quote_lag=timedelta(0), source=WORDS)},
)


def market(seed: int, symbol: str, fills: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Quotes on a grid of milliseconds with doubled instants, a late start and an outage; fills on the same grid."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.integers(60_000, SPAN_MS, 2 * fills))
    at = at[(at < SPAN_MS // 2) | (at > SPAN_MS // 2 + 90_000)]
    bid = 100 + np.round(np.cumsum(rng.normal(0, 0.005, at.size)), 2)
    when = np.sort(rng.integers(0, SPAN_MS, fills))
    near = bid[np.clip(np.searchsorted(at, when), 0, at.size - 1)]
    liquidity = np.where(rng.uniform(size=fills) < 0.8, "maker", "taker")
    book = {
        "ts_ns": START_NS + (at + rng.integers(0, 40, at.size)) * MS,
        "exch_ts_ns": START_NS + at * MS,
        "symbol": symbol,
        "bid_px": bid,
        "ask_px": bid + 0.01 * rng.integers(1, 4, at.size),
    }
    sent = START_NS + when * MS
    ours = {
        "ts_ns": sent + rng.integers(0, 40, fills) * MS,
        "exch_ts_ns": sent,
        "symbol": symbol,
        "side": rng.choice(["buy", "sell"], fills).tolist(),
        "price": near + np.round(rng.normal(0, 0.02, fills), 2),
        "qty": np.round(rng.uniform(0.1, 5, fills), 3),
        "liquidity": liquidity.tolist(),
        "fee": rng.normal(0, 0.01, fills),
        "order_ts_ns": sent - rng.integers(0, 500, fills) * MS,
    }
    return pl.DataFrame(ours), pl.DataFrame(book)


def differences(expected: dict[str, Any], found: dict[str, Any], scale: float) -> dict[str, tuple[Any, Any]]:
    """Values that are not equal to 1e-12: relative, or of ``scale`` where money of both signs nearly cancels."""
    wrong: dict[str, tuple[Any, Any]] = {}
    for name, value in expected.items():
        if isinstance(value, dict):
            wrong |= {f"{name}.{key}": pair for key, pair in differences(value, found[name], scale).items()}
        elif value is None or isinstance(value, int):
            wrong |= {} if found[name] == value else {name: (value, found[name])}
        elif found[name] != pytest.approx(value, rel=1e-12, abs=1e-12 * scale):
            wrong[name] = (value, found[name])
    return wrong


@pytest.mark.parametrize("kind", ["linear", "inverse"])
@pytest.mark.parametrize("clock", ["exchange", "receive"])
def test_every_group_of_the_report_equals_the_pandas_reference(kind: str, clock: Clock):
    sizes = {"X": 1.0, "Y": 25.0}
    markets = {"X": market(1, "X", 60_000), "Y": market(2, "Y", 40_000)}
    report = build_edge_report(
        pl.concat([fills for fills, _ in markets.values()]),
        pl.concat([quotes for _, quotes in markets.values()]),
        policy=POLICY,
        instruments=instruments(*(instrument(symbol=name, kind=kind, contract_size=sizes[name]) for name in markets)),
        window=WINDOW,
        clock=clock,
    )
    inside = {
        name: (fills.filter(pl.col(COLUMNS[clock]) < WINDOW.end_ns), quotes)
        for name, (fills, quotes) in markets.items()
    }
    slow = pd.concat(
        [
            reference.measured(
                *pair, clock=COLUMNS[clock], kind=kind, size=sizes[name], stale_ms=20_000, end_ns=WINDOW.end_ns
            )
            for name, pair in inside.items()
        ],
        ignore_index=True,
    )
    assert slow.stale.sum() > 100, "some fills have a stale quote"
    assert slow.quote_age_ms.isna().sum() > 100, "some come before the first quote"
    groups = {"total": slow}
    groups |= {f"by_symbol/{name}": slow[slow.symbol == name] for name in markets}
    groups |= {f"by_side/{side}": slow[slow.side == side] for side in ("buy", "sell")}
    groups |= {f"by_hour/{hour}": slow[slow.hour == hour] for hour in ("00", "01", "02", "03")}
    groups["by_venue/paper"] = slow
    for path, rows in groups.items():
        outer, _, inner = path.partition("/")
        group = report[outer][inner] if inner else report[outer]
        assert differences(reference.numbers(rows), group, scale=10.0) == {}, path
    assert list(report["by_hour"]) == ["00", "01", "02", "03"]
    assert report["identity"]["holds"] is True
    assert report["quality"]["outside_touch_share"] == pytest.approx(slow.outside[slow.mid.notna()].mean(), rel=1e-12)
