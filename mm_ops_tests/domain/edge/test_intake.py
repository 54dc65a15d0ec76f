from typing import Any

import polars as pl
import pytest

from mm_ops.domain.edge.intake import Prepared, SideIs, passive_side, prepare
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops_tests.builders import fill, fills, instrument, instruments, quotes
from mm_ops_tests.edge_inputs import books, condition, inputs_policy, policies, prints

BOOK = quotes((0, 99, 101))


def printed(at: float, price: float, **different: Any) -> dict[str, Any]:
    """A print of which it is not told who took."""
    return {**fill(at, "buy", price), "side": None, **different}


def prepared(*rows: dict[str, Any], side_is: SideIs = "ours", infer: bool = False, **policy: Any) -> Prepared:
    frame = pl.DataFrame(rows, schema_overrides={**fills().schema, "sale_cond": pl.String})
    return prepare(frame, BOOK, policies(inputs_policy(**policy)), side_is=side_is, infer=infer)


def test_our_own_fills_are_taken_as_they_are():
    found = prepared(fill(1, "buy", 99, liquidity="taker"))
    assert found.fills.select("side", "liquidity").row(0) == ("buy", "taker")
    assert found.counts["aggressor"] is None


def test_public_trades_become_the_fills_of_their_passive_side():
    assert passive_side(fills(fill(1, "buy", 101), fill(2, "sell", 99)))["side"].to_list() == ["sell", "buy"]
    found = prepared(fill(1, "buy", 101, liquidity="taker"), side_is="aggressor")
    assert found.fills.select("side", "liquidity").row(0) == ("sell", "maker")


def test_inferred_sides_are_the_aggressors_and_turned_round():
    found = prepared(printed(1, 101), infer=True)
    assert found.fills.select("side", "liquidity").row(0) == ("sell", "maker")
    assert found.counts["aggressor"]["quote"] == 1


def test_a_print_of_which_nobody_knows_who_took_is_left_out_and_counted():
    found = prepared(printed(1, 100), printed(2, 101), infer=True)
    assert found.fills["price"].to_list() == [101]
    assert (found.counts["aggressor"]["unknown"], found.counts["aggressor"]["unknown_share"]) == (1, 0.5)
    assert "aggressor_rule" not in found.fills.columns


def test_a_print_that_is_left_out_sets_no_tick():
    late = printed(1, 101, sale_cond="4000")
    at_the_mid = printed(2, 100)
    without_late = prints(condition("late", "4800"))
    assert prepared(late, at_the_mid, infer=True, prints=without_late).counts["aggressor"]["unknown"] == 1
    assert prepared(late, at_the_mid, infer=True).counts["aggressor"]["tick"] == 1


def test_a_quote_that_is_left_out_infers_no_side():
    crossed = quotes((0, 99, 101), (1, 105, 103))  # its mid is 104
    given = fills(printed(2, 102))
    for treat, rule in (("keep", "sell"), ("exclude", "buy")):
        found = prepare(given, crossed, policies(inputs_policy(books=books(crossed=treat))), side_is="ours", infer=True)
        assert passive_side(found.fills)["side"].to_list() == [rule]
        assert found.counts["books"]["crossed"]["count"] == 1


def test_an_unlisted_symbol_or_venue_is_refused():
    with pytest.raises(SchemaError, match=r"symbol 'Z' is not in instruments\.yaml"):
        prepared(fill(1, "buy", 99, symbol="Z"))
    elsewhere = policies(listed=instruments(instrument(venue="nowhere")))
    with pytest.raises(PolicyError, match="no clock for venue 'nowhere'"):
        prepare(fills(fill(1, "buy", 99)), BOOK, elsewhere, side_is="ours")
