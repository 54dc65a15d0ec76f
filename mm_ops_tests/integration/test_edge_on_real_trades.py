"""Real Binance captures: every trade taken as a fill of its passive side; the numbers were computed independently.

Two shares are told apart: prints past the mid (``wrong_side_share``: a passive buy above it, a passive sell below it),
and the fewer that are at or through the opposite touch. On the receive clock the book update that a trade caused
arrives before the trade itself, so both are large; on the exchange clock, strictly before, nearly none is left.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.adapters.market_inputs import Request
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.edge.aggressor import count_rules, infer_aggressor
from mm_ops.domain.edge.clocks import clock_alternatives
from mm_ops.domain.edge.inputs import InputsPolicy
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.join import Reach, join_fills, on_clock
from mm_ops.domain.edge.policy import Clock, EdgePolicy, Instruments
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.edge.venue_clock import VenueClock
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow, from_ns
from mm_ops_tests.edge_inputs import book_of, read_inputs
from mm_ops_tests.requirements import require_data

pytestmark = pytest.mark.integration


POLICY = read_policy(Environment.read({}).policies / "edge.yaml", EdgePolicy)
INSTRUMENTS = read_policy(Environment.read({}).policies / "instruments.yaml", Instruments)
INPUTS = read_policy(Environment.read({}).policies / "inputs.yaml", InputsPolicy)
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


def at_or_through_the_opposite_touch(*captures: str, clock: Clock, lag: timedelta = timedelta(0)) -> float:
    ours, market, window = read(*captures)
    timed, book = on_clock(ours, clock, "fills"), book_of(market, clock, lag, window)
    met = join_fills(timed["at_ns"].to_numpy(), book, Reach.of(POLICY, window))
    touch = {"bid_px": met.bid, "ask_px": met.ask}
    fills = timed.with_columns(**{name: pl.Series(prices, nan_to_null=True) for name, prices in touch.items()})
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


@pytest.mark.parametrize(("ms", "share"), [(0, 0.44), (1, 0.28), (2, 0.18), (10, 0.12), (50, 0.04)])
def test_a_quote_lag_takes_spot_back_to_the_right_side_of_the_book(ms: int, share: float):
    """At or through the opposite touch, in whole percent, as the capture's own description says."""
    found = at_or_through_the_opposite_touch(*SPOT, clock="receive", lag=timedelta(milliseconds=ms))
    assert found == pytest.approx(share, abs=0.005)


ALTERNATIVES: dict[tuple[str, ...], dict[str, float | None]] = {
    (FUTURES,): {
        "policy": 0.00174,
        "other clock": 0.13433,
        "at or before": 0.22104,
        "quote lag 0 ms": 0.00174,
        "quote lag 1 ms": 0.00361,
        "quote lag 2 ms": 0.00615,
        "quote lag 10 ms": 0.01661,
        "quote lag 50 ms": 0.04495,
    },
    SPOT: {
        "policy": 0.48347,
        "other clock": None,
        "at or before": 0.48347,
        "quote lag 0 ms": 0.48347,
        "quote lag 1 ms": 0.32045,
        "quote lag 2 ms": 0.20369,
        "quote lag 10 ms": 0.13315,
        "quote lag 50 ms": 0.05255,
    },
}


@pytest.mark.parametrize("captures", ALTERNATIVES, ids=["futures", "spot"])
def test_the_report_can_show_what_another_choice_of_clock_would_give(captures: tuple[str, ...]):
    """The policy's clock is the best there is for futures; spot has one clock only, and wants a lag."""
    ours, market, window = read(*captures)
    found = clock_alternatives(ours, market, EdgePolicies(inputs=INPUTS, edge=POLICY, instruments=INSTRUMENTS), window)
    expected = ALTERNATIVES[captures]
    assert {item["choice"] for item in found} == set(expected)
    for item in found:
        share = expected[item["choice"]]
        assert item["available"] is (share is not None)
        assert item["wrong_side_share"] == (None if share is None else pytest.approx(share, abs=0.00001))
        assert (item["net_edge_bps"] is None) == (share is None)


@pytest.mark.parametrize(
    ("clock", "right"), [("exchange", 0.99826), ("receive", 0.86558)], ids=["exchange clock", "receive clock"]
)
def test_the_inferred_aggressor_is_the_given_one_where_the_clock_is_right(clock: Clock, right: float):
    passive, market, _ = read(FUTURES)
    other = pl.when(pl.col("side") == "buy").then(pl.lit("sell")).otherwise(pl.lit("buy"))
    given = passive.with_columns(given=other, side=pl.lit(None, dtype=pl.String))
    clocks = {"BTCUSDT-PERP": VenueClock(clock, timedelta(0))}
    found = infer_aggressor(given, market, clocks=clocks, quote_lag=timedelta(0), stale_after=POLICY.stale_after)
    assert found.select((pl.col("side") == pl.col("given")).mean()).item() == pytest.approx(right, abs=0.00001)
    assert count_rules(found)["unknown"] == 0


def test_real_partial_fills_without_their_ids_are_counted_and_all_kept(tmp_path: Path):
    """By the exchange's millisecond an eighth of the trades are like another one; each is a trade of its own."""
    trades = pl.read_parquet(require_data(f"{FUTURES}_trades.parquet"))
    bare = trades.select("symbol", "side", "price", "qty", ts_ns="exch_ts_ns")
    bare.write_parquet(tmp_path / "fills.parquet")
    request = Request(
        fills=tmp_path / "fills.parquet", quotes=require_data(f"{FUTURES}_quotes.parquet"), side_is="aggressor"
    )
    found = read_inputs(request, EdgePolicies(inputs=INPUTS, edge=POLICY, instruments=INSTRUMENTS, clock="receive"))
    assert found.section["fills"]["alike_without_id"] == {"count": 2_731, "treat": "keep"}
    assert (found.fills.height, found.section["fills"]["duplicates"]) == (21_313, 0)


def test_spot_on_the_exchange_clock_is_refused_since_its_quotes_have_none():
    with pytest.raises(SchemaError, match="the exchange clock needs exch_ts_ns in every row"):
        report(*SPOT, clock="exchange")
