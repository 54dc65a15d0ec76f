import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mm_ops.adapters.market_files import locate
from mm_ops.adapters.market_inputs import MarketInputs, Request
from mm_ops.domain.edge.columns import ColumnMapping, FileMapping
from mm_ops.domain.edge.inputs import Reason
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.report import build_edge_report, measure_parts
from mm_ops.domain.errors import MissingEvidenceError, SchemaError
from mm_ops.domain.windows import DAY, TimeWindow
from mm_ops_tests.builders import START, START_NS, edge_policy, fill, fills, instrument, instruments, quotes
from mm_ops_tests.edge_inputs import Inputs, books, duplicates, inputs_policy, policies, read_inputs, rows

Frames = Mapping[tuple[str, str], pl.DataFrame]
Layout = Callable[[Path, str, Frames], Path]
BOOK = quotes((0, 99, 101), (1, 98, 100))
QUARANTINE = policies(inputs_policy(rows=rows()))


def taken(
    folder: Path, ours: pl.DataFrame, market: pl.DataFrame = BOOK, how: EdgePolicies = QUARANTINE, **request: Any
) -> Inputs:
    ours.write_parquet(folder / "f.parquet")
    market.write_parquet(folder / "q.parquet")
    return read_inputs(Request(fills=folder / "f.parquet", quotes=folder / "q.parquet", **request), how)


def rejected(inputs: Inputs) -> list[dict[str, Any]]:
    return [json.loads(line) for line in inputs.rejects.splitlines()]


def test_good_rows_are_all_taken_and_nothing_is_rejected(tmp_path: Path):
    found = taken(tmp_path, fills(fill(0, "buy", 99), fill(1, "sell", 100)))
    assert (found.fills["price"].to_list(), found.quotes.height, found.rejects) == ([99, 100], 2, b"")
    assert found.section["fills"] == {
        "files": 1,
        "rows": 2,
        "taken": 2,
        "rejected": {},
        "rejected_share": 0.0,
        "duplicates": 0,
        "alike_without_id": {"count": 0, "treat": "keep"},
        "sorted_by_us": {"ts_ns": 0, "exch_ts_ns": 0},
    }
    assert (found.section["max_rejected_share"], found.section["max_unknown_share"]) == (0.1, 0.1)


WRONG: dict[Reason, dict[str, Any]] = {
    "no_time": {"ts_ns": None},
    "no_symbol": {"symbol": None},
    "unknown_symbol": {"symbol": "Z"},
    "bad_side": {"side": None},
    "bad_liquidity": {"liquidity": "both"},
    "bad_price": {"price": 0.0},
    "bad_quantity": {"qty": -1.0},
    "bad_fee": {"fee": float("inf")},
    "time_backwards": {"exch_ts_ns": START_NS - 2_000_000_000},
}


@pytest.mark.parametrize("reason", WRONG)
def test_a_faulty_fill_is_rejected_with_reason_file_and_row(tmp_path: Path, reason: Reason):
    found = taken(tmp_path, fills(fill(0, "buy", 99), {**fill(1, "buy", 98), **WRONG[reason]}, fill(2, "buy", 97)))
    assert found.fills["price"].to_list() == [99, 97]
    (reject,) = rejected(found)
    assert (reject["reason"], reject["row"], Path(reject["file"]).name) == (reason, 1, "f.parquet")
    assert reject["values"]["ts_ns"] in {START_NS + 10**9, None}, "the whole row as it came"
    assert found.section["fills"]["rejected"] == {reason: 1}
    assert found.section["fills"]["rejected_share"] >= 1 / 3


@pytest.mark.parametrize("reason", WRONG)
def test_a_faulty_fill_ends_it_where_the_policy_refuses_it(tmp_path: Path, reason: Reason):
    strict = policies(inputs_policy(rows=rows(reason)))
    with pytest.raises(SchemaError, match=r"f\.parquet: .*: row 1: expected .* \(1 such rows\)") as refusal:
        taken(tmp_path, fills(fill(0, "buy", 99), {**fill(1, "buy", 98), **WRONG[reason]}), how=strict)
    assert "\n" not in str(refusal.value)


