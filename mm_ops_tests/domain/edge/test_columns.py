import math
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_ops.domain.edge.columns import ColumnMapping, FileMapping, Kind, conform
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import START_NS, fill, fills

THEIRS = pl.DataFrame(
    {"time": [START_NS // 1_000_000], "s": ["X"], "side": ["B"], "px": ["99.5"], "amount": [2], "role": [True]}
)
NAMES = {"ts_ns": "time", "symbol": "s", "price": "px", "qty": "amount", "liquidity": "role"}


def test_other_names_words_and_units_become_ours():
    mapping = FileMapping(
        columns=NAMES,
        values={"side": {"buy": ["B", "b"], "sell": ["S"]}, "liquidity": {"maker": [True], "taker": [False]}},
        time_unit="ms",
    )
    assert conform(THEIRS, "fills", "f", mapping).frame.to_dicts() == [
        {"ts_ns": START_NS, "symbol": "X", "side": "buy", "price": 99.5, "qty": 2.0, "liquidity": "maker"}
    ]


def test_a_column_may_have_a_unit_of_its_own():
    raw = fills(fill(0, "buy", 99)).with_columns(exch_ts_ns=pl.col("exch_ts_ns") // 1000)
    mapping = FileMapping(time_units={"exch_ts_ns": "us"})
    assert conform(raw, "fills", "f", mapping).frame["exch_ts_ns"].to_list() == [START_NS]


def test_words_of_theirs_may_be_numbers():
    raw = fills(fill(0, "buy", 99)).with_columns(side=pl.lit(-1))
    found = conform(raw, "fills", "f", FileMapping(values={"side": {"buy": [1], "sell": [-1]}}))
    assert found.frame["side"].to_list() == ["sell"]


def test_a_word_that_the_mapping_does_not_name_becomes_null_beside_what_was_given():
    mapping = FileMapping(columns=NAMES, values={"side": {"buy": ["b"]}}, time_unit="ms")
    found = conform(THEIRS.with_columns(role=pl.lit("maker")), "fills", "f", mapping)
    assert (found.frame["side"].to_list(), found.given["side"].to_list()) == ([None], ["B"])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_decimal_text_is_read_to_the_nearest_float(value: float):
    raw = fills(fill(0, "buy", 99)).with_columns(price=pl.lit(repr(value)))
    found = conform(raw, "fills", "f").frame["price"][0]
    assert found == value
    assert math.copysign(1, found) == math.copysign(1, value)


@given(st.decimals(min_value=0, max_value=10**9, places=9, allow_nan=False))
def test_long_decimal_text_is_read_as_python_reads_it(value: Decimal):
    raw = fills(fill(0, "buy", 99)).with_columns(qty=pl.lit(f"{value:f}"))
    assert conform(raw, "fills", "f").frame["qty"][0] == float(value)


TAKEN: dict[str, tuple[str, Any, Any]] = {
    "whole numbers as prices": ("price", pl.Series([99], dtype=pl.Int32), 99.0),
    "decimals": ("price", pl.Series([Decimal("99.25")]), 99.25),
    "text that is no number, as null": ("price", pl.Series(["1,5"]), None),
    "numbers as ids": ("fill_id", pl.Series([7]), "7"),
    "categories as words": ("side", pl.Series(["buy"], dtype=pl.Categorical), "buy"),
    "listed words": ("side", pl.Series(["sell"], dtype=pl.Enum(["buy", "sell"])), "sell"),
    "nothing": ("fee", pl.Series([None]), None),
}


@pytest.mark.parametrize("name", TAKEN)
def test_types_that_can_become_ours_do(name: str):
    column, values, expected = TAKEN[name]
    raw = fills(fill(0, "buy", 99)).with_columns(values.alias(column))
    assert conform(raw, "fills", "f").frame[column].to_list() == [expected]


REFUSED: dict[str, tuple[str, Any, str]] = {
    "rounded prices": ("price", pl.Series([99.5], dtype=pl.Float32), "Float64 or decimal text, was Float32"),
    "prices beyond": ("price", pl.Series([99], dtype=pl.UInt64), "Float64 or decimal text, was UInt64"),
    "true as a price": ("price", pl.Series([True]), "Float64 or decimal text, was Boolean"),
    "a number as a side": ("side", pl.Series([1]), "String, was Int64"),
    "a number as a symbol": ("symbol", pl.Series([1]), "String, was Int64"),
    "a list as an id": ("fill_id", pl.Series([[1]]), r"String, was List\(Int64\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_types_that_cannot_are_refused_with_file_and_column(name: str):
    column, values, message = REFUSED[name]
    with pytest.raises(SchemaError, match=f"^some file: {column}: expected {message}$"):
        conform(fills(fill(0, "buy", 99)).with_columns(values.alias(column)), "fills", "some file")


def test_a_missing_column_is_named_as_they_call_it():
    mapping = FileMapping(columns={"price": "px"})
    with pytest.raises(SchemaError, match=r"^f: expected the columns px \(our price\), qty, found ts_ns, "):
        conform(fills(fill(0, "buy", 99)).drop("qty"), "fills", "f", mapping)


def test_an_optional_column_that_the_mapping_names_must_be_there():
    with pytest.raises(SchemaError, match=r"^f: the mapping names the columns commission \(our fee\), found ts_ns, "):
        conform(fills(fill(0, "buy", 99)), "fills", "f", FileMapping(columns={"fee": "commission"}))


@pytest.mark.parametrize("kind", ["fills", "quotes"])
def test_no_side_is_needed_where_it_will_be_inferred(kind: Kind):
    raw = fills(fill(0, "buy", 99)).drop("side")
    book = {"bid_px": 1.0, "bid_qty": 1.0, "ask_px": 2.0, "ask_qty": 1.0}
    raw = raw if kind == "fills" else raw.with_columns(**{name: pl.lit(value) for name, value in book.items()})
    found = conform(raw, kind, "f", side_given=False).frame
    assert ("side" in found.columns) == (kind == "fills")
    assert kind == "quotes" or found["side"].to_list() == [None]


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "a column that we do not have": ({"columns": {"prise": "px"}}, "columns: expected .* was prise"),
    "a word that we do not have": ({"values": {"side": {"bid": ["B"]}}}, "side: expected buy and sell, was bid"),
    "a word of theirs for two of ours": (
        {"values": {"side": {"buy": ["B"], "sell": ["B"]}}},
        "side: expected every word once, was B, B",
    ),
    "true and the word true": (
        {"values": {"liquidity": {"maker": [True], "taker": ["true"]}}},
        "liquidity: expected every word once, was true, true",
    ),
    "a unit that is none": ({"time_unit": "minutes"}, "time_unit"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_mapping_is_refused(name: str):
    different, message = IMPOSSIBLE[name]
    with pytest.raises(ValidationError, match=message):
        FileMapping(**different)


def test_fills_and_quotes_have_a_mapping_each():
    both = ColumnMapping(quotes=FileMapping(time_unit="ms"))
    assert (both.of("fills").unit("ts_ns"), both.of("quotes").unit("ts_ns")) == ("ns", "ms")
