"""Which files are read together, and in which order."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mm_ops.adapters.market_groups import find_spans, group_files, in_time_order
from mm_ops.domain.edge.columns import AS_IS, FileMapping
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import START_NS, quotes

SECOND = 10**9


def paths(*names: str) -> list[Path]:
    return [Path(name) for name in names]


GROUPS = {
    "a symbol's day where both are so divided": (
        paths("f/date=1/symbol=X/f", "f/date=2/symbol=X/f", "f/date=1/symbol=Y/f"),
        paths("q/date=1/symbol=X/q", "q/date=2/symbol=X/q", "q/date=2/symbol=Y/q", "q/date=1/symbol=Z/q"),
        [("X", 1, 1), ("Y", 1, 0), ("X", 1, 1), ("Y", 0, 1)],
    ),
    "a day where files hold several symbols": (
        paths("f/date=1/f", "f/date=2/f"),
        paths("q/date=1/symbol=X/q", "q/date=2/symbol=X/q"),
        [(None, 1, 1), (None, 1, 1)],
    ),
    "a symbol where files hold several days": (
        paths("f/symbol=X/f", "f/symbol=Y/f"),
        paths("q/date=1/symbol=X/q", "q/date=2/symbol=X/q"),
        [("X", 1, 2), ("Y", 1, 0)],
    ),
    "everything where neither holds": (
        paths("f.parquet"),
        paths("q/date=1/symbol=X/q", "q/date=2/symbol=Y/q"),
        [(None, 1, 2)],
    ),
}


@pytest.mark.parametrize("name", GROUPS)
def test_what_is_read_at_once_is(name: str):
    fills, market, expected = GROUPS[name]
    groups = group_files(fills, market)
    assert [(each.symbol, len(each.fills), len(each.quotes)) for each in groups] == expected


def written(path: Path, *seconds: float, receive_late: float = 0.0) -> Path:
    frame = quotes(*((at, 99, 101) for at in seconds))
    frame.with_columns(ts_ns=pl.col("ts_ns") + round(receive_late * SECOND)).write_parquet(path)
    return path


def test_files_are_put_in_the_order_of_their_times_and_those_that_overlap_together(tmp_path: Path):
    late, early = written(tmp_path / "a", 200, 300), written(tmp_path / "b", 0, 100)
    between = written(tmp_path / "c", 250, 400)
    for file in (late, early, between):
        file.rename(file.with_suffix(".parquet"))
    a, b, c = (tmp_path / f"{name}.parquet" for name in "abc")
    assert list(in_time_order([a, b, c], "quotes", AS_IS)) == [[b], [a, c]]
    assert list(in_time_order([a], "quotes", AS_IS)) == [[a]]
    assert list(in_time_order([], "quotes", AS_IS)) == [[]]


def test_a_recorder_whose_clock_is_late_does_not_make_days_overlap(tmp_path: Path):
    """The first file was cut by the receive clock, and its exchange times reach 1.3 s into the second's."""
    first = written(tmp_path / "1.parquet", 0, 101.3, receive_late=-1.3)
    second = written(tmp_path / "2.parquet", 100, 200)
    assert list(in_time_order([second, first], "quotes", AS_IS)) == [[first], [second]]
    much = written(tmp_path / "3.parquet", 169, 300)  # 31 s before the second's last
    assert list(in_time_order([first, second, much], "quotes", AS_IS)) == [[first], [second, much]]


def test_spans_are_of_each_clock_that_is_there_in_its_unit(tmp_path: Path):
    file = written(tmp_path / "q.parquet", 2, 1, 3, receive_late=10)
    assert find_spans(file, "quotes", AS_IS) == {
        "ts_ns": (START_NS + 11 * SECOND, START_NS + 13 * SECOND),
        "exch_ts_ns": (START_NS + SECOND, START_NS + 3 * SECOND),
    }
    in_ms = pl.DataFrame({"t": [START_NS // 10**6, None]})
    in_ms.write_parquet(tmp_path / "ms.parquet")
    mapping = FileMapping(columns={"ts_ns": "t", "exch_ts_ns": "t"}, time_unit="ms")
    assert find_spans(tmp_path / "ms.parquet", "quotes", mapping)["exch_ts_ns"] == (START_NS, START_NS)
    pl.DataFrame({"ts_ns": pl.Series([], dtype=pl.Int64)}).write_parquet(tmp_path / "none.parquet")
    assert find_spans(tmp_path / "none.parquet", "quotes", AS_IS) == {}


def test_a_file_without_times_says_what_it_lacks(tmp_path: Path):
    quotes((0, 99, 101)).drop("ts_ns").write_parquet(tmp_path / "q.parquet")
    with pytest.raises(SchemaError, match=r"q\.parquet: expected the columns ts_ns, found exch_ts_ns"):
        find_spans(tmp_path / "q.parquet", "quotes", AS_IS)
    written(tmp_path / "ms.parquet", timedelta(days=-40_000).total_seconds())
    with pytest.raises(SchemaError, match="ts_ns: row 0: expected nanoseconds of 1990"):
        find_spans(tmp_path / "ms.parquet", "quotes", AS_IS)