def test_a_faulty_quote_is_rejected_too(tmp_path: Path):
    market = BOOK.with_columns(bid_px=pl.Series([None, 98.0]))
    found = taken(tmp_path, fills(fill(2, "buy", 99)), market)
    assert (found.quotes["bid_px"].to_list(), rejected(found)[0]["kind"]) == ([98.0], "quotes")
    assert found.section["quotes"]["rejected"] == {"one_sided": 1}
    assert found.section["quotes"]["rejected_share"] == 0.5


def test_a_quote_of_one_side_is_no_wrong_price(tmp_path: Path):
    """The book has no ask at 1 s: that of 0 s prevails on, and the row is told apart from a price of zero at 2 s."""
    market = quotes((0, 99, 101), (1, 98, 100), (2, 97, 99), (3, 96, 98)).with_columns(
        ask_px=pl.Series([101.0, None, 99.0, None]), bid_px=pl.Series([99.0, 98.0, 0.0, None])
    )
    found = taken(tmp_path, fills(fill(4, "buy", 99)), market)
    assert found.section["quotes"]["rejected"] == {"bad_price": 2, "one_sided": 1}
    assert found.quotes["bid_px"].to_list() == [99.0]


@pytest.mark.parametrize(("clock", "taken_of_two"), [(None, 1), ("exchange", 1), ("receive", 2)])
def test_a_row_without_the_time_that_orders_it_is_rejected_by_number(tmp_path: Path, clock: Any, taken_of_two: int):
    ours = fills(fill(1, "buy", 99), {**fill(2, "buy", 98), "exch_ts_ns": None})
    found = taken(tmp_path, ours, how=policies(clock=clock))
    assert found.section["fills"]["taken"] == taken_of_two
    assert [(each["reason"], each["column"], each["row"]) for each in rejected(found)] == [
        ("no_time", "exch_ts_ns", 1)
    ] * (2 - taken_of_two)
    strict = policies(inputs_policy(rows=rows("no_time")), clock="exchange")
    with pytest.raises(
        SchemaError, match=r"f\.parquet: exch_ts_ns: row 1: expected a time, since .*, was None \(1 such"
    ):
        taken(tmp_path, ours, how=strict)


@pytest.mark.parametrize("wrong", [{"qty": 1e-320}, {"qty": 1e308}, {"price": 1e300}, {"price": 9e-13}, {"fee": -2e15}])
def test_amounts_that_are_none_are_rejected(tmp_path: Path, wrong: dict[str, float]):
    found = taken(tmp_path, fills(fill(1, "buy", 99), {**fill(2, "buy", 98), **wrong}))
    assert (found.fills.height, len(rejected(found))) == (1, 1)
    bounds = [{"qty": 1e-12}, {"qty": 1e15}, {"fee": -1e15}]
    assert taken(tmp_path, fills(*({**fill(n, "buy", 98), **at} for n, at in enumerate(bounds)))).rejects == b""


def test_a_row_of_two_faults_is_rejected_once(tmp_path: Path):
    found = taken(tmp_path, fills(fill(0, "buy", 99), {**fill(1, "buy", 98), "side": None, "price": 0.0}))
    assert len(rejected(found)) == 1
    assert sum(found.section["fills"]["rejected"].values()) == 1


def test_a_large_fill_that_was_lost_counts_by_its_notional(tmp_path: Path):
    # one of four by number; by notional 7·99 of 10·99
    good = [fill(at, "buy", 99) for at in (0, 1, 2)]
    found = taken(tmp_path, fills(*good, {**fill(3, "buy", 99, 7), "side": None}))
    assert found.section["fills"]["rejected_share"] == pytest.approx(0.7)


