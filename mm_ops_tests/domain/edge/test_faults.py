from typing import Any

import polars as pl
import pytest

from mm_ops.domain.edge.columns import conform
from mm_ops.domain.edge.faults import Fault, behind, find_faults, latest, only_symbol, unknown_symbols, untimed
from mm_ops_tests.builders import fill, fills, quotes

MS = 1_000_000


def found(raw: pl.DataFrame, *, side_given: bool = True) -> list[Fault]:
    return find_faults(conform(raw, "fills", "f"), side_given=side_given)


def two(**different: Any) -> pl.DataFrame:
    """A good fill, and one that differs."""
    return fills(fill(0, "buy", 99), {**fill(1, "buy", 99), **different})


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no time": ({"ts_ns": None}, "ts_ns", "no_time"),
    "no symbol": ({"symbol": None}, "symbol", "no_symbol"),
    "an empty symbol": ({"symbol": ""}, "symbol", "no_symbol"),
    "no side": ({"side": None}, "side", "bad_side"),
    "a side of another word": ({"side": "BUY"}, "side", "bad_side"),
    "a zero price": ({"price": 0.0}, "price", "bad_price"),
    "a negative price": ({"price": -1.0}, "price", "bad_price"),
    "an infinite price": ({"price": float("inf")}, "price", "bad_price"),
    "a price that is not a number": ({"price": float("nan")}, "price", "bad_price"),
    "no quantity": ({"qty": None}, "qty", "bad_quantity"),
    "a zero quantity": ({"qty": 0.0}, "qty", "bad_quantity"),
    "liquidity of another word": ({"liquidity": "both"}, "liquidity", "bad_liquidity"),
    "an infinite fee": ({"fee": float("inf")}, "fee", "bad_fee"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_fault_has_its_reason_its_column_and_its_row(name: str):
    different, column, reason = WRONG[name]
    (fault,) = found(two(**different))
    assert (fault.column, fault.reason, fault.first, fault.count) == (column, reason, 1, 1)


@pytest.mark.parametrize("different", [{"exch_ts_ns": None}, {"liquidity": None}, {"fee": None}, {"fee": -0.5}])
def test_what_is_optional_may_be_absent_and_a_rebate_is_no_fault(different: dict[str, Any]):
    assert found(two(**different)) == []


def test_optional_text_that_is_no_number_is_a_fault_and_not_absent():
    raw = fills(fill(0, "buy", 99)).with_columns(fee=pl.lit("free"))
    assert [fault.reason for fault in found(raw)] == ["bad_fee"]


def test_a_side_that_will_be_inferred_may_be_absent_and_not_wrong():
    assert found(two(side=None), side_given=False) == []
    assert [fault.reason for fault in found(two(side="short"), side_given=False)] == ["bad_side"]


def test_a_row_of_two_faults_has_both():
    assert [fault.reason for fault in found(two(price=0.0, qty=0.0))] == ["bad_price", "bad_quantity"]


def test_an_unknown_symbol_is_one_that_is_not_listed():
    fault = unknown_symbols(fills(fill(0, "buy", 9), fill(0, "buy", 9, symbol="Y")), frozenset({"X"}))
    assert (fault.reason, fault.rows.to_list()) == ("unknown_symbol", [False, True])
    alike = fills(fill(0, "buy", 9), fill(0, "buy", 9))
    assert [unknown_symbols(alike, frozenset({name})).count for name in "XY"] == [0, 2]


def lateness(frame: pl.DataFrame, before: pl.DataFrame | None = None) -> dict[str, list[int]]:
    found = dict(behind(frame, before))
    return {clock: [0] * frame.height if rows is None else rows.to_list() for clock, rows in found.items()}


BEHIND: dict[str, tuple[list[tuple[float, str]], list[int]]] = {
    "in order": ([(0, "X"), (1, "X"), (1, "X")], [0, 0, 0]),
    "the latest so far counts, not the one before": ([(0, "X"), (3, "X"), (1, "X"), (2, "X")], [0, 0, 2000, 1000]),
    "each symbol has its own order": ([(5, "X"), (1, "Y"), (6, "X"), (2, "Y")], [0, 0, 0, 0]),
    "also where symbols are mixed": ([(5, "X"), (1, "Y"), (4, "X"), (0.5, "Y")], [0, 0, 1000, 500]),
    "nothing": ([], []),
}


@pytest.mark.parametrize("name", BEHIND)
def test_rows_are_behind_the_latest_of_their_symbol_by_milliseconds(name: str):
    given, expected = BEHIND[name]
    frame = fills(*(fill(at, "buy", 99, symbol=symbol) for at, symbol in given))
    assert lateness(frame) == {clock: [ms * MS for ms in expected] for clock in ("ts_ns", "exch_ts_ns")}


def test_each_clock_has_its_own_order_and_a_row_without_its_time_is_not_behind():
    frame = fills(fill(0, "buy", 9), fill(1, "buy", 9, exch_ts_ns=None), fill(2, "buy", 9), fill(1.5, "buy", 9))
    frame = frame.with_columns(ts_ns=pl.Series([1, 2, 3, 4]))
    assert lateness(frame) == {"ts_ns": [0, 0, 0, 0], "exch_ts_ns": [0, 0, 0, 500 * MS]}


def test_a_frame_of_one_clock_is_judged_by_that():
    assert [clock for clock, _ in behind(fills(fill(0, "buy", 9)).drop("exch_ts_ns"))] == ["ts_ns"]


def test_rows_are_behind_what_came_in_an_earlier_part_too():
    rows = [fill(at, "buy", 99, symbol=symbol) for symbol in ("X", "Y") for at in (3, 5, 4, 6, 2)]
    whole = list(lateness(fills(*rows)).values())
    for cut in range(1, len(rows)):
        first, second = fills(*rows[:cut]), fills(*rows[cut:])
        assert list(lateness(second, latest(first)).values()) == [late[cut:] for late in whole]
    both = latest(fills(*rows[4:]), latest(fills(*rows[:4])))
    assert both.sort("symbol").rows() == latest(fills(*rows)).sort("symbol").rows()


@pytest.mark.parametrize(("price", "faults"), [(1e15, 0), (1.001e15, 1), (1.5e308, 1), (1e-12, 0), (0.99e-12, 1)])
def test_amounts_are_of_a_size_that_can_be_multiplied(price: float, faults: int):
    assert len(found(two(price=price).with_columns(price=pl.lit(price)))) == faults


@pytest.mark.parametrize(("symbols", "only"), [("XX", "X"), ("XY", None), (["X", None], None), ([None, None], None)])
def test_one_symbol_is_seen_where_all_rows_are_of_it(symbols: str | list[str | None], only: str | None):
    assert only_symbol(pl.DataFrame({"symbol": list(symbols)}, schema={"symbol": pl.String})) == only
    assert only_symbol(pl.DataFrame(schema={"symbol": pl.String})) is None


def test_a_quote_of_one_side_is_told_apart_from_one_without_a_price():
    book = quotes((0, 99, 101), (1, 99, 101), (2, 99, 101), (3, 99, 101)).with_columns(
        bid_px=pl.Series([99.0, None, 99.0, None]), ask_px=pl.Series([101.0, 101.0, None, None])
    )
    faults = find_faults(conform(book, "quotes", "q"))
    told = [(fault.reason, fault.column, fault.rows.arg_true().to_list()) for fault in faults]
    assert told == [
        ("one_sided", "bid_px", [1]),
        ("one_sided", "ask_px", [2]),
        ("bad_price", "bid_px", [1, 3]),
        ("bad_price", "ask_px", [2, 3]),
    ]
    only_asks = book.with_columns(ask_px=pl.lit(101.0))
    assert [fault.column for fault in find_faults(conform(only_asks, "quotes", "q"))] == ["bid_px", "bid_px"]


def test_a_row_without_the_exchanges_time_is_a_fault_where_that_orders_it():
    frame = fills(fill(0, "buy", 99), fill(1, "buy", 99), fill(2, "buy", 99, symbol="Y"))
    frame = frame.with_columns(exch_ts_ns=pl.Series([None, 1, None], dtype=pl.Int64))
    (fault,) = untimed(frame, frozenset({"X"}))
    assert (fault.reason, fault.column, fault.rows.to_list()) == ("no_time", "exch_ts_ns", [True, False, False])
    assert list(untimed(frame, frozenset())) == list(untimed(frame.drop("exch_ts_ns"), frozenset({"X"}))) == []
    assert list(untimed(fills(fill(0, "buy", 99)), frozenset({"X"}))) == []
