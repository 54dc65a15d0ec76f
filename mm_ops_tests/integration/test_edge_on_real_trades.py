"""Real Binance captures: every trade taken as a fill of its passive side; the numbers were computed independently.

Two shares are told apart: prints past the mid (``wrong_side_share``: a passive buy above it, a passive sell below it),
and the fewer that are at or through the opposite touch. On the receive clock the book update that a trade caused
arrives before the trade itself, so both are large; on the exchange clock, strictly before, nearly none is left.
"""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.edge.join import join_symbol, on_clock
from mm_ops.domain.edge.policy import Clock, EdgePolicy, Instruments
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow, from_ns
from mm_ops_tests.requirements import require_data

pytestmark = pytest.mark.integration


POLICY = read_policy(Environment.read({}).policies / "edge.yaml", EdgePolicy)
INSTRUMENTS = read_policy(Environment.read({}).policies / "instruments.yaml", Instruments)
FUTURES = "binance_usdm/BTCUSDT-PERP_2024-08-08"
SPOT = ("binance_spot/BTCUSDT_2024-08-08", "binance_spot/BTCUSDT_2024-08-09")


def read(*captures: str) -> tuple[pl.DataFrame, pl.DataFrame, TimeWindow]:
    trades = [require_data(f"{name}_trades.parquet") for name in captures]
    books = [require_data(f"{name}_quotes.parquet") for name in captures]
    ours = pl.concat([read_fills(path, side_is="aggressor") for path in trades])
    times = [int(at) for name in ("ts_ns", "exch_ts_ns") for at in ours[name].to_list()]
    window = TimeWindow(from_ns(min(times)), from_ns(max(times)) + timedelta(seconds=1))
    return ours, pl.concat([read_quotes(path) for path in books]), window


def report(*captures: str, clock: Clock | None = None) -> dict[str, Any]:
    ours, market, window = read(*captures)
    return build_edge_report(ours, market, policy=POLICY, instruments=INSTRUMENTS, window=window, clock=clock)


def at_or_through_the_opposite_touch(*captures: str, clock: Clock) -> float:
    ours, market, window = read(*captures)
    fills = join_symbol(
        on_clock(ours, clock, "fills"), market, policy=POLICY, clock=clock, quote_lag=timedelta(0), window=window
    ).fills
    passive_buy = pl.col("side") == "buy"
    there = (
        pl.when(passive_buy).then(pl.col("price") >= pl.col("ask_px")).otherwise(pl.col("price") <= pl.col("bid_px"))
    )
    share: float = fills.select(there.mean()).item()
    return share


def test_futures_on_the_exchange_clock_lie_on_the_right_side_of_the_book():
    found = report(FUTURES)
    quality = found["quality"]
    assert found["clocks"] == {"BTCUSDT-PERP": "exchange"}
    assert found["total"]["fills"] == 21_313
    assert quality["wrong_side_share"] <= 0.002
    assert quality["wrong_side_share"] == pytest.approx(0.00174, abs=0.00001)
    assert quality["fills_alone_in_their_millisecond"] == 3_360
    assert quality["outside_touch_share_alone"] <= 0.004
    assert quality["outside_touch_share_alone"] == pytest.approx(0.00327, abs=0.00001)
    assert quality["outside_touch_share"] == pytest.approx(0.44, abs=0.005), "sweeps, seen and stated"
    assert found["identity"]["holds"] is True


def test_the_receive_clock_puts_an_eighth_of_futures_on_the_wrong_side():
    share = report(FUTURES, clock="receive")["quality"]["wrong_side_share"]
    assert share == pytest.approx(0.13433, abs=0.00001)
    assert at_or_through_the_opposite_touch(FUTURES, clock="receive") == pytest.approx(0.1213, abs=0.0001)
    assert at_or_through_the_opposite_touch(FUTURES, clock="exchange") == pytest.approx(0.0012, abs=0.0001)


def test_spot_has_only_the_receive_clock_and_the_report_shows_what_it_costs():
    found = report(*SPOT)
    assert found["clocks"] == {"BTCUSDT": "receive"}
    assert found["total"]["fills"] == 9_757 + 10_147
    assert found["quality"]["wrong_side_share"] == pytest.approx(0.48347, abs=0.00001)
    assert at_or_through_the_opposite_touch(*SPOT, clock="receive") == pytest.approx(0.4396, abs=0.0001), "the 44 %"
    per_fill = found["total"]["per_fill"]["spread_capture_bps"]
    assert per_fill == pytest.approx(-0.174, abs=0.001), "what no maker earns: the join is at fault, not the market"
    assert found["identity"]["holds"] is True


def test_spot_on_the_exchange_clock_is_refused_since_its_quotes_have_none():
    with pytest.raises(SchemaError, match="the exchange clock needs exch_ts_ns in every row"):
        report(*SPOT, clock="exchange")