def test_of_rows_that_are_all_rejected_the_share_is_one(tmp_path: Path):
    found = taken(tmp_path, fills({**fill(0, "buy", 99), "price": 0.0}))
    assert (found.fills.height, found.section["fills"]["rejected_share"]) == (0, 1.0)


def test_of_no_rows_no_share_is_known(tmp_path: Path):
    found = taken(tmp_path, fills(), BOOK.clear())
    assert (found.section["fills"]["rejected_share"], found.section["quotes"]["rejected_share"]) == (None, None)


def test_a_row_a_little_behind_is_sorted_and_one_far_behind_is_rejected(tmp_path: Path):
    ours = fills(fill(5, "buy", 1), fill(4, "buy", 2), fill(3.9, "buy", 3), fill(6, "buy", 4))
    found = taken(tmp_path, ours)
    assert found.fills["price"].to_list() == [1, 2, 4], "1 s is the most that is sorted, by whoever joins them"
    assert found.section["fills"]["sorted_by_us"] == {"ts_ns": 1, "exch_ts_ns": 1}
    assert found.section["fills"]["rejected"] == {"time_backwards": 1}
    strict = policies(inputs_policy(rows=rows("time_backwards")))
    with pytest.raises(SchemaError, match="ts_ns: row 2: expected a time at most 1s before an earlier row's, was 1"):
        taken(tmp_path, ours, how=strict)
    wide = policies(inputs_policy(rows=rows(sort_within=timedelta(seconds=2))))
    assert taken(tmp_path, ours, how=wide).fills["price"].to_list() == [1, 2, 3, 4]


def test_a_fill_that_came_twice_is_dropped_once_and_counted_apart(tmp_path: Path):
    again = {**fill(0, "buy", 99, fill_id="a"), "ts_ns": START_NS + 500_000_000}  # received once more
    ours = fills(fill(0, "buy", 99, fill_id="a"), fill(1, "buy", 98, fill_id="b"), again)
    found = taken(tmp_path, ours)
    assert found.fills["price"].to_list() == [99, 98]
    assert (found.section["fills"]["duplicates"], found.section["fills"]["rejected_share"]) == (1, 0.0)
    assert (rejected(found)[0]["reason"], rejected(found)[0]["row"]) == ("duplicate_fill", 2)
    assert rejected(found)[0]["values"]["fill_id"] == "a"
    with pytest.raises(SchemaError, match=r"f\.parquet: row 2: duplicate fill, of 1 such rows"):
        taken(tmp_path, ours, how=policies(inputs_policy(rows=rows(duplicates=duplicates(with_id="refuse")))))


def test_doubled_fills_do_not_thin_out_what_was_rejected(tmp_path: Path):
    # by number 1 of 2; where the bad one is large 7·99 of 8·99, and where it is small 1·99 of 8·99
    how = policies(inputs_policy(rows=rows(duplicates=duplicates(without_id="drop"))))
    for good_qty, bad_qty, share in ((1, 7, 7 / 8), (7, 1, 1 / 2)):
        good, bad = fill(0, "buy", 99, good_qty), {**fill(1, "buy", 99, bad_qty), "side": None}
        section = taken(tmp_path, fills(good, good, good, bad), how=how).section
        assert section["fills"]["rejected_share"] == pytest.approx(share)


def test_a_fill_that_came_in_two_files_is_dropped_from_the_second(tmp_path: Path):
    (tmp_path / "fills").mkdir()
    for name in ("a", "b"):
        fills(fill(0, "buy", 99, fill_id="a")).write_parquet(tmp_path / f"fills/{name}.parquet")
    BOOK.write_parquet(tmp_path / "q.parquet")
    found = read_inputs(Request(fills=tmp_path / "fills", quotes=tmp_path / "q.parquet"), QUARANTINE)
    assert (found.fills.height, Path(rejected(found)[0]["file"]).name) == (1, "b.parquet")


