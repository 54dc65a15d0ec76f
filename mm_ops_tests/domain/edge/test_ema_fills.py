import json
import math
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from mm_ops.domain.edge.ema_fills import ClosedFills, OpenFills, Quoted
from mm_ops.domain.edge.join import Book
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import SECOND, START, START_NS, edge_policy, fill, fills, instrument, instruments, quotes
from mm_ops_tests.closed_fills import close_fills
from mm_ops_tests.domain.edge.ema_worked import at, closed
from mm_ops_tests.edge_inputs import book_of

MARKET = quotes((0, 99, 101), (2, 98, 100), (4, 101, 103), (9, 103, 105))
"""Mids: 100 from 0 s, 99 from 2 s, 102 from 4 s, 104 from 9 s."""


def close(*rows: dict[str, Any], market: pl.DataFrame = MARKET, **different: Any) -> ClosedFills:
    usual: dict[str, Any] = {
        "horizon": timedelta(seconds=5),
        "policy": edge_policy(),
        "instruments": instruments(),
        "window": TimeWindow(START, START + timedelta(minutes=1)),
    }
    return close_fills(fills(*rows), market, **{**usual, **different})


def test_a_fill_closes_a_horizon_later_with_the_money_of_its_markout_less_its_fee():
    """Bought 2 at 99 at 1.5 s; at 6.5 s the mid is 102: 2 x 3 less a fee of 0.5. The notional is 2 x 100."""
    found = close(fill(1.5, "buy", 99, 2, fee=0.5))
    assert found.close_ns.tolist() == at(6.5).tolist()
    assert (found.money.tolist(), found.notional.tolist()) == ([5.5], [200.0])


def test_an_inverse_contract_earns_in_its_base_currency():
    """Sold 10 contracts of 100 at 101, bought back in thought at 102: 1000 x (1/102 - 1/101); notional 1000/100."""
    inverse = instruments(instrument(kind="inverse", contract_size=100.0, settlement="X"))
    found = close(fill(1.5, "sell", 101, 10), instruments=inverse)
    assert found.money[0] == pytest.approx(1000 * (1 / 102 - 1 / 101), rel=1e-12)
    assert found.notional[0] == pytest.approx(10.0)


@pytest.mark.parametrize(("fill_at", "inside"), [(-5.001, False), (-5, True), (54.999, True), (55, False)], ids=str)
def test_a_fill_belongs_to_the_window_in_which_it_closes(fill_at: float, *, inside: bool):
    assert close(fill(fill_at, "buy", 99)).close_ns.size == inside


def test_two_windows_one_after_the_other_tell_every_fill_once():
    rows = [fill(1.5 + n, "buy", 99) for n in range(20)]
    middle = START + timedelta(seconds=13)
    first = close(*rows, window=TimeWindow(START, middle))
    second = close(*rows, window=TimeWindow(middle, START + timedelta(minutes=1)))
    whole = close(*rows)
    assert 0 < first.close_ns.size < 20
    assert np.concatenate([first.close_ns, second.close_ns]).tolist() == whole.close_ns.tolist()
    assert np.concatenate([first.money, second.money]).tolist() == whole.money.tolist()


def test_a_fill_whose_later_mid_is_too_old_has_no_markout_and_keeps_its_weight():
    """The quote of 9 s is 60 s old at 69 s; a fill at 65 s met it fresh, and its horizon at 70 s does not."""
    late = TimeWindow(START, START + timedelta(minutes=5))
    found = close(fill(64, "buy", 99), fill(65, "buy", 99), window=late)
    assert found.known.tolist() == [True, False]
    assert found.notional.tolist() == [104.0, 104.0]


def test_a_fill_before_the_first_quote_has_no_markout_and_weighs_by_its_price():
    """At 1 s later there is a mid, but none at the fill: what it earned is known, of how much is not."""
    found = close(fill(-1, "buy", 98, 3))
    assert found.known.tolist() == [False]
    assert found.notional.tolist() == [294.0]


def test_a_fill_closed_by_a_quote_of_its_own_nanosecond_takes_that_quote():
    """4 s + 5 s = 9 s, when the mid becomes 104; its own mid is that of strictly before 4 s: 99."""
    found = close(fill(4, "buy", 98))
    assert (found.money.tolist(), found.notional.tolist()) == ([6.0], [99.0])


def test_symbols_come_in_the_order_of_time():
    market = pl.concat([MARKET, quotes((0, 9, 11), symbol="A")])
    both = instruments(instrument(), instrument(symbol="A"))
    found = close(fill(3, "buy", 10, symbol="A"), fill(1.5, "buy", 99), market=market, instruments=both)
    assert found.close_ns.tolist() == at(6.5, 8).tolist()
    assert found.notional.tolist() == [100.0, 10.0]


