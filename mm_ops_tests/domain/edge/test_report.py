"""Hand-worked cases; the arithmetic stands beside each number."""

import json
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.edge.policy import Clock, VenuePolicy
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.edge.report_text import edge_markdown
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import (
    START,
    START_NS,
    WORDS,
    edge_policy,
    fill,
    fills,
    instrument,
    instruments,
    minute,
    quotes,
    schedule,
)

MARKET = quotes((0, 99, 101), (2, 98, 100), (4, 101, 103), (9, 103, 105))
"""Mids: 100 from 0 s, 99 from 2 s, 102 from 4 s, 104 from 9 s; so m_end is 104."""


def report(*rows: dict[str, Any], market: pl.DataFrame = MARKET, **different: Any) -> dict[str, Any]:
    usual = {"policy": edge_policy(), "instruments": instruments(), "window": minute()}
    return build_edge_report(fills(*rows), market, **{**usual, **different})


def bps(found: dict[str, Any], *names: str) -> list[Any]:
    return [found["total"][f"{name}"] for name in names]


MEASURES = (
    "spread_capture_bps",
    "markout_bps_1s",
    "markout_bps_5s",
    "adverse_selection_bps_1s",
    "inventory_bps_1s",
    "fee_bps",
    "net_edge_bps",
)
CASES = {
    # mid 100; 1 s later 100 (at 2.5: 99 from 2 s, so m' = 99); 5 s later 102; bps of m = 100
    "a maker buy at the bid": (fill(1.5, "buy", 99), [100.0, 0.0, 300.0, 100.0, 500.0, 0.0, 500.0]),
    "a maker sell at the ask": (fill(1.5, "sell", 101), [100.0, 200.0, -100.0, -100.0, -500.0, 0.0, -300.0]),
    # pays the spread and 5 bps of fee: capture -100, net = (104 - 101)/100 - 5 bps
    "a taker buy": (
        fill(1.5, "buy", 101, liquidity="taker", fee=0.05),
        [-100.0, -200.0, 100.0, 100.0, 500.0, 5.0, 295.0],
    ),
    # a rebate of 2 bps is income
    "a rebate": (fill(1.5, "buy", 99, fee=-0.02), [100.0, 0.0, 300.0, 100.0, 500.0, -2.0, 502.0]),
    # at 2.0 s the quote of 2.0 s is not yet known: strictly before gives mid 100
    "a fill in the instant of a quote": (fill(2, "buy", 99), [100.0, 0.0, 300.0, 100.0, 500.0, 0.0, 500.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_measures_worked_by_hand(name: str):
    row, expected = CASES[name]
    assert bps(report(row), *MEASURES) == pytest.approx(expected, abs=1e-9)


def test_a_horizon_past_the_end_is_null_and_counted_and_leaves_the_net_edge_alone():
    found = report(fill(58, "buy", 103), market=quotes((0, 99, 101), (57, 103, 105)))
    assert bps(found, "markout_bps_1s", "markout_bps_5s", "net_edge_bps") == pytest.approx(
        [96.15384615, None, 96.15384615]
    )
    assert found["total"]["nulls"] == {"1s": 0, "5s": 1}


def test_an_inverse_contract_earns_in_the_base_currency():
    # 10 contracts of 100 USD bought at 99 with the mid at 100: 10·100·(1/99 − 1/100) = 0.10101… of 10·100/100 = 10
    found = report(fill(1.5, "buy", 99, 10), instruments=instruments(instrument(kind="inverse", contract_size=100.0)))
    assert found["total"]["notional"] == pytest.approx(10.0)
    assert found["total"]["spread_capture_bps"] == pytest.approx(1e4 * (1 / 99 - 1 / 100) * 1000 / 10)
    assert found["identity"]["holds"] is True


def test_a_contract_multiplier_scales_money_and_notional_and_no_bps():
    plain, big = (
        report(fill(1.5, "buy", 99)),
        report(fill(1.5, "buy", 99), instruments=instruments(instrument(contract_size=50.0))),
    )
    assert big["total"]["notional"] == 50 * plain["total"]["notional"]
    assert big["total"]["net_edge_bps"] == pytest.approx(plain["total"]["net_edge_bps"])


def test_weights_are_notional_at_the_mid_and_per_fill_stands_beside_it():
    # 3 at +100 bps and 1 at −100 bps: weighted (300 − 100)/4 = 50, per fill 0
    found = report(fill(1.5, "buy", 99, 3), fill(1.6, "buy", 101, 1))
    assert found["total"]["spread_capture_bps"] == pytest.approx(50.0)
    assert found["total"]["per_fill"]["spread_capture_bps"] == pytest.approx(0.0, abs=1e-9)


def test_shares_count_makers_by_notional_and_by_number():
    found = report(fill(1.5, "buy", 99, 3), fill(1.6, "buy", 101, 1, liquidity="taker"))["total"]
    assert (found["maker_share"], found["taker_share"], found["maker_share_by_count"]) == (0.75, 0.25, 0.5)
    # effective spread is the market's: 2·100 bps for the maker's three, and for the taker's one 2·100 too
    assert found["effective_spread_bps"] == pytest.approx(200.0)


def test_sides_and_symbols_add_up_to_the_total():
    found = report(fill(1.5, "buy", 99, 3), fill(1.6, "sell", 101, 1))
    assert [found["by_side"][side]["fills"] for side in ("buy", "sell")] == [1, 1]
    money = sum(found["by_side"][side]["net_money"] for side in ("buy", "sell"))
    assert money == pytest.approx(found["total"]["net_money"]) == pytest.approx(found["by_symbol"]["X"]["net_money"])


def test_two_fills_in_one_millisecond_are_both_measured_and_neither_is_alone():
    found = report(fill(1.5, "buy", 99), fill(1.5000004, "buy", 98), fill(3, "buy", 98))
    assert found["total"]["fills"] == 3
    assert found["quality"]["fills_alone_in_their_millisecond"] == 1
    assert found["quality"]["outside_touch_share"] == pytest.approx(1 / 3)
    assert found["quality"]["outside_touch_share_alone"] == 0.0


def test_of_several_quotes_in_one_instant_the_last_prevails():
    found = report(fill(1, "buy", 99), market=quotes((0, 1, 2), (0, 98, 100), (0, 99, 101)))
    assert found["total"]["spread_capture_bps"] == pytest.approx(100.0)
    assert found["quality"]["quotes_deduplicated"] == 2


def test_locked_and_crossed_quotes_are_counted():
    quality = report(fill(1.5, "buy", 99), market=quotes((0, 99, 101), (1, 100, 100), (2, 101, 100)))["quality"]
    assert (quality["locked_quotes"], quality["crossed_quotes"]) == (1, 1)


def test_a_fill_on_a_stale_quote_has_no_mid_and_is_counted_and_not_dropped_silently():
    found = report(fill(1.5, "buy", 99), fill(30, "buy", 99), policy=edge_policy(stale_after=timedelta(seconds=10)))
    assert found["total"]["fills"] == 1
    assert found["quality"]["fills_without_quote"] == found["quality"]["fills_on_a_stale_quote"] == 1


def test_an_old_last_mid_is_told_since_the_net_edge_rests_on_it():
    assert report(fill(1.5, "buy", 99))["quality"]["last_quote_age_s"] == 51.0, "the last quote of the minute is at 9 s"
    assert report()["quality"]["last_quote_age_s"] is None


def by_the_minute(*mids: float) -> list[tuple[float, float, float]]:
    """One quote in the last second of each minute."""
    return [(60.0 * minute + 59, mid - 1, mid + 1) for minute, mid in enumerate(mids)]


@pytest.mark.parametrize(
    ("market", "jump"),
    [
        # the minutes end with 100, 102 and 104: 104 is 2/102 from their median
        ([*by_the_minute(100, 102, 104), (10.0, 1, 3)], 2 / 102),
        # one wrong quote at the end of an hour of 100
        (by_the_minute(*[100] * 60, 130), 0.3),
        # 29 wrong minutes of the last 60 do not decide, 31 do
        (by_the_minute(*[100] * 31, *[130] * 29), 0.3),
        (by_the_minute(*[100] * 29, *[130] * 31), 0.0),
        # what is older than an hour is no witness
        (by_the_minute(*[100] * 99, *[130] * 60), 0.0),
        # quotes in two minutes: either may be the wrong one
        (by_the_minute(100, 130), None),
    ],
)
def test_how_far_the_last_mid_is_from_those_of_the_hour_before_is_told(
    market: list[tuple[float, float, float]], jump: float | None
):
    window = TimeWindow(START, START + timedelta(hours=4))
    found = report(fill(59.5, "buy", 99), market=quotes(*sorted(market)), window=window)["quality"]["mark_jump_bps"]
    assert found == (None if jump is None else pytest.approx(jump * 1e4, rel=1e-12))


def test_one_symbol_whose_last_mid_nobody_can_judge_leaves_it_unknown():
    both = instruments(instrument(), instrument(symbol="Y"))
    market = pl.concat([quotes(*by_the_minute(100, 101, 102)), quotes((0, 99, 101), symbol="Y")])
    window = TimeWindow(START, START + timedelta(hours=1))
    found = report(
        fill(59.5, "buy", 99), fill(1.5, "buy", 99, symbol="Y"), market=market, instruments=both, window=window
    )
    assert found["quality"]["mark_jump_bps"] is None
    assert found["quality_by_symbol"]["X"]["mark_jump_bps"] is not None


GAPS = {
    "from the start": ((30, 50), 30.0),
    "between": ((5, 40, 45), 35.0),
    "to the end": ((5, 15), 45.0),
}


@pytest.mark.parametrize("name", GAPS)
def test_the_longest_time_without_a_fill_is_that_of_the_worst_symbol_from_edge_to_edge_of_the_window(name: str):
    at, longest = GAPS[name]
    both = instruments(instrument(), instrument(symbol="Y"))
    found = report(*(fill(second, "buy", 99) for second in at), instruments=both)
    assert found["quality"]["longest_fill_gap_s"] == longest
    every_second = [fill(second, "buy", 99, symbol="Y") for second in range(60)]
    mixed = report(*(fill(second, "buy", 99) for second in at), *every_second, instruments=both)
    assert mixed["quality"]["longest_fill_gap_s"] == longest
    assert mixed["quality_by_symbol"]["Y"]["longest_fill_gap_s"] == 1.0


def test_a_fill_before_the_first_quote_has_no_mid():
    found = report(fill(0, "buy", 99), fill(1.5, "buy", 99))
    assert (found["total"]["fills"], found["quality"]["fills_without_quote"]) == (1, 1)


def test_fills_outside_the_window_are_counted_and_left_out():
    found = report(fill(-1, "buy", 99), fill(1.5, "buy", 99), fill(60, "buy", 99))
    assert (found["total"]["fills"], found["quality"]["fills_outside_window"]) == (1, 2)


def test_quotes_from_the_windows_end_on_are_not_looked_at():
    with_future = pl.concat([MARKET, quotes((60, 1, 2), (70, 500, 502))])
    assert report(fill(1.5, "buy", 99), market=with_future) == report(fill(1.5, "buy", 99))


def test_no_fill_means_null_and_never_zero():
    found = report()
    assert found["total"]["net_edge_bps"] is None
    assert found["total"]["fills"] == 0
    assert found["total"]["maker_share"] is None
    assert found["identity"]["holds"] is None
    assert "was not checked" in edge_markdown(found)


def test_a_lag_moves_the_quotes_and_not_the_fills():
    late = VenuePolicy(clock="exchange", quote_lag=timedelta(seconds=1), source=WORDS)
    found = report(fill(2.5, "buy", 99), policy=edge_policy(venues={"paper": late}))
    assert found["total"]["spread_capture_bps"] == pytest.approx(100.0), "the quote of 2 s is known at 3 s"


def test_the_clock_can_be_overruled_and_is_stated():
    received = MARKET.with_columns(ts_ns=pl.col("ts_ns") + 1_000_000_000)
    row = fill(2.5, "buy", 98)
    assert report(row, market=received)["total"]["spread_capture_bps"] == pytest.approx(1e4 / 99)
    found = report(row, market=received, clock="receive")
    assert found["clocks"] == {"X": "receive"}
    assert found["total"]["spread_capture_bps"] == pytest.approx(200.0)


@pytest.mark.parametrize(("clock", "capture"), [(None, 100.0), ("exchange", 100.0), ("receive", 0.0)])
def test_asking_for_the_venues_own_clock_keeps_its_lag(clock: Clock | None, capture: float):
    late = VenuePolicy(clock="exchange", quote_lag=timedelta(seconds=1), source=WORDS)
    found = report(fill(2.5, "buy", 99), policy=edge_policy(venues={"paper": late}), clock=clock)
    assert found["total"]["spread_capture_bps"] == pytest.approx(capture), "another clock has no lag: mid 99 from 2 s"


def test_order_ages_are_measured_where_order_times_are():
    sent = {at: fill(at, "buy", 99)["ts_ns"] - age for at, age in ((1, 10**8), (2, 3 * 10**8))}
    rows = [fill(at, "buy", 99, order_ts_ns=order_ts_ns) for at, order_ts_ns in sent.items()]
    found = report(*rows)["total"]
    assert (found["order_age_p50_ms"], found["order_age_p95_ms"]) == pytest.approx((200.0, 290.0))
    assert report(fill(1.5, "buy", 99))["total"]["order_age_p95_ms"] is None


def test_an_order_is_as_old_as_our_own_clock_says():
    """Sent at 0.9 s and heard of at 1.1 s by our clock, filled at 1 s or at 0.8 s by the exchange's: 200 ms old."""
    for exchange in (1.0, 0.8):
        row = {**fill(exchange, "buy", 99), "ts_ns": START_NS + 1_100_000_000, "order_ts_ns": START_NS + 900_000_000}
        found = report(row)
        assert found["total"]["order_age_p50_ms"] == pytest.approx(200.0)
        assert found["quality"]["orders_after_their_fill"] == 0


def test_an_order_that_is_later_than_its_fill_is_counted_and_its_age_not_known():
    # 3 of 4 by number; by notional at the mid, 100 to 2 s and 99 from there on, 100 + 100 + 99 of 100·2 + 99·2
    rows = [fill(at, "buy", 99, order_ts_ns=START_NS + round(at * 10**9) - 10**8) for at in (1.2, 1.5, 2.5)]
    late = fill(2.6, "buy", 99, order_ts_ns=START_NS + 2_601_000_000)
    found = report(*rows, late)
    assert (found["total"]["fills"], found["quality"]["orders_after_their_fill"]) == (4, 1)
    assert found["total"]["order_age_known_share"] == pytest.approx(min(3 / 4, 299 / 398))
    assert found["total"]["order_age_p50_ms"] == pytest.approx(100.0)


def test_missing_fees_come_from_the_schedule_and_are_counted():
    rows = [fill(1.5, "buy", 99, fee=None), fill(1.6, "buy", 101, fee=None, liquidity="taker"), fill(1.7, "buy", 99)]
    found = report(*rows, instruments=instruments(instrument(fees=schedule(2.0, 5.0))))
    assert found["quality"]["fees_from_schedule"] == 2
    assert found["total"]["fee_money"] == pytest.approx(99 * 2e-4 + 101 * 5e-4)


def test_a_fee_in_the_settlement_currency_is_taken_as_it_is():
    assert report(fill(1.5, "buy", 99, fee=0.5, fee_asset="USDT"))["total"]["fee_money"] == 0.5


def test_liquidity_that_is_not_known_leaves_the_makers_share_null():
    unknown = fills(fill(1.5, "buy", 99)).drop("liquidity")
    found = build_edge_report(unknown, MARKET, policy=edge_policy(), instruments=instruments(), window=minute())
    assert found["total"]["maker_share"] is None
    assert found["total"]["effective_spread_bps"] is None
    assert found["quality"]["wrong_side_share"] is None


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown symbol": ({"rows": [fill(1, "buy", 99, symbol="Y")]}, "symbol 'Y' is not in instruments.yaml"),
    "a fill without fee or schedule": ({"rows": [fill(1, "buy", 99, fee=None)]}, "an edge without fees is refused"),
    "a fee in another currency": ({"rows": [fill(1, "buy", 99, fee_asset="BNB")]}, "expected USDT, was BNB"),
    "a fill of another venue": ({"rows": [fill(1, "buy", 99, venue="elsewhere")]}, "expected paper, was elsewhere"),
    "a clock that the quotes do not have": (
        {"rows": [fill(1, "buy", 99)], "market": MARKET.drop("exch_ts_ns")},
        "the exchange clock needs exch_ts_ns",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_need_a_guess_is_refused(name: str):
    given, message = REFUSED[name]
    market = given.get("market", MARKET)
    with pytest.raises(SchemaError, match=message):
        report(*given["rows"], market=market)


def test_a_schedule_without_liquidity_is_refused():
    rows = fills(fill(1, "buy", 99, fee=None)).drop("liquidity")
    with pytest.raises(SchemaError, match="no liquidity"):
        build_edge_report(
            rows, MARKET, policy=edge_policy(), instruments=instruments(instrument(fees=schedule())), window=minute()
        )


def test_a_venue_without_a_clock_is_refused():
    with pytest.raises(PolicyError, match="no clock for venue 'elsewhere'"):
        report(fill(1, "buy", 99), instruments=instruments(instrument(venue="elsewhere")))


def test_money_of_two_currencies_is_not_added_up():
    both = instruments(instrument(), instrument(symbol="Y", settlement="BTC"))
    with pytest.raises(SchemaError, match="BTC, USDT cannot be added up"):
        report(
            fill(1, "buy", 99),
            fill(1, "buy", 99, symbol="Y"),
            market=pl.concat([MARKET, quotes((0, 99, 101), symbol="Y")]),
            instruments=both,
        )


def test_hours_and_venues_are_groups_like_the_others():
    # 00:59:59.5 and 01:00:00.5 of a day: an hour each
    window = TimeWindow(START, START + timedelta(hours=2))
    rows = [fill(3599.5, "buy", 99), fill(3600.5, "buy", 99, 3), fill(7000, "buy", 99)]
    elsewhere = edge_policy(venues=dict.fromkeys(("paper", "other"), edge_policy().venues["paper"]))
    found = report(
        *rows,
        fill(3600.5, "sell", 101, symbol="Y", venue="other"),
        market=pl.concat([quotes((3590, 99, 101)), quotes((3590, 99, 101), symbol="Y")]),
        instruments=instruments(instrument(), instrument(symbol="Y", venue="other")),
        policy=elsewhere,
        window=window,
    )
    assert {hour: group["fills"] for hour, group in found["by_hour"].items()} == {"00": 1, "01": 2}
    assert {hour: group["fills_without_quote"] for hour, group in found["by_hour"].items()} == {"00": 0, "01": 1}
    assert {hour: group["fills_on_a_stale_quote"] for hour, group in found["by_hour"].items()} == {"00": 0, "01": 1}
    assert found["by_hour"]["01"]["turnover"] == 3 * 99 + 101, "at the prices; at the mid 400"
    assert found["by_hour"]["01"]["notional"] == 400
    assert {venue: group["fills"] for venue, group in found["by_venue"].items()} == {"paper": 2, "other": 1}
    assert found["quality_by_symbol"]["Y"]["fills_without_quote"] == 0
    assert found["quality_by_symbol"]["X"]["fills_without_quote"] == 1


def test_an_hour_whose_fills_have_no_mid_is_told_with_nulls():
    found = report(fill(0, "buy", 99))
    assert (found["by_hour"]["00"]["fills"], found["by_hour"]["00"]["fills_without_quote"]) == (0, 1)
    assert found["by_hour"]["00"]["net_edge_bps"] is None


def test_the_report_is_canonical_json_and_the_same_twice():
    rows = [fill(1 + n / 100, "buy" if n % 3 else "sell", 99 + n % 5) for n in range(500)]
    once, twice = encode(report(*rows)), encode(report(*reversed(rows)))
    assert once == encode(report(*rows))
    assert json.loads(once)["total"]["fills"] == json.loads(twice)["total"]["fills"] == 500


def test_the_text_shows_the_number_and_whether_the_identity_holds():
    text = edge_markdown(report(fill(1.5, "buy", 99)))
    assert "The identity holds" in text
    assert "| total | 1 | 100 | 99 | 100 bps |" in text
    assert "DOES NOT HOLD" in edge_markdown({**report(fill(1, "buy", 99)), "identity": {"holds": False}})