TWICE = fills(fill(0, "buy", 99), fill(0, "buy", 99))


@pytest.mark.parametrize(("treat", "kept"), [("keep", 2), ("drop", 1)])
def test_fills_without_an_id_that_look_alike_go_by_a_policy_of_their_own(tmp_path: Path, treat: str, kept: int):
    how = policies(inputs_policy(rows=rows(duplicates=duplicates(without_id=treat))))
    found = taken(tmp_path, TWICE, how=how)
    assert (found.fills.height, len(rejected(found))) == (kept, 2 - kept)
    assert found.section["fills"]["alike_without_id"] == {"count": 1, "treat": treat}
    assert found.section["fills"]["duplicates"] == 0
    another = taken(tmp_path, TWICE.with_columns(trade_id=pl.Series([1, 2])), how=how)
    assert (another.fills.height, another.section["fills"]["alike_without_id"]["count"]) == (2, 0)


def test_fills_without_an_id_that_look_alike_are_refused_where_the_policy_says_so(tmp_path: Path):
    how = policies(inputs_policy(rows=rows(duplicates=duplicates(without_id="refuse"))))
    with pytest.raises(SchemaError, match=r"f\.parquet: row 1: alike without id, of 1 such rows"):
        taken(tmp_path, TWICE, how=how)


def test_ids_that_began_anew_are_taken_for_nobodys(tmp_path: Path):
    """Sent again half an hour later by the exchange's clock, it is another fill of the same id; which, nobody knows."""
    ours = fills(
        fill(0, "buy", 99, fill_id="1"), fill(1800, "buy", 99, fill_id="1"), fill(1900, "buy", 99, fill_id="2")
    )
    section = taken(tmp_path, ours).section["fills"]
    assert (section["duplicates"], section["rejected"]) == (0, {"conflicting_fill_id": 2})
    assert section["rejected_share"] == pytest.approx(2 / 3)


def test_an_id_of_two_fills_is_not_taken_at_all(tmp_path: Path):
    ours = fills(fill(0, "buy", 99, fill_id="a"), fill(1, "buy", 98, fill_id="a"), fill(2, "buy", 97, fill_id="b"))
    found = taken(tmp_path, ours)
    assert found.fills["price"].to_list() == [97]
    assert found.section["fills"]["rejected"] == {"conflicting_fill_id": 2}
    with pytest.raises(SchemaError, match="row 0: conflicting fill id, of 2 such rows"):
        taken(tmp_path, ours, how=policies(inputs_policy(rows=rows("conflicting_fill_id"))))


def test_an_ambiguous_fill_counts_in_the_share_by_its_notional_too(tmp_path: Path):
    # by number 2 of 4; by notional (7 + 7)·99 of (7 + 7 + 1 + 1)·99, the buy and the sell of one id
    one_id = [fill(0, "buy", 99, 7, fill_id="a"), fill(1, "sell", 99, 7, fill_id="a")]
    ours = fills(*one_id, fill(2, "buy", 99, fill_id="b"), fill(3, "buy", 99, fill_id="c"))
    assert taken(tmp_path, ours).section["fills"]["rejected_share"] == pytest.approx(14 / 16)


def test_doubled_quotes_are_counted(tmp_path: Path):
    assert (
        taken(tmp_path, fills(fill(2, "buy", 99)), pl.concat([BOOK, BOOK.tail(1)])).section["quotes"]["duplicates"] == 1
    )


