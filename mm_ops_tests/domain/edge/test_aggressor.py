"""Lee and Ready's rule, worked by hand around a bid of 99 and an ask of 101: the mid is 100."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from mm_ops.domain.edge.aggressor import RULE, count_rules, infer_aggressor
from mm_ops.domain.edge.venue_clock import VenueClock
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import START_NS, fill, fills, quotes

NO_LAG = timedelta(0)
BOOK = quotes((0, 99, 101))


def infer(
    *prints: dict[str, Any], market: pl.DataFrame = BOOK, lag: timedelta = NO_LAG, own: timedelta = NO_LAG
) -> Any:
    symbols = {row["symbol"] for row in prints}
    return infer_aggressor(
        fills(*prints),
        market,
        clocks={symbol: VenueClock("exchange", own) for symbol in symbols},
        quote_lag=lag,
        stale_after=timedelta(seconds=10),
    )


def sides(*prints: dict[str, Any], **how: Any) -> list[tuple[str | None, str]]:
    found = infer(*prints, **how)
    return list(zip(found["side"].to_list(), found[RULE].to_list(), strict=True))


def at(seconds: float, price: float, side: str | None = None, **different: Any) -> dict[str, Any]:
    return {**fill(seconds, "buy", price), "side": side, **different}


CASES: dict[str, tuple[list[dict[str, Any]], list[tuple[str | None, str]]]] = {
    "above the mid the buyer took": ([at(1, 100.5)], [("buy", "quote")]),
    "below the mid the seller took": ([at(1, 99.5)], [("sell", "quote")]),
    "outside the touch as well": ([at(1, 102), at(2, 90)], [("buy", "quote"), ("sell", "quote")]),
    "at the mid after a lower price the buyer took": (
        [at(1, 99), at(2, 100)],
        [("sell", "quote"), ("buy", "tick")],
    ),
    "at the mid after a higher price the seller took": (
        [at(1, 101), at(2, 100)],
        [("buy", "quote"), ("sell", "tick")],
    ),
    "the same price again looks further back": (
        [at(1, 101), at(2, 100), at(3, 100)],
        [("buy", "quote"), ("sell", "tick"), ("sell", "tick")],
    ),
    "at the mid and first of all nobody knows": ([at(1, 100)], [(None, "unknown")]),
    "at the mid and all at one price nobody knows": ([at(1, 100), at(2, 100)], [(None, "unknown")] * 2),
    "a quote of the same moment does not count": ([at(0, 100.5)], [(None, "unknown")]),
    "a stale quote says nothing": ([at(10, 99), at(10.5, 101)], [("sell", "quote"), (None, "unknown")]),
    "what is given stays, and sets the tick": (
        [at(1, 101, side="sell"), at(2, 100)],
        [("sell", "given"), ("sell", "tick")],
    ),
    "prints are ordered by the clock": (
        [at(2, 100), at(1, 99)],
        [("sell", "quote"), ("buy", "tick")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_rule_of_lee_and_ready(name: str):
    prints, expected = CASES[name]
    assert sides(*prints) == expected


def test_a_mid_that_is_rounded_is_still_the_mid():
    market = quotes((0, 18.01, 18.03))
    assert (18.01 + 18.03) / 2 != 18.02, "which is why it is not compared for being the same"
    assert sides(at(1, 18.03), at(2, 18.02), market=market)[1] == ("sell", "tick")


def test_the_smallest_tick_off_the_mid_is_not_the_mid():
    assert sides(at(1, 61_837.64), market=quotes((0, 61_837.62, 61_837.65)))[0] == ("buy", "quote")


def test_a_lagged_quote_is_known_later():
    market = quotes((0, 99, 101), (1, 89, 91))
    assert sides(at(2, 95), market=market) == [("buy", "quote")]
    assert sides(at(2, 95), market=market, lag=timedelta(seconds=1)) == [("sell", "quote")], "known at 2 s, not before"
    assert sides(at(2, 95), market=market, own=timedelta(seconds=1)) == [("sell", "quote")], "the venue's own lag"


def test_of_several_quotes_at_one_moment_the_last_prevails():
    assert sides(at(1, 95), market=quotes((0, 99, 101), (0, 89, 91))) == [("buy", "quote")]


def test_each_symbol_has_its_own_book_and_its_own_ticks():
    market = pl.concat([BOOK, quotes((0, 9, 11), symbol="Y")])
    found = sides(at(1, 101), at(2, 10, symbol="Y"), at(3, 100), at(4, 10.5, symbol="Y"), market=market)
    assert found == [("buy", "quote"), ("sell", "tick"), (None, "unknown"), ("buy", "quote")]


def test_the_shares_of_the_rules_are_told():
    counts = count_rules(infer(at(1, 99), at(2, 100), at(3, 100, side="buy"), at(20, 100)))
    assert [counts[rule] for rule in ("given", "quote", "tick", "unknown")] == [1, 1, 1, 1]
    assert counts["unknown_share"] == 0.25


def test_of_no_prints_no_share_is_told():
    none = infer_aggressor(fills(), BOOK, clocks={}, quote_lag=NO_LAG, stale_after=NO_LAG)
    assert (count_rules(none)["unknown"], count_rules(none)["unknown_share"]) == (0, None)


def test_a_print_without_the_clock_is_refused():
    with pytest.raises(SchemaError, match="the exchange clock needs exch_ts_ns in every row"):
        infer(at(1, 99, exch_ts_ns=None))


def slow(prints: pl.DataFrame, market: pl.DataFrame) -> list[str | None]:
    """The rule as one would explain it, print by print."""
    found: list[str | None] = []
    ordered = prints.sort("exch_ts_ns", maintain_order=True).to_dicts()
    for n, row in enumerate(ordered):
        before = market.filter(pl.col("exch_ts_ns") < row["exch_ts_ns"]).sort("exch_ts_ns", maintain_order=True)
        others = [each["price"] for each in ordered[:n] if each["price"] != row["price"]]
        mid = None if before.is_empty() else (before["bid_px"][-1] + before["ask_px"][-1]) / 2
        if mid is None or (abs(row["price"] - mid) < 1e-7 and not others):
            found.append(None)
        elif abs(row["price"] - mid) < 1e-7:
            found.append("buy" if row["price"] > others[-1] else "sell")
        else:
            found.append("buy" if row["price"] > mid else "sell")
    return found


@pytest.mark.parametrize("seed", range(10))
def test_the_rule_equals_a_slow_and_obvious_one(seed: int):
    rng = np.random.default_rng(seed)
    when = START_NS + rng.integers(0, 2000, 300) * 1_000_000
    market = quotes(*((moment / 1000, bid, bid + 2) for moment, bid in zip(
        np.sort(rng.integers(5, 2000, 100)).tolist(), rng.integers(98, 102, 100).tolist(), strict=True
    )))  # fmt: skip
    prints = fills(*(at(0, price) for price in rng.integers(97, 105, 300).tolist()))
    prints = prints.with_columns(exch_ts_ns=pl.Series(when))
    clocks = {"X": VenueClock("exchange", NO_LAG)}
    found = infer_aggressor(prints, market, clocks=clocks, quote_lag=NO_LAG, stale_after=timedelta(seconds=10))
    assert found["side"].to_list() == slow(prints, market)
