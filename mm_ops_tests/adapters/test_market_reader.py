"""Rows of files that are longer than what is read at once, and fills that come again on another day."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mm_ops.adapters.market_files import BATCH
from mm_ops.adapters.market_inputs import Request
from mm_ops.domain.edge.inputs import Reason
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import START_NS, fill, fills, quotes
from mm_ops_tests.edge_inputs import Inputs, duplicates, inputs_policy, policies, read_inputs, rows

MS = 1_000_000
LONG = 2 * BATCH + 10
HOURS = [hour * 3600.0 for hour in range(48)]


@pytest.fixture(scope="module")
def long_book() -> pl.DataFrame:
    """A quote each 50 ms, of two symbols, of which every tenth comes with a time and a size of its own."""
    at = START_NS + np.arange(LONG) * 50 * MS
    return pl.DataFrame(
        {
            "ts_ns": at,
            "exch_ts_ns": at,
            "symbol": np.where(np.arange(LONG) % 3 == 0, "Y", "X"),
            "bid_px": 99.0,
            "bid_qty": 1.0,
            "ask_px": 101.0,
            "ask_qty": 1.0,
        }
    )


def read(folder: Path, market: pl.DataFrame, *refused: Reason) -> Inputs:
    ours, theirs = folder / "f.parquet", folder / "q.parquet"
    fills(fill(1, "buy", 99)).write_parquet(ours)
    market.write_parquet(theirs)
    return read_inputs(Request(fills=ours, quotes=theirs), policies(inputs_policy(rows=rows(*refused))))


def changed(market: pl.DataFrame, row: int, **values: Any) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == row
    return market.with_columns(
        **{name: pl.when(here).then(pl.lit(value)).otherwise(name) for name, value in values.items()}
    )


def test_every_row_of_a_long_file_is_read_and_numbered_from_its_beginning(tmp_path: Path, long_book: pl.DataFrame):
    wrong = BATCH + 7
    found = read(tmp_path, changed(long_book, wrong, bid_px=0.0))
    assert found.section["quotes"]["rows"] == LONG
    assert found.section["quotes"]["taken"] == LONG - 1
    assert json.loads(found.rejects)["row"] == wrong
    assert set(found.quotes["symbol"]) == {"X"}, "only what was filled is measured"
    with pytest.raises(
        SchemaError, match=rf"q\.parquet: bid_px: row {wrong}: expected a number from 1e-12 to 1e15, was 0\.0"
    ):
        read(tmp_path, changed(long_book, wrong, bid_px=0.0), "bad_price")


def test_a_time_in_another_unit_is_named_by_its_row_in_the_file(tmp_path: Path, long_book: pl.DataFrame):
    wrong = 2 * BATCH + 1
    with pytest.raises(SchemaError, match=rf"ts_ns: row {wrong}: expected nanoseconds .* \(looks like milliseconds\)"):
        read(tmp_path, changed(long_book, wrong, ts_ns=START_NS // MS))


def test_a_row_is_behind_also_what_was_read_before(tmp_path: Path, long_book: pl.DataFrame):
    """The first row of the second part is 0.5 s behind the last one of its symbol, or 2 s, where 1 s is sorted."""
    symbol, before = long_book["symbol"][BATCH], long_book["ts_ns"][BATCH - 3]
    assert long_book["symbol"][BATCH - 3] == symbol
    little = read(tmp_path, changed(long_book, BATCH, ts_ns=before - 500 * MS))
    assert (little.section["quotes"]["sorted_by_us"]["ts_ns"], little.rejects) == (1, b"")
    much = read(tmp_path, changed(long_book, BATCH, ts_ns=before - 2000 * MS))
    assert json.loads(much.rejects)["reason"] == "time_backwards"
    assert json.loads(much.rejects)["row"] == BATCH


def test_a_quote_doubled_across_two_parts_is_counted(tmp_path: Path, long_book: pl.DataFrame):
    again = long_book.row(BATCH - 1, named=True)
    assert read(tmp_path, changed(long_book, BATCH, **again)).section["quotes"]["duplicates"] == 1
    assert read(tmp_path, changed(long_book, BATCH, **{**again, "ask_px": 102.0})).section["quotes"]["duplicates"] == 0
    twice = changed(changed(long_book, BATCH, **again), BATCH - 2, **again)
    assert read(tmp_path, twice).section["quotes"]["duplicates"] == 2


def days(folder: Path, *of_day: pl.DataFrame) -> Request:
    for n, ours in enumerate(of_day):
        for kind, frame in (("fills", ours), ("quotes", quotes(*((n * 86400 + at, 99, 101) for at in (0, 86399))))):
            place = folder / kind / f"date=2026-11-{20 + n}" / "symbol=X"
            place.mkdir(parents=True)
            frame.write_parquet(place / f"{kind}.parquet")
    return Request(fills=folder / "fills", quotes=folder / "quotes")


FIRST = fills(fill(86_399, "buy", 99, fill_id="a"), fill(86_399.5, "sell", 101, fill_id="b"))


def test_a_fill_that_is_in_two_days_files_is_dropped_from_the_second(tmp_path: Path):
    found = read_inputs(days(tmp_path, FIRST, pl.concat([FIRST[1:], fills(fill(86_401, "buy", 98, fill_id="c"))])), HOW)
    assert found.fills["fill_id"].to_list() == ["a", "b", "c"]
    assert found.section["fills"]["duplicates"] == 1
    assert "date=2026-11-21" in json.loads(found.rejects)["file"]


def test_a_fill_of_the_morning_that_is_in_the_next_days_file_is_dropped_too(tmp_path: Path):
    morning = fills(fill(1, "buy", 99, fill_id="m"))
    again = pl.concat([morning, fills(fill(86_401, "buy", 98, fill_id="c"))])
    found = read_inputs(days(tmp_path, pl.concat([morning, FIRST]), again), HOW)
    assert found.fills["fill_id"].to_list() == ["m", "a", "b", "c"]
    assert found.section["fills"]["duplicates"] == 1


def test_fills_without_an_id_are_the_same_on_two_days_if_their_rows_are(tmp_path: Path):
    bare = FIRST.drop("fill_id")
    request = days(tmp_path, bare, pl.concat([bare[1:], bare[1:].with_columns(qty=2.0)]))
    dropping = policies(inputs_policy(rows=rows(duplicates=duplicates(without_id="drop"))))
    for how, quantities in ((dropping, [1.0, 1.0, 2.0]), (HOW, [1.0, 1.0, 1.0, 2.0])):
        found = read_inputs(request, how)
        assert found.fills["qty"].to_list() == quantities
        assert found.section["fills"]["alike_without_id"]["count"] == 1


def test_an_id_that_was_another_fill_the_day_before_is_one_of_its_own(tmp_path: Path):
    found = read_inputs(days(tmp_path, FIRST, fills(fill(86_401, "buy", 98, fill_id="b"))), HOW)
    assert found.fills["fill_id"].to_list() == ["a", "b", "b"]


HOW = policies()