def test_a_mapping_and_a_folder_say_what_the_file_does_not(tmp_path: Path):
    place = tmp_path / "fills/date=2026-11-20/symbol=X"
    place.mkdir(parents=True)
    theirs = {"t": START_NS // 10**6, "S": "B", "px": "99.5", "sz": "2", "nested": [1]}
    (place / "f.jsonl").write_text(f"{json.dumps(theirs)}\n")
    BOOK.write_parquet(tmp_path / "q.parquet")
    mapping = ColumnMapping(
        fills=FileMapping(
            columns={"ts_ns": "t", "side": "S", "price": "px", "qty": "sz"},
            values={"side": {"buy": ["B"], "sell": ["S"]}},
            time_unit="ms",
        )
    )
    day = TimeWindow.of_day(date(2026, 11, 20))
    request = Request(fills=tmp_path / "fills", quotes=tmp_path / "q.parquet", mapping=mapping, window=day)
    found = read_inputs(request, policies(clock="receive"))
    assert found.fills.to_dicts() == [{"ts_ns": START_NS, "symbol": "X", "side": "buy", "price": 99.5, "qty": 2.0}]


def test_a_symbol_that_is_not_the_folders_is_refused(tmp_path: Path):
    place = tmp_path / "symbol=Y"
    place.mkdir()
    with pytest.raises(SchemaError, match=r"symbol: row 0: expected Y, as its folder says, was 'X' \(1 such rows\)"):
        taken(place, fills(fill(0, "buy", 99)))


def test_sides_that_are_not_given_are_inferred_where_that_is_asked_for(tmp_path: Path):
    ours = fills(fill(2, "buy", 100)).drop("side")
    found = taken(tmp_path, ours, infer_aggressor=True)
    assert (found.fills["side"].to_list(), found.section["aggressor"]["quote"]) == (["sell"], 1)
    with pytest.raises(SchemaError, match="expected the columns side, found ts_ns"):
        taken(tmp_path, ours)


def test_a_wrong_side_is_rejected_also_where_sides_are_inferred(tmp_path: Path):
    ours = fills(fill(2, "buy", 100), {**fill(3, "buy", 100), "side": "short"})
    assert taken(tmp_path, ours, infer_aggressor=True).section["fills"]["rejected"] == {"bad_side": 1}


def test_times_in_another_unit_are_the_files_fault_and_never_quarantined(tmp_path: Path):
    mixed = fills(fill(0, "buy", 99), {**fill(1, "buy", 99), "ts_ns": START_NS // 10**6})
    with pytest.raises(SchemaError, match=r"f\.parquet: ts_ns: row 1: .* \(looks like milliseconds\)"):
        taken(tmp_path, mixed)


def test_nothing_there_is_said(tmp_path: Path):
    BOOK.write_parquet(tmp_path / "q.parquet")
    with pytest.raises(MissingEvidenceError, match="no Parquet or JSON lines there"):
        read_inputs(Request(fills=tmp_path / "none", quotes=tmp_path / "q.parquet"), QUARANTINE)


@pytest.mark.parametrize("seed", range(5))
def test_losing_rows_to_the_rejects_never_lowers_their_share(tmp_path: Path, seed: int):
    """The more fills are broken, the larger the share: what is lost is never forgotten."""
    ours = fills(*(fill(at, "buy", 99, 1 + at % 3) for at in range(20)))
    shares = []
    for broken in range(0, 20, 4):
        order = pl.Series(range(20)).sample(20, shuffle=True, seed=seed)
        side = pl.when(order < broken).then(pl.lit(None, dtype=pl.String)).otherwise("side")
        shares.append(taken(tmp_path, ours.with_columns(side=side)).section["fills"]["rejected_share"])
    assert shares == sorted(shares)
    assert shares[0] == 0.0 < shares[1]


WINDOW = TimeWindow(START, START + 2 * DAY)
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


def in_folders(root: Path, kind: str, frames: Frames) -> Path:
    for (day, symbol), frame in frames.items():
        folder = root / kind / f"date={day}" / f"symbol={symbol}"
        folder.mkdir(parents=True)
        frame.write_parquet(folder / f"{kind}.parquet")
    return root / kind


def by_day(root: Path, kind: str, frames: Frames) -> Path:
    for day in sorted({day for day, _ in frames}):
        folder = root / kind / f"date={day}"
        folder.mkdir(parents=True)
        pl.concat([frame for key, frame in frames.items() if key[0] == day]).write_parquet(folder / f"{kind}.parquet")
    return root / kind


def flat(root: Path, kind: str, frames: Frames) -> Path:
    """Named so that their order is not that of their times."""
    (root / kind).mkdir()
    for n, frame in enumerate(reversed(list(frames.values()))):
        frame.write_parquet(root / kind / f"{n}.parquet")
    return root / kind


def in_one(root: Path, kind: str, frames: Frames) -> Path:
    path = root / f"{kind}.parquet"
    pl.concat(frames.values()).sort("ts_ns").write_parquet(path)
    return path


def as_lines(root: Path, kind: str, frames: Frames) -> Path:
    path = root / f"{kind}.jsonl"
    pl.concat(frames.values()).sort("ts_ns").write_ndjson(path)
    return path


def at_a_url(root: Path, kind: str, frames: Frames) -> Path:
    place = locate(f"memory://market_inputs/{root.name}/{kind}.parquet")
    buffer = io.BytesIO()
    pl.concat(frames.values()).sort("ts_ns").write_parquet(buffer)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(buffer.getvalue())
    return place


LAYOUTS: dict[str, Layout] = {
    "in folders by day and symbol": in_folders,
    "in folders by day": by_day,
    "in files side by side": flat,
    "in one file": in_one,
    "as JSON lines": as_lines,
    "at a URL": at_a_url,
}
HOW = policies(edge=edge_policy(stale_after=DAY), listed=instruments(instrument(), instrument(symbol="Y")))


@pytest.mark.parametrize("market", LAYOUTS)
@pytest.mark.parametrize("ours", LAYOUTS)
def test_however_files_are_laid_out_the_report_is_that_of_the_whole(tmp_path: Path, ours: str, market: str):
    request = Request(fills=LAYOUTS[ours](tmp_path, "fills", OURS), quotes=LAYOUTS[market](tmp_path, "quotes", MARKET))
    inputs = MarketInputs(request, HOW)
    found = measure_parts(inputs.parts(), policy=HOW.edge, instruments=HOW.instruments, window=WINDOW).report
    whole = [pl.concat(frames.values()) for frames in (OURS, MARKET)]
    expected = build_edge_report(*whole, policy=HOW.edge, instruments=HOW.instruments, window=WINDOW)
    assert found == expected
    assert expected["total"]["fills"] == 4
    # at the end of the first day: m = 99, and half a second into the next the mid is 98
    assert expected["by_symbol"]["X"]["nulls"] == {"1s": 0, "5s": 0}
    assert inputs.section["fills"]["rows"] == inputs.section["prints"]["rows"] == 4
    assert inputs.section["books"]["locked"] == {"count": 0, "treat": "keep"}


def test_only_the_days_of_the_window_are_read(tmp_path: Path):
    request = Request(
        fills=in_folders(tmp_path, "fills", OURS),
        quotes=in_folders(tmp_path, "quotes", MARKET),
        window=TimeWindow.of_day(START.date()),
    )
    found = read_inputs(request, HOW)
    assert (found.fills.height, found.quotes.height) == (2, 2)
    assert found.section["quotes"]["files"] == 1, "of symbols without fills no file is opened"


def span(folder: Path, ours: pl.DataFrame, market: pl.DataFrame, how: EdgePolicies = HOW) -> TimeWindow | None:
    ours.write_parquet(folder / "f.parquet")
    market.write_parquet(folder / "q.parquet")
    return MarketInputs(Request(fills=folder / "f.parquet", quotes=folder / "q.parquet"), how).find_window()


@pytest.mark.parametrize(("clock", "late"), [(None, 0), ("exchange", 0), ("receive", 1)])
def test_the_window_of_the_data_is_what_the_clock_spans_that_orders_them(tmp_path: Path, clock: Any, late: int):
    """The last quote is at 3 s by the exchange's clock, which is the venue's, and was received a second late."""
    market = quotes((0, 99, 101), (3, 99, 101))
    market = market.with_columns(ts_ns=pl.col("ts_ns") + 10**9 * (pl.col("ts_ns") > START_NS).cast(pl.Int64))
    window = span(tmp_path, fills(fill(1, "buy", 99)), market, replace(HOW, clock=clock))
    assert window is not None
    assert (window.start, window.end_ns) == (START, START_NS + (3 + late) * 10**9 + 1000)


def test_where_no_symbol_is_known_the_window_is_what_all_clocks_span(tmp_path: Path):
    market = quotes((0, 99, 101), (3, 99, 101)).with_columns(ts_ns=pl.col("ts_ns") + 10**9)
    window = span(tmp_path, fills(fill(1, "buy", 99, symbol="?")), market)
    assert window is not None
    assert (window.start, window.end_ns) == (START, START_NS + 4 * 10**9 + 1000)
    assert span(tmp_path, fills(), BOOK.clear()) is None


def test_a_time_that_stretches_the_window_over_nothing_is_refused(tmp_path: Path):
    """The two hours of 0 h and 100 h are 2 of 101 hours, and those of 0 h and 200 h are 2 of 201."""
    near, far = (quotes((0, 99, 101), (hour * 3600.0, 99, 101)) for hour in (100, 200))
    assert span(tmp_path, fills(fill(1, "buy", 99)), near) is not None
    words = "from 2026-11-20T00:00Z to 2026-11-28T08:00Z, and in only 2 of these 201 hours: give --start and --end"
    with pytest.raises(SchemaError, match=words):
        span(tmp_path, fills(fill(1, "buy", 99)), far)
    with pytest.raises(SchemaError, match="2 of these"):
        span(tmp_path, fills(fill(1, "buy", 99), fill(-200 * 3600, "buy", 99)), quotes((0, 99, 101)))


def test_a_quote_that_is_left_out_infers_no_side(tmp_path: Path):
    crossed = quotes((0, 99, 101), (1, 105, 103))  # its mid is 104
    for treat, side in (("keep", "buy"), ("exclude", "sell")):
        how = policies(inputs_policy(rows=rows(), books=books(crossed=treat)))
        found = taken(tmp_path, fills(fill(2, "buy", 102)).drop("side"), crossed, how, infer_aggressor=True)
        assert found.fills["side"].to_list() == [side], "whoever was passive"
        assert found.section["books"]["crossed"]["count"] == 1


def test_sides_are_inferred_where_there_are_no_quotes_and_stay_unknown(tmp_path: Path):
    ours = in_folders(tmp_path, "fills", {key: frame.drop("side") for key, frame in OURS.items()})
    market = in_folders(tmp_path, "quotes", {("2026-11-20", "X"): MARKET["2026-11-20", "X"]})
    section = read_inputs(Request(fills=ours, quotes=market, infer_aggressor=True), HOW).section
    assert (section["aggressor"]["rows"], section["aggressor"]["unknown"]) == (4, 2)


def test_rows_that_are_sorted_from_far_are_read_at_once(tmp_path: Path):
    market = quotes((0, 99, 101), (500, 98, 100), (100, 97, 99))
    how = policies(inputs_policy(rows=rows(sort_within=timedelta(minutes=10))))
    ours, theirs = in_one(tmp_path, "fills", {("d", "X"): fills(fill(200, "buy", 97))}), tmp_path / "q.parquet"
    market.write_parquet(theirs)
    inputs = MarketInputs(Request(fills=ours, quotes=theirs), how)
    hour = TimeWindow(START, START + timedelta(hours=1))
    policy = edge_policy(stale_after=timedelta(hours=1))
    found = measure_parts(inputs.parts(), policy=policy, instruments=how.instruments, window=hour).report
    assert found["total"]["spread_capture_bps"] == pytest.approx(1e4 / 98), "the mid of 100 s is 98"