def test_fills_of_one_moment_stay_in_the_order_in_which_they_came():
    """Two parts of ten fills a second, 300 each: by time, then the first part's before the second's."""
    parts = [closed(*((float(n // 10), float(300 * part + n), 1.0) for n in range(300))) for part in range(2)]
    expected = [float(300 * part + 10 * second + n) for second in range(30) for part in range(2) for n in range(10)]
    assert ClosedFills.join(parts).money.tolist() == expected


def test_without_fills_there_is_nothing_closed():
    assert close().close_ns.size == 0


def test_what_the_edge_report_refuses_is_refused():
    with pytest.raises(SchemaError, match=r"symbol 'Y' is not in instruments\.yaml"):
        close(fill(1, "buy", 99, symbol="Y"))


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(SchemaError, match=r"expected three columns of one length, was \[\(1,\), \(2,\)\]"):
        ClosedFills(at(1, 2), np.array([1.0]), np.array([1.0]))
    with pytest.raises(SchemaError, match="expected three columns of one length"):
        ClosedFills(at(1)[:, None], np.array([[1.0]]), np.array([[1.0]]))


def test_time_that_goes_backwards_is_refused_with_its_row():
    later, earlier = START_NS + 2 * SECOND, START_NS + SECOND
    with pytest.raises(SchemaError, match=f"row 1: close_ns: expected {later} or later, was {earlier}"):
        closed((2, 1.0, 1.0), (1, 1.0, 1.0))


@pytest.mark.parametrize("notional", [0.0, -1.0, math.nan, math.inf, 1e200])
def test_a_fill_without_a_weight_is_refused(notional: float):
    with pytest.raises(SchemaError, match="row 1: expected a notional above 0 and money, both below 1e\\+200"):
        closed((1, 1.0, 1.0), (2, 1.0, notional))


def test_money_that_no_one_has_is_refused():
    with pytest.raises(SchemaError, match="row 0: expected a notional"):
        closed((1, -1e200, 1.0))


@pytest.mark.parametrize("money", [math.nan, math.inf, -math.inf])
def test_money_that_is_no_number_is_not_known(money: float):
    assert closed((1, money, 1.0), (2, 1.0, 1.0)).known.tolist() == [False, True]


STALE_NS = 60 * SECOND


def waiting(*seconds: float, **different: Any) -> OpenFills:
    """Bought 2 at 99 each with a mid of 100 and a fee of 0.5, to close at seconds."""
    n = len(seconds)
    usual = {"moved": np.full(n, 2.0), "paid": np.full(n, 99.0), "fee": np.full(n, 0.5), "notional": np.full(n, 200.0)}
    return OpenFills(**{"close_ns": at(*seconds), **usual, "seen": np.ones(n, dtype=np.bool_), **different})


def book(*rows: tuple[float, float, float]) -> Book:
    return book_of(quotes(*rows), "exchange", timedelta(0), TimeWindow(START, START + timedelta(hours=1)))


def test_fills_that_waited_close_by_the_quotes_of_their_window_or_by_the_last_one_before():
    """At 1 s by the quote of −1 s (mid 98), at 2 s by that of the same nanosecond (102), at 70 s by none: 68 s old."""
    before = Quoted(int(at(-1)[0]), 98.0)
    found = waiting(1, 2, 70).close_in(book((2, 101, 103)), before, STALE_NS, instrument())
    assert found.money.tolist() == pytest.approx([2 * (98 - 99) - 0.5, 2 * (102 - 99) - 0.5, math.nan], nan_ok=True)
    assert found.notional.tolist() == [200.0] * 3


@pytest.mark.parametrize("before", [None, Quoted(START_NS - 59 * SECOND - 1, 98.0)], ids=["none", "stale"])
def test_without_a_fresh_quote_they_close_without_a_markout(before: Quoted | None):
    found = waiting(1).close_in(Book.empty(), before, STALE_NS, instrument())
    assert (found.known.tolist(), found.notional.tolist()) == ([False], [200.0])


def test_a_fill_that_had_no_mid_has_no_markout_later_either():
    unseen = waiting(2, seen=np.array([False]))
    assert unseen.close_in(book((2, 101, 103)), None, STALE_NS, instrument()).known.tolist() == [False]


def test_open_fills_are_saved_and_loaded_to_the_last_bit():
    fills_open = waiting(1, 2, paid=np.array([1 / 3, 99.0]), seen=np.array([True, False]))
    loaded = OpenFills.load(json.loads(json.dumps(fills_open.saved())))
    assert loaded.saved() == fills_open.saved()
    assert [array.dtype.name for array in (loaded.close_ns, loaded.seen)] == ["int64", "bool"]
    assert OpenFills.load(OpenFills.none().saved()).close_ns.size == 0


NOT_OPEN: dict[str, dict[str, Any]] = {
    "a field that is missing": {"paid": None},
    "lists of different lengths": {"paid": [1.0, 2.0]},
    "a number that is none": {"paid": ["x"]},
    "an infinite one": {"paid": [math.inf]},
}


@pytest.mark.parametrize("name", NOT_OPEN)
def test_what_are_no_open_fills_is_refused(name: str):
    saved = {**waiting(1).saved(), **NOT_OPEN[name]}
    if saved["paid"] is None:
        del saved["paid"]
    with pytest.raises(SchemaError, match="open fills: expected"):
        OpenFills.load(saved)
