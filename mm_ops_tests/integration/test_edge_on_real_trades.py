"""Real Binance captures: every trade taken as a fill of its passive side; the numbers were computed independently."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.edge.policy import Clock, EdgePolicy, Instruments
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.windows import TimeWindow, from_ns
from mm_ops_tests.requirements import require_data

pytestmark = pytest.mark.integration


def report(trades: Path, quotes: Path, clock: Clock | None = None) -> dict[str, Any]:
    policies = Environment.read({}).policies
    ours, market = read_fills(trades, side_is="aggressor"), read_quotes(quotes)
    times = [int(at) for name in ("ts_ns", "exch_ts_ns") for at in ours[name].to_list()]
    return build_edge_report(
        ours,
        market,
        policy=read_policy(policies / "edge.yaml", EdgePolicy),
        instruments=read_policy(policies / "instruments.yaml", Instruments),
        window=TimeWindow(from_ns(min(times)), from_ns(max(times)) + timedelta(seconds=1)),
        clock=clock,
    )


def futures(clock: Clock | None = None) -> dict[str, Any]:
    trades = require_data("binance_usdm/BTCUSDT-PERP_2024-08-08_trades.parquet")
    return report(trades, require_data("binance_usdm/BTCUSDT-PERP_2024-08-08_quotes.parquet"), clock)


def test_futures_on_the_exchange_clock_lie_on_the_right_side_of_the_book():
    found = futures()
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
    share = futures("receive")["quality"]["wrong_side_share"]
    assert share == pytest.approx(0.134, abs=0.001), "12 % at or before, as others measured; 13.4 % strictly before"


def test_spot_has_only_the_receive_clock_and_the_report_shows_what_it_costs():
    trades = require_data("binance_spot/BTCUSDT_2024-08-08_trades.parquet")
    found = report(trades, require_data("binance_spot/BTCUSDT_2024-08-08_quotes.parquet"))
    assert found["clocks"] == {"BTCUSDT": "receive"}
    share = found["quality"]["wrong_side_share"]
    assert share == pytest.approx(0.508, abs=0.001), "44 % at or before over both days; this day strictly before"
    assert found["identity"]["holds"] is True
