"""From when to when data are; what the inputs make of it is in ``test_market_inputs``."""

from pathlib import Path

import polars as pl
import pytest

from mm_ops.adapters.market_span import read_symbols, span_of
from mm_ops.domain.edge.columns import FileMapping
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import START_NS

HOUR = 3_600 * 10**9


def times(*hours: float | None) -> pl.Series:
    return pl.Series([None if at is None else START_NS + round(at * HOUR) for at in hours], dtype=pl.Int64)


def span(clocks: set[str], *given: tuple[str, pl.Series]) -> tuple[float, float] | None:
    """Hours from the start; the end is a microsecond after the last time, which is not told here."""
    window = span_of(given, clocks)
    return None if window is None else ((window.start_ns - START_NS) / HOUR, (window.end_ns - 1000 - START_NS) / HOUR)


def test_only_the_clock_that_orders_is_spanned_and_every_clock_where_none_is_known():
    given = (("ts_ns", times(1, 5)), ("exch_ts_ns", times(3, 2)), ("exch_ts_ns", times(None, 4)))
    assert span({"exch_ts_ns"}, *given) == (2, 4)
    assert span({"ts_ns", "exch_ts_ns"}, *given) == span(set(), *given) == (1, 5)
    assert span({"exch_ts_ns"}, given[0]) == (1, 5), "a clock that no file has spans nothing"


def test_without_a_time_there_is_no_span():
    assert span({"ts_ns"}, ("ts_ns", times()), ("ts_ns", times(None))) is None


def test_a_span_whose_hours_are_nearly_all_empty_is_refused():
    assert span(set(), ("ts_ns", times(0, 0.5, 199))) == (0, 199), "2 of 200 hours are a hundredth"
    with pytest.raises(SchemaError, match="in only 2 of these 201 hours"):
        span(set(), ("ts_ns", times(0, 0.5, 200)))
    assert span({"exch_ts_ns"}, ("ts_ns", times(200)), ("exch_ts_ns", times(0, 1))) == (0, 1)


def test_the_symbols_of_a_file_are_told_by_whatever_its_column_is_called(tmp_path: Path):
    pl.DataFrame({"sym": ["X", None, "Y", "X"]}).write_parquet(tmp_path / "f.parquet")
    assert read_symbols(tmp_path / "f.parquet", FileMapping(columns={"symbol": "sym"})) == {"X", "Y"}
    assert read_symbols(tmp_path / "f.parquet", FileMapping()) == set()
