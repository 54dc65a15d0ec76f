import gzip
import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.domain.edge.columns import REQUIRED
from mm_ops.domain.errors import MissingEvidenceError, SchemaError
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import START_NS, fill, fills, quotes

GOOD = quotes((0, 99, 101), (1, 98, 100))


def write(path: Path, frame: pl.DataFrame) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return path


def test_parquet_and_json_lines_and_their_gzip_read_the_same(tmp_path: Path):
    lines = "".join(json.dumps(row) + "\n" for row in GOOD.iter_rows(named=True))
    (tmp_path / "q.jsonl").write_text(lines)
    (tmp_path / "q.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    parquet = read_quotes(write(tmp_path / "q.parquet", GOOD))
    assert parquet.equals(read_quotes(tmp_path / "q.jsonl"))
    assert parquet.equals(read_quotes(tmp_path / "q.jsonl.gz"))


def test_only_the_days_of_the_window_are_read(tmp_path: Path):
    for day in (19, 20, 21):
        write(tmp_path / f"date=2026-11-{day}/symbol=X/q.parquet", GOOD)
    assert read_quotes(tmp_path, TimeWindow.of_day(date(2026, 11, 20))).height == 2
    assert read_quotes(tmp_path).height == 6


def test_whole_numbers_are_prices_too(tmp_path: Path):
    (tmp_path / "f.jsonl").write_text(
        json.dumps({"ts_ns": START_NS, "symbol": "X", "side": "buy", "price": 99, "qty": 1}) + "\n"
    )
    assert read_fills(tmp_path / "f.jsonl")["price"].to_list() == [99.0]


def test_public_trades_become_the_fills_of_their_passive_side(tmp_path: Path):
    trades = fills(fill(0, "buy", 101), fill(1, "sell", 99)).drop("liquidity", "fee")
    found = read_fills(write(tmp_path / "t.parquet", trades), side_is="aggressor")
    assert found["side"].to_list() == ["sell", "buy"]
    assert found["liquidity"].unique().to_list() == ["maker"]


def test_columns_that_nobody_asked_for_are_left_alone(tmp_path: Path):
    found = read_quotes(write(tmp_path / "q.parquet", GOOD.with_columns(update_id=pl.lit(1))))
    assert "update_id" not in found.columns


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_nothing_there_is_said(tmp_path: Path, path: str):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingEvidenceError, match="no Parquet or JSON lines there"):
        read_fills(tmp_path / path)


def test_a_day_that_is_not_there_is_said_with_its_folder(tmp_path: Path):
    write(tmp_path / "date=2026-11-19/symbol=X/q.parquet", GOOD)
    with pytest.raises(MissingEvidenceError, match="date=2026-11-20"):
        read_quotes(tmp_path, TimeWindow.of_day(date(2026, 11, 20)))


@pytest.mark.parametrize("cut", [4, 200])
def test_a_parquet_cut_short_is_one_line_with_its_name(tmp_path: Path, cut: int):
    path = write(tmp_path / "q.parquet", GOOD)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SchemaError, match=r"q\.parquet: not readable: ") as refusal:
        read_quotes(path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("seed", range(300))
def test_a_parquet_with_flipped_bytes_reads_or_is_refused_and_never_breaks_out(tmp_path: Path, seed: int):
    """Some of these make the reader panic, which is no ordinary exception."""
    rng = random.Random(seed)
    path = write(tmp_path / "q.parquet", GOOD)
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 4, 40])):
        data[rng.randrange(4, len(data))] = rng.randrange(256)
    path.write_bytes(data)
    try:
        assert read_quotes(path).columns == GOOD.select(*REQUIRED["quotes"], "exch_ts_ns").columns
    except SchemaError as refusal:
        assert str(refusal).startswith(f"{path}: ")  # noqa: PT017 - reading is as good an answer
        assert "\n" not in str(refusal)  # noqa: PT017


