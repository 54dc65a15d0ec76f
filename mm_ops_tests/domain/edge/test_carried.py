"""The position at the window's end, worked by hand."""

from typing import Any

import polars as pl
import pytest

from mm_ops.domain.edge.report import build_edge_report
from mm_ops_tests.builders import edge_policy, fill, fills, instrument, instruments, minute, quotes

LISTED = instruments(
    instrument(contract_size=0.5), instrument(symbol="I", kind="inverse", contract_size=100.0, settlement="USDT")
)


def carried(*rows: dict[str, Any]) -> dict[str, Any]:
    market = pl.concat([quotes((0, 99, 101), (30, 103, 105), symbol=symbol) for symbol in ("X", "I")])
    report = build_edge_report(fills(*rows), market, policy=edge_policy(), instruments=LISTED, window=minute())
    found: dict[str, Any] = report["carried_position"]
    return found


def test_what_is_bought_and_not_sold_is_carried_and_valued_at_the_last_mid():
    # (6 − 2)·0.5 at 104 is 208, of a notional of (6 + 2)·0.5·100 = 400
    found = carried(fill(1, "buy", 99, 6), fill(2, "sell", 101, 2))
    assert found["by_symbol"] == {"X": {"position": 2.0, "mid": 104.0, "value": 208.0, "share": 0.52}}
    assert found["share"] == 0.52


def test_positions_of_two_symbols_do_not_set_each_other_off():
    # inverse: 3 contracts sold of 100 are −300/104 of the base currency, of a notional of 300/100 = 3
    found = carried(fill(1, "buy", 99, 6), fill(2, "sell", 101, 2), fill(3, "sell", 100, 3, symbol="I"))
    inverse = found["by_symbol"]["I"]
    assert (inverse["position"], inverse["value"]) == (-300.0, pytest.approx(-300 / 104))
    assert inverse["share"] == pytest.approx(300 / 104 / 3)
    assert found["share"] == pytest.approx((208 + 300 / 104) / (400 + 3))


def test_without_a_measured_fill_nothing_is_known_to_be_carried():
    assert carried() == {"share": None, "by_symbol": {}}
    unmeasured = carried(fill(0, "buy", 99))  # no quote strictly before it
    assert unmeasured == {"share": None, "by_symbol": {"X": dict.fromkeys(("position", "mid", "value", "share"))}}
