import json
from pathlib import Path

import polars as pl

from mm_ops.adapters.rejects import Rejects


def test_every_row_is_a_line_with_its_reason_its_file_and_its_number():
    rejects = Rejects()
    values = pl.DataFrame({"price": [0.0, float("nan")], "note": ['say "no"', None]})
    rejects.add("fills", Path("a b.jsonl"), "bad_price", "price", pl.Series([3, 7]), values)
    rejects.add("quotes", Path("q"), "no_time", "ts_ns", pl.Series([0]), pl.DataFrame({"ts_ns": [None]}))
    first, second, third = (json.loads(line) for line in rejects.encode().splitlines())
    same = {"kind": "fills", "reason": "bad_price", "column": "price", "file": "a b.jsonl"}
    assert first == {**same, "row": 3, "values": {"price": 0.0, "note": 'say "no"'}}
    assert second == {**same, "row": 7, "values": {"price": None, "note": None}}
    assert (third["kind"], third["row"], third["values"]) == ("quotes", 0, {"ts_ns": None})


def test_duplicates_are_counted_apart_from_what_is_wrong():
    rejects = Rejects()
    two = pl.DataFrame({"price": [1.0, 2.0]})
    rejects.add("fills", Path("f"), "duplicate_fill", "fill_id", pl.Series([1, 2]), two)
    rejects.add("fills", Path("f"), "bad_side", "side", pl.Series([0]), two.head(1))
    rejects.add("fills", Path("f"), "bad_side", "side", pl.Series([5]), two.head(1))
    rejects.add("fills", Path("f"), "alike_without_id", "fill_id", pl.Series([9]), two.head(1))
    assert (rejects.counts("fills"), rejects.duplicates()) == ({"bad_side": 2}, 3)
    assert rejects.counts("quotes") == {}


def test_without_rejects_there_is_nothing_to_write():
    rejects = Rejects()
    rejects.add("fills", Path("f"), "bad_side", "side", pl.Series([], dtype=pl.UInt32), pl.DataFrame({"price": []}))
    assert rejects.encode() == b""