def test_broken_json_lines_are_one_line_with_the_name(tmp_path: Path):
    (tmp_path / "q.jsonl").write_text('{"ts_ns": 1,\n<html>')
    with pytest.raises(SchemaError, match=r"q\.jsonl: not readable: ") as refusal:
        read_quotes(tmp_path / "q.jsonl")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("q.jsonl", b"", "expected at least one row, was an empty file"),
        ("q.parquet", b"", "not readable: "),
        ("q.jsonl", b'{"ts_ns": 1, "symbol": "\xff\xfe"}\n', "not readable: .*UTF-8"),
        ("q.jsonl.gz", gzip.compress(b'{"ts_ns": 1}\n')[:-6], "not readable: unexpected end of file"),
    ],
    ids=["an empty file", "an empty Parquet", "not UTF-8", "a gzip cut short"],
)
def test_bytes_that_are_no_quotes_are_one_line_with_the_name(tmp_path: Path, name: str, data: bytes, message: str):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SchemaError, match=f"{name}: {message}") as refusal:
        read_quotes(tmp_path / name)
    assert "\n" not in str(refusal.value)


def test_files_of_which_only_one_has_the_exchange_time_are_read_with_nulls(tmp_path: Path):
    write(tmp_path / "a.parquet", GOOD)
    write(tmp_path / "b.parquet", GOOD.drop("exch_ts_ns"))
    assert read_quotes(tmp_path)["exch_ts_ns"].null_count() == GOOD.height


@pytest.mark.parametrize("column", ["bid_px", "bid_qty", "ask_px", "ask_qty"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), None])
def test_a_quote_without_a_price_or_a_size_is_refused(tmp_path: Path, column: str, value: float | None):
    wrong = pl.concat([GOOD, GOOD.head(1).with_columns(pl.lit(value, pl.Float64).alias(column))])
    one_sided = value is None and column in {"bid_px", "ask_px"}
    expected = "a bid and an ask" if one_sided else "a number from 1e-12 to 1e15"
    with pytest.raises(SchemaError, match=f"{column}: row 2: expected {expected}, was {value!r}"):
        read_quotes(write(tmp_path / "q.parquet", wrong))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a null price": ({"price": None}, "price: row 1: expected a number from 1e-12 to 1e15, was None"),
    "a zero price": ({"price": 0.0}, "price: row 1: expected a number from 1e-12 to 1e15, was 0.0"),
    "a negative quantity": ({"qty": -1.0}, "qty: row 1: expected a number from 1e-12 to 1e15, was -1.0"),
    "a price that is not a number": (
        {"price": float("nan")},
        "price: row 1: expected a number from 1e-12 to 1e15, was nan",
    ),
    "an infinite price": ({"price": float("inf")}, "price: row 1: expected a number from 1e-12 to 1e15, was inf"),
    "an unknown side": ({"side": "short"}, "side: row 1: expected buy or sell, was 'short'"),
    "no side": ({"side": None}, "side: row 1: expected buy or sell, was None"),
    "no time": ({"ts_ns": None}, "ts_ns: row 1: expected a value, was None"),
    "an unknown liquidity": ({"liquidity": "both"}, "liquidity: row 1: expected maker or taker, was 'both'"),
    "a fee that is not a number": (
        {"fee": float("nan")},
        "fee: row 1: expected a finite number of at most 1e15, was nan",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_named_with_its_row(tmp_path: Path, name: str):
    different, message = WRONG[name]
    path = write(
        tmp_path / "f.parquet", fills(fill(0, "buy", 99), {**fill(1, "buy", 99), **different}, fill(2, "buy", 99))
    )
    with pytest.raises(SchemaError) as refusal:
        read_fills(path)
    assert f"f.parquet: {message} (1 such rows)" in str(refusal.value)


def test_an_optional_value_may_be_absent_row_by_row(tmp_path: Path):
    found = read_fills(write(tmp_path / "f.parquet", fills(fill(0, "buy", 99, fee=None), fill(1, "buy", 99))))
    assert found["fee"].to_list() == [None, 0.0]


def test_a_missing_column_is_named(tmp_path: Path):
    with pytest.raises(SchemaError, match=r"expected the columns ask_px, found ts_ns"):
        read_quotes(write(tmp_path / "q.parquet", GOOD.drop("ask_px")))


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        ("ts_ns", pl.Datetime("us"), "Int64"),
        ("bid_px", pl.Float32, "Float64 or decimal text"),
        ("ts_ns", pl.UInt64, "Int64"),
    ],
)
def test_a_column_of_another_type_is_refused_and_not_cast(tmp_path: Path, column: str, kind: Any, expected: str):
    with pytest.raises(SchemaError, match=f"{column}: expected {expected}, was "):
        read_quotes(write(tmp_path / "q.parquet", GOOD.with_columns(pl.col(column).cast(kind))))
