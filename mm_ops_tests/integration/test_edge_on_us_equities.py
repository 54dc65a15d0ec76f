"""BAC and IBM, four days of October 2013: every consolidated print as a fill of its passive side, inferred.

Nobody says who took, a third of the prints were made off exchange, and trades and quotes of one millisecond have no
order. What the product counts is compared with the data's own description, and what it infers with pandas.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.market_inputs import Request
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.edge.clocks import clock_alternatives
from mm_ops.domain.edge.inputs import InputsPolicy
from mm_ops.domain.edge.inputs_finding import inputs_finding
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.verdict import Verdict
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.edge_inputs import Inputs, read_inputs
from mm_ops_tests.requirements import PROJECT, require_data

pytestmark = pytest.mark.integration

_FILES = Environment.read({}).policies
POLICIES = EdgePolicies(
    inputs=read_policy(_FILES / "inputs.yaml", InputsPolicy),
    edge=read_policy(_FILES / "edge.yaml", EdgePolicy),
    instruments=read_policy(PROJECT / "mm_ops_tests/cases/us_equity/instruments.yaml", Instruments),
    clock="receive",
)
_MS = 1_000_000


@dataclass(frozen=True)
class Day:
    """What the data's description says of a day, and what pandas finds of it (below)."""

    prints: int
    off_exchange: int
    excluded: int
    locked: int
    crossed: int
    doubled_quotes: int
    by_tick: int


DAYS = {
    ("BAC", 7): Day(88_172, 37_205, 1_871, 4_723, 0, 7_935, 3_112),
    ("BAC", 8): Day(125_872, 50_793, 1_112, 9_726, 0, 12_687, 6_010),
    ("BAC", 9): Day(122_832, 41_086, 1_278, 11_614, 0, 12_375, 6_763),
    ("BAC", 10): Day(124_567, 46_969, 2_532, 7_359, 56, 10_204, 5_219),
    ("IBM", 7): Day(24_293, 7_458, 251, 325, 43, 367, 2_470),
    ("IBM", 8): Day(33_381, 10_777, 113, 504, 40, 1_801, 3_389),
    ("IBM", 9): Day(27_042, 7_805, 190, 314, 57, 915, 1_848),
    ("IBM", 10): Day(22_415, 6_507, 186, 114, 22, 1_631, 1_950),
}
each_day = pytest.mark.parametrize(("symbol", "day"), DAYS, ids=str)


def request(symbol: str, day: int) -> Request:
    name = f"us_equity/{symbol}_2013-10-{day:02d}"
    trades, quotes = require_data(f"{name}_trades.parquet"), require_data(f"{name}_quotes.parquet")
    return Request(fills=trades, quotes=quotes, infer_aggressor=True)


@cache
def inputs(symbol: str, day: int) -> Inputs:
    return read_inputs(request(symbol, day), POLICIES)


def regular_hours(day: int) -> TimeWindow:
    """09:30 to 16:00 in New York, four hours behind UTC."""
    return TimeWindow(datetime(2013, 10, day, 13, 30, tzinfo=UTC), datetime(2013, 10, day, 20, tzinfo=UTC))


@cache
def report(symbol: str, day: int) -> dict[str, Any]:
    found = inputs(symbol, day)
    built = build_edge_report(
        found.fills,
        found.quotes,
        policy=POLICIES.edge,
        instruments=POLICIES.instruments,
        window=regular_hours(day),
        clock="receive",
    )
    return {**built, "inputs": found.section}


@each_day
def test_every_print_and_quote_is_counted_as_the_data_describes_itself(symbol: str, day: int):
    expected, section = DAYS[symbol, day], inputs(symbol, day).section
    assert section["fills"]["rows"] == section["fills"]["taken"] == expected.prints
    assert (section["fills"]["duplicates"], section["fills"]["rejected_share"]) == (0, 0.0)
    assert section["prints"]["off_exchange"]["count"] == expected.off_exchange
    assert section["prints"]["excluded"] == expected.excluded
    assert section["books"]["locked"]["count"] == expected.locked
    assert section["books"]["crossed"]["count"] == expected.crossed
    assert section["quotes"]["duplicates"] == expected.doubled_quotes
    assert inputs(symbol, day).rejects == b""
    assert inputs_finding({"intake": section}).verdict is Verdict.PASS


