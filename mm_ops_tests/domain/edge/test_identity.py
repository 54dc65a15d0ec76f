"""The identities, for any fills against any quotes, linear and inverse."""

import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from mm_ops.domain.edge.arrays import Floats
from mm_ops.domain.edge.fill_arrays import FillArrays
from mm_ops.domain.edge.finding import identity_finding
from mm_ops.domain.edge.identity import Cash, capture_error, check_identity
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.edge.sums import Rows
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.builders import edge_policy, fill, fills, instrument, instruments, minute, quotes

PRICES = st.floats(50, 150).map(lambda price: round(price, 2))
KINDS = st.sampled_from(["linear", "inverse"])
FILLS = st.lists(
    st.builds(
        fill,
        st.floats(0.5, 59).map(lambda at: round(at, 3)),
        st.sampled_from(["buy", "sell"]),
        PRICES,
        st.floats(0.1, 1000).map(lambda qty: round(qty, 3)),
        fee=st.floats(-1, 1),
        liquidity=st.sampled_from(["maker", "taker"]),
    ),
    min_size=1,
    max_size=30,
)
MARKETS = st.lists(st.tuples(st.floats(0, 59), PRICES, st.floats(0.01, 2)), min_size=1, max_size=30).map(
    lambda rows: quotes((0.0, 99.0, 101.0), *((at, bid, bid + width) for at, bid, width in rows))
)


def report(rows: list[dict[str, object]], market: pl.DataFrame, kind: str) -> dict[str, Any]:
    return build_edge_report(
        fills(*rows),
        market,
        policy=edge_policy(),
        instruments=instruments(instrument(kind=kind, contract_size=3.0)),
        window=minute(),
    )


