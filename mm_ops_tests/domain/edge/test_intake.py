from typing import Any

import polars as pl
import pytest

from mm_ops.domain.edge.intake import Prepared, SideIs, add_up, passive_side, prepare
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops_tests.builders import fill, fills, instrument, instruments, quotes
from mm_ops_tests.edge_inputs import condition, inputs_policy, policies, prints

BOOK = quotes((0, 99, 101))


def printed(at: float, price: float, **different: Any) -> dict[str, Any]:
    """A print of which it is not told who took."""
    return {**fill(at, "buy", price), "side": None, **different}


def prepared(*rows: dict[str, Any], side_is: SideIs = "ours", infer: bool = False, **policy: Any) -> Prepared:
    frame = pl.DataFrame(rows, schema_overrides={**fills().schema, "sale_cond": pl.String})
    return prepare(frame, policies(inputs_policy(**policy)), side_is=side_is, infer_from=BOOK if infer else None)


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


def test_an_unlisted_symbol_or_venue_is_refused():
    with pytest.raises(SchemaError, match=r"symbol 'Z' is not in instruments\.yaml"):
        prepared(fill(1, "buy", 99, symbol="Z"))
    elsewhere = policies(listed=instruments(instrument(venue="nowhere")))
    with pytest.raises(PolicyError, match="no clock for venue 'nowhere'"):
        prepare(fills(fill(1, "buy", 99)), elsewhere, side_is="ours")


def test_counts_of_two_parts_add_up_to_those_of_the_whole():
    late = prints(condition("late", "4800"))
    rows = [
        printed(1, 100, sale_cond="4000"),
        printed(2, 101, sale_cond="1"),
        printed(2, 102, sale_cond="1"),
        printed(3, 100, sale_cond="1"),
        printed(4, 99, sale_cond="800"),
    ]
    whole = prepared(*rows, prints=late).counts
    for cut in (1, 3, 4):  # between no two of one millisecond
        parts = [prepared(*some, prints=late).counts for some in (rows[:cut], rows[cut:])]
        for name in ("prints", "moments"):
            assert add_up(parts[0][name], parts[1][name]) == whole[name]
    assert whole["prints"]["late"] == {"count": 2, "share": 0.4, "treat": "exclude"}


def test_what_no_part_says_stays_null_and_what_one_says_is_told():
    unsaid = prepared(fill(1, "buy", 99)).counts["prints"]
    said = prepared(fill(1, "buy", 99, exch="D")).counts["prints"]
    assert add_up(unsaid, unsaid)["off_exchange"] == {"count": None, "share": None, "treat": "keep"}  # type: ignore[index]
    assert add_up(unsaid, said)["off_exchange"] == {"count": 1, "share": 0.5, "treat": "keep"}  # type: ignore[index]
    assert (add_up(None, None), add_up(None, said), add_up(said, None)) == (None, said, said)


def test_of_no_rows_there_is_no_share():
    nothing = prepare(fills(), policies(), side_is="ours").counts["moments"]
    assert add_up(nothing, nothing)["sweeps"] == {"count": 0, "share": None, "treat": "keep"}  # type: ignore[index]


def test_the_shares_of_rules_are_of_the_prints_of_both_parts():
    one, other = (prepared(printed(1, price), infer=True).counts["aggressor"] for price in (101, 100))
    both = add_up(one, other)
    assert both is not None
    assert (both["rows"], both["quote_share"], both["unknown_share"], both["given_share"]) == (2, 0.5, 0.5, 0.0)


def test_only_symbols_whose_quotes_can_be_ordered_are_measurable():
    elsewhere = instruments(instrument(), instrument(symbol="Y", venue="nowhere"))
    assert policies(listed=elsewhere).measurable == {"X"}
    assert policies(listed=elsewhere, clock="receive").measurable == {"X", "Y"}
