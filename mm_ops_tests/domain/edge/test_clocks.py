"""What other clocks would give, worked by hand: bids and asks 99/101, then 89/91, and fills around the change."""

from typing import Any

import polars as pl
import pytest

from mm_ops.domain.edge.clocks import clock_alternatives
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import fill, fills, instrument, instruments, minute, quotes
from mm_ops_tests.edge_inputs import policies

MARKET = quotes((0, 99, 101), (10, 89, 91))
OURS = fills(fill(5, "buy", 99), fill(10, "buy", 99))
"""The second fill comes with the new quote: it made it, so 100 is its mid, and not 90."""


def alternatives(
    ours: pl.DataFrame = OURS, market: pl.DataFrame = MARKET, how: EdgePolicies | None = None
) -> dict[str, dict[str, Any]]:
    found = clock_alternatives(ours, market, how or policies(), minute())
    return {item["choice"]: item for item in found}


def test_the_choices_are_the_policy_the_other_clock_at_or_before_and_five_lags():
    lags = [f"quote lag {ms} ms" for ms in (0, 1, 2, 10, 50)]
    assert list(alternatives()) == ["policy", "other clock", "at or before", *lags]


def test_the_policy_is_the_report_itself():
    how = policies()
    report = build_edge_report(OURS, MARKET, policy=how.edge, instruments=how.instruments, window=minute())
    found = alternatives()["policy"]
    assert found["net_edge_bps"] == report["total"]["net_edge_bps"]
    assert found["wrong_side_share"] == report["quality"]["wrong_side_share"] == 0.0
    assert found == {**alternatives()["quote lag 0 ms"], "choice": "policy"}, "where the policy has no lag"


def test_a_quote_of_the_very_moment_puts_the_fill_it_came_with_on_the_wrong_side():
    found = alternatives()["at or before"]
    # bought at 99 with the mid at 90: one of two fills, and above the ask of 91
    assert (found["wrong_side_share"], found["outside_touch_share"], found["fills"]) == (0.5, 0.5, 2)
    # (90 − 99) + (90 − 99) money of 100 + 90 notional, and of 100 + 100 where the quote comes strictly before
    assert found["net_edge_bps"] == pytest.approx(-18 / 190 * 1e4)
    assert alternatives()["policy"]["net_edge_bps"] == pytest.approx(-18 / 200 * 1e4)


def test_a_quote_at_the_end_of_the_window_is_not_used_however_early_it_is_taken():
    late = quotes((0, 99, 101), (60, 9, 11))
    assert alternatives(market=late)["at or before"]["net_edge_bps"] == pytest.approx(100, abs=1e-9)


def test_a_lag_makes_the_older_quote_prevail():
    market = quotes((0, 99, 101), (9.995, 89, 91))
    shares = {name: item["wrong_side_share"] for name, item in alternatives(market=market).items()}
    assert (shares["policy"], shares["quote lag 2 ms"], shares["quote lag 10 ms"]) == (0.5, 0.5, 0.0)


def test_the_other_clock_is_joined_where_both_have_it():
    received_late = MARKET.with_columns(ts_ns=pl.col("ts_ns") - 1)
    assert alternatives(market=received_late)["other clock"]["wrong_side_share"] == 0.5


@pytest.mark.parametrize("lacking", ["fills", "quotes", "one quote"])
def test_a_clock_that_the_data_lacks_is_not_there_and_nothing_is_made_up(lacking: str):
    ours = OURS.drop("exch_ts_ns") if lacking == "fills" else OURS
    market = MARKET.drop("exch_ts_ns") if lacking == "quotes" else MARKET
    if lacking == "one quote":
        first = pl.Series([None, MARKET["exch_ts_ns"][1]], dtype=pl.Int64)
        market = MARKET.with_columns(exch_ts_ns=first)
    found = alternatives(ours, market, policies(clock="receive"))
    assert found["policy"]["available"] is True
    assert found["other clock"] == {
        "choice": "other clock",
        "available": False,
        "fills": None,
        "wrong_side_share": None,
        "outside_touch_share": None,
        "net_edge_bps": None,
    }


def test_a_symbol_without_fills_need_not_have_the_clock():
    other = quotes((0, 9, 11), symbol="Y").with_columns(exch_ts_ns=pl.lit(None, dtype=pl.Int64))
    assert alternatives(market=pl.concat([MARKET, other]))["policy"]["available"] is True


def test_two_symbols_of_a_venue_change_clock_together():
    both = pl.concat([OURS, OURS.with_columns(symbol=pl.lit("Y"))])
    market = pl.concat([MARKET, MARKET.with_columns(symbol=pl.lit("Y"))])
    how = policies(listed=instruments(instrument(), instrument(symbol="Y")))
    found = alternatives(both, market, how)
    assert (found["at or before"]["fills"], found["at or before"]["wrong_side_share"]) == (4, 0.5)


def test_an_unknown_symbol_is_refused_as_in_the_report():
    with pytest.raises(SchemaError, match=r"symbol 'Z' is not in instruments\.yaml"):
        alternatives(fills(fill(1, "buy", 99, symbol="Z")))
