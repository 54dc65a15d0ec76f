"""Symbol-days from files give what the whole frames give; what is wrong in a file is refused."""

import io
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mm_ops.adapters.market_files import locate
from mm_ops.adapters.symbol_days import find_symbol_days
from mm_ops.domain.edge.report import build_edge_report, measure_days
from mm_ops.domain.errors import MissingEvidenceError, SchemaError
from mm_ops.domain.windows import DAY, TimeWindow
from mm_ops_tests.builders import START, edge_policy, fill, fills, instrument, instruments, quotes

WINDOW = TimeWindow(START, START + 2 * DAY)
BOTH = instruments(instrument(), instrument(symbol="Y"))
NEXT = DAY.total_seconds()
OURS = {
    ("2026-11-20", "X"): fills(fill(1, "buy", 99), fill(NEXT - 0.5, "sell", 101)),
    ("2026-11-21", "X"): fills(fill(NEXT + 1, "buy", 99)),
    ("2026-11-21", "Y"): fills(fill(NEXT + 2, "buy", 49, symbol="Y")),
}
MARKET = {
    ("2026-11-20", "X"): quotes((0, 99, 101), (NEXT - 1, 98, 100)),
    ("2026-11-21", "X"): quotes((NEXT + 0.25, 97, 99), (NEXT + 3, 99, 101)),
    ("2026-11-20", "Y"): quotes((NEXT - 2, 49, 51), symbol="Y"),
    ("2026-11-20", "Z"): quotes((0, 9, 11), symbol="Z"),
}


def put(root: Path, kind: str, frames: Mapping[tuple[str, str], pl.DataFrame]) -> Path:
    for (day, symbol), frame in frames.items():
        folder = root / kind / f"date={day}" / f"symbol={symbol}"
        folder.mkdir(parents=True)
        frame.write_parquet(folder / f"{kind}.parquet")
    return root / kind


def plain(root: Path, kind: str, frames: Mapping[tuple[str, str], pl.DataFrame]) -> Path:
    path = root / f"{kind}.parquet"
    pl.concat(frames.values()).sample(fraction=1.0, shuffle=True, seed=1).write_parquet(path)
    return path


def lines(root: Path, kind: str, frames: Mapping[tuple[str, str], pl.DataFrame]) -> Path:
    path = root / f"{kind}.jsonl"
    pl.concat(frames.values()).write_ndjson(path)
    return path


def at_a_url(root: Path, kind: str, frames: Mapping[tuple[str, str], pl.DataFrame]) -> Path:
    place = locate(f"memory://symbol_days/{root.name}/{kind}.parquet")
    buffer = io.BytesIO()
    pl.concat(frames.values()).write_parquet(buffer)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(buffer.getvalue())
    return place


def report(ours: Path, market: Path, **different: Any) -> dict[str, Any]:
    days = find_symbol_days(ours, market, lambda _: "exchange", WINDOW)
    policy = edge_policy(stale_after=timedelta(days=1))
    return measure_days(days, policy=policy, instruments=BOTH, window=WINDOW, **different)


@pytest.mark.parametrize(
    "write",
    [put, plain, lines, at_a_url],
    ids=["in folders", "in single files, in any order", "as JSON lines", "at a URL"],
)
def test_symbol_days_give_what_the_whole_frames_give(tmp_path: Path, write: Any):
    ours, market = write(tmp_path, "fills", OURS), write(tmp_path, "quotes", MARKET)
    whole = [pl.concat(frames.values()) for frames in (OURS, MARKET)]
    expected = build_edge_report(
        *whole,
        policy=edge_policy(stale_after=timedelta(days=1)),
        instruments=BOTH,
        window=WINDOW,
    )
    assert report(ours, market) == expected
    assert expected["total"]["fills"] == 4
    # at the end of the first day: m = 99, and half a second into the next the mid is 98
    assert expected["by_symbol"]["X"]["nulls"] == {"1s": 0, "5s": 0}


def test_only_the_days_of_the_window_are_read(tmp_path: Path):
    ours, market = put(tmp_path, "fills", OURS), put(tmp_path, "quotes", MARKET)
    first = TimeWindow.of_day(START.date())
    days = list(find_symbol_days(ours, market, lambda _: "exchange", first))
    assert [day.symbol for day in days] == ["X"]
    assert (days[0].fills().height, days[0].quotes().height) == (2, 2)


REFUSED: dict[str, tuple[pl.DataFrame, pl.DataFrame, str]] = {
    "a price of zero": (
        OURS["2026-11-21", "X"],
        quotes((0, 99, 101), (1, 0, 101)),
        r"bid_px: row 1 of X: expected a number above zero, was 0.0 \(1 such\)",
    ),
    "a price that is not a number": (
        OURS["2026-11-21", "X"],
        quotes((0, 99, 101), (1, 99, float("nan"))),
        "ask_px: row 1 of X: expected a number above zero, was nan",
    ),
    "a clock that is not there": (
        OURS["2026-11-21", "X"],
        quotes((0, 99, 101)).drop("exch_ts_ns"),
        "expected the columns exch_ts_ns Int64, .* found bid_px Float64",
    ),
    "another symbol in the folder": (
        OURS["2026-11-21", "X"],
        quotes((0, 99, 101), symbol="Y"),
        "symbol: expected X, as its folder says, was another in 1 rows",
    ),
    "a side that is no side": (
        OURS["2026-11-21", "X"].with_columns(side=pl.lit("long")),
        quotes((0, 99, 101)),
        "side: row 0: expected buy or sell, was 'long'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused(tmp_path: Path, name: str):
    ours, market, message = REFUSED[name]
    key = ("2026-11-21", "X")
    with pytest.raises(SchemaError, match=message):
        report(put(tmp_path, "fills", {key: ours}), put(tmp_path, "quotes", {key: market}))


def test_a_damaged_file_is_named(tmp_path: Path):
    ours, market = put(tmp_path, "fills", OURS), put(tmp_path, "quotes", MARKET)
    file = market / "date=2026-11-20/symbol=X/quotes.parquet"
    file.write_bytes(b"PAR1 no parquet PAR1")
    with pytest.raises(SchemaError, match=r"quotes\.parquet: not readable"):
        report(ours, market)


def test_a_single_file_without_a_symbol_is_refused(tmp_path: Path):
    path = tmp_path / "fills.parquet"
    OURS["2026-11-21", "X"].with_columns(symbol=pl.lit(None, pl.String)).write_parquet(path)
    with pytest.raises(SchemaError, match="symbol: expected text in every row"):
        report(path, path)
    OURS["2026-11-21", "X"].drop("symbol").write_parquet(path)
    with pytest.raises(SchemaError, match=r"not readable: .*symbol"):
        report(path, path)


def test_nothing_there_is_missing_evidence(tmp_path: Path):
    with pytest.raises(MissingEvidenceError):
        report(tmp_path / "fills", tmp_path / "quotes")