@settings(max_examples=60, deadline=None)
@given(FILLS, MARKETS, KINDS)
def test_capture_is_markout_plus_adverse_selection_and_money_is_counted_twice(
    rows: list[dict[str, object]], market: pl.DataFrame, kind: str
):
    found = report(rows, market, kind)
    assert found["identity"]["holds"] is True
    total = found["total"]
    assert total["net_money"] == pytest.approx(1e-4 * total["net_edge_bps"] * total["notional"], rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(FILLS, MARKETS, KINDS)
def test_net_edge_is_markout_plus_inventory_less_fee_where_the_horizon_is_known(
    rows: list[dict[str, object]], market: pl.DataFrame, kind: str
):
    total = report([{**row, "ts_ns": row["ts_ns"]} for row in rows], market, kind)["total"]
    if total["nulls"]["1s"] == 0:
        parts = total["markout_bps_1s"] + total["inventory_bps_1s"] - total["fee_bps"]
        assert total["net_edge_bps"] == pytest.approx(parts, rel=1e-9, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(FILLS, MARKETS, KINDS)
def test_the_other_side_of_every_trade_earns_the_opposite_before_fees(
    rows: list[dict[str, object]], market: pl.DataFrame, kind: str
):
    ours = [{**row, "fee": 0.0} for row in rows]
    theirs = [{**row, "side": "sell" if row["side"] == "buy" else "buy"} for row in ours]
    mine, yours = report(ours, market, kind)["total"], report(theirs, market, kind)["total"]
    for name in ("spread_capture_bps", "markout_bps_1s", "net_edge_bps"):
        if mine[name] is not None:
            assert mine[name] == pytest.approx(-yours[name], rel=1e-9, abs=1e-9)


def mark_to_market(rows: list[dict[str, Any]], market: pl.DataFrame, kind: str) -> float:
    """Cash + position at the last mid − fees from the raw rows, in plain Python; 3 is the contract size."""
    last = max(enumerate(market.iter_rows(named=True)), key=lambda row: (row[1]["exch_ts_ns"], row[0]))[1]
    end: float = (last["bid_px"] + last["ask_px"]) / 2
    signed = [(row["qty"] if row["side"] == "buy" else -row["qty"], row["price"]) for row in rows]
    position, fees = math.fsum(qty for qty, _ in signed), math.fsum(row["fee"] for row in rows)
    if kind == "linear":
        money = 3 * (position * end - math.fsum(qty * price for qty, price in signed))
    else:
        money = 3 * (math.fsum(qty / price for qty, price in signed) - position / end)
    return float(money - fees)


@settings(max_examples=60, deadline=None)
@given(FILLS, MARKETS, KINDS)
def test_net_edge_times_turnover_is_mark_to_market_counted_from_the_raw_rows(
    rows: list[dict[str, Any]], market: pl.DataFrame, kind: str
):
    total = report(rows, market, kind)["total"]
    gross = 1e-4 * total["notional"]
    marked = mark_to_market(rows, market, kind)
    assert total["net_money"] == pytest.approx(marked, rel=1e-9, abs=1e-9 * gross)
    assert 1e-4 * total["net_edge_bps"] * total["notional"] == pytest.approx(marked, rel=1e-9, abs=1e-9 * gross)


@settings(max_examples=60, deadline=None)
@given(FILLS, MARKETS, KINDS, st.floats(-5, 5))
def test_a_fee_is_paid_above_zero_and_a_rebate_is_income(
    rows: list[dict[str, Any]], market: pl.DataFrame, kind: str, more: float
):
    usual = report(rows, market, kind)["total"]
    dearer = report([{**row, "fee": row["fee"] + more} for row in rows], market, kind)["total"]
    paid = more * len(rows)
    assert dearer["net_money"] == pytest.approx(usual["net_money"] - paid, rel=1e-9, abs=1e-9)
    assert dearer["fee_money"] == pytest.approx(usual["fee_money"] + paid, rel=1e-9, abs=1e-9)
    assert dearer["spread_capture_bps"] == usual["spread_capture_bps"]


FILL = {"at": 0.0, "sign": 1.0, "qty": 1.0, "price": 99.0, "traded": 99.0, "fee": 0.0, "role": 1.0, "order_age_ms": 1.0}
ROWS = Rows(("1s",))


def measured(**different: float) -> Floats:
    """One fill of notional 100 that captured 1, of which 0.4 are left after a second."""
    values = {"capture": 1.0, "markout_1s": 0.4, "adverse_1s": 0.6, "notional": 100.0, "seen_1s": 1.0, **different}
    return np.array([[values.get(name, 0.0)] for name in ROWS.names])


def judged(*, net: float = 3.0, mark: float = 102.0, rows: Floats | None = None, **different: float) -> Verdict:
    """The verdict on one buy of 1 at 99 that is worth 102 at the end."""
    cash = Cash()
    cash.add(FillArrays(*(np.array([value]) for value in {**FILL, **different}.values())), instrument())
    error = capture_error(measured() if rows is None else rows, ROWS)
    return identity_finding({"identity": check_identity(error, net, cash.marked(mark, instrument()), 100.0)}).verdict


def test_money_that_adds_up_passes():
    assert judged() is Verdict.PASS


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": measured(markout_1s=0.4001)},
        {"rows": measured(markout_1s=math.nan)},
        {"net": 3.0001},
        {"net": math.nan},
        {"fee": 0.001},
        {"price": 98.0},
        {"qty": 1.1},
        {"sign": -1.0},
        {"mark": 101.0},
    ],
)
def test_money_that_does_not_add_up_fails(wrong: dict[str, Any]):
    assert judged(**wrong) is Verdict.FAIL


def test_nothing_measured_is_inconclusive_and_not_a_pass():
    finding = identity_finding({"identity": check_identity(0.0, 0.0, 0.0, 0.0)})
    assert (finding.verdict, finding.reason) == (Verdict.INCONCLUSIVE, "no fill could be measured")


def test_a_horizon_that_no_fill_reaches_has_nothing_to_compare():
    assert judged(rows=measured(markout_1s=0.0, adverse_1s=0.0, seen_1s=0.0)) is Verdict.PASS