@pytest.mark.parametrize(("symbol", "share"), [("BAC", 0.38), ("IBM", 0.30)])
def test_a_third_of_the_prints_is_off_exchange(symbol: str, share: float):
    days = [inputs(symbol, day).section for name, day in DAYS if name == symbol]
    off = sum(section["prints"]["off_exchange"]["count"] for section in days)
    assert off / sum(section["fills"]["rows"] for section in days) == pytest.approx(share, abs=0.005)


@each_day
def test_prints_of_regular_hours_lie_inside_or_at_the_quote_before_them(symbol: str, day: int):
    found = report(symbol, day)
    inside = 1 - found["quality"]["outside_touch_share"]
    assert found["quality"]["fills_without_quote"] == 0
    assert found["identity"]["holds"] is True
    if symbol == "BAC":
        assert inside >= 0.995
    else:
        assert 0.95 <= inside <= 0.97


@each_day
def test_a_passive_side_earned_its_spread_and_kept_less_after_a_minute(symbol: str, day: int):
    total = report(symbol, day)["total"]
    half_a_cent = 0.5 / 14 * 100  # bps: BAC trades at 14 dollars with a spread of one cent
    assert 0.5 < total["spread_capture_bps"] <= half_a_cent
    assert total["markout_bps_60s"] < total["spread_capture_bps"]
    assert total["maker_share"] == 1.0


@each_day
def test_sides_are_inferred_as_pandas_infers_them(symbol: str, day: int):
    section = inputs(symbol, day).section["aggressor"]
    wanted = request(symbol, day)
    slow = by_pandas(pl.read_parquet(wanted.fills), pl.read_parquet(wanted.quotes))
    assert section["tick"] == slow["tick"] == DAYS[symbol, day].by_tick
    assert section["quote"] == slow["quote"]
    assert (section["given"], section["unknown"]) == (0, slow["unknown"])
    assert inputs(symbol, day).fills["side"].value_counts().sort("side")["count"].to_list() == slow["sides"]


def by_pandas(trades: pl.DataFrame, quotes: pl.DataFrame) -> dict[str, Any]:
    """The rule of Lee and Ready in whole hundredths of a cent, with a loop for the ticks; in nanoseconds of data."""
    left_out = 0x52001C0 | 0x4800 | 0x2400 | 0x2140200 | 0xE
    bits = np.array([int(text, 16) for text in trades["sale_cond"]])
    prints = pd.DataFrame(trades.select("ts_ns", "price").to_dict(as_series=False))[(bits & left_out) == 0]
    book = pd.DataFrame(quotes.select("ts_ns", "bid_px", "ask_px").to_dict(as_series=False))
    book["sum"] = (book.bid_px * 1e4).round() + (book.ask_px * 1e4).round()
    book = book.rename(columns={"ts_ns": "quoted"}).drop_duplicates("quoted", keep="last")
    met = pd.merge_asof(prints, book, left_on="ts_ns", right_on="quoted", allow_exact_matches=False)
    fresh = met.ts_ns - met.quoted <= 60_000 * _MS
    away = pd.Series(np.sign(2 * (met.price * 1e4).round() - met["sum"]), index=met.index).where(fresh)
    ticks, last, other = [], np.nan, np.nan
    for price in met.price:
        if price != last:
            last, other = price, last
        ticks.append(np.sign(last - other))
    by_tick = (away == 0) & ~np.isnan(ticks)
    sign = away.where(away != 0).fillna(pd.Series(ticks, index=met.index).where(by_tick))
    passive = [int((sign < 0).sum()), int((sign > 0).sum())]  # bought by whom the seller met, and sold
    return {
        "quote": int((away.abs() > 0).sum()),
        "tick": int(by_tick.sum()),
        "unknown": int(sign.isna().sum()),
        "sides": passive,
    }


def test_on_a_clock_of_milliseconds_the_quote_of_the_same_one_would_put_more_on_the_wrong_side():
    found = inputs("BAC", 8)
    choices = {
        item["choice"]: item["wrong_side_share"]
        for item in clock_alternatives(found.fills, found.quotes, POLICIES, regular_hours(8))
    }
    assert choices["other clock"] is None, "there is one clock only"
    assert choices["policy"] < 0.001
    assert choices["at or before"] == pytest.approx(0.0157, abs=0.0005)
    lags = [choices[f"quote lag {ms} ms"] for ms in (0, 1, 2, 10, 50)]
    assert lags == sorted(lags), "sides are inferred from the quote just before: any lag departs from it"
