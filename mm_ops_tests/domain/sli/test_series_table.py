import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sli.series import SAMPLE_SCHEMA, Series, find_runs, join_series, split_series
from mm_ops.domain.sli.series_table import SeriesTable, Times, Values

GRID = np.arange(0, 40, dtype=np.int64)
KEYS = [("m", "{}"), ("m", '{"a":"1"}'), ("l", '{"a":"2"}')]


def times(*seconds: int) -> Times:
    return np.array(seconds, dtype=np.int64)


@st.composite
def cut_series(draw: st.DrawFn) -> dict[tuple[str, str], list[Times]]:
    """Some series, each some of the grid's times in pieces; some have the same."""
    found = {}
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True)):
        whole = np.array(sorted(draw(st.sets(st.sampled_from(GRID.tolist()), min_size=1))), dtype=np.int64)
        cuts = sorted(draw(st.sets(st.integers(1, whole.size - 1)))) if whole.size > 1 else []
        found[key] = np.split(whole, cuts)
    if len(found) > 1 and draw(st.booleans()):
        first, second, *_ = found
        found[second] = found[first]
    return found


def values_at(metric: str, labels: str, at: Times) -> Values:
    return np.asarray(at * 0.5 + len(metric + labels), dtype=np.float64)


@given(cut_series())
def test_series_are_whole_and_sorted_wherever_they_were_cut(cut: dict[tuple[str, str], list[Times]]):
    table = SeriesTable()
    for (metric, labels), pieces in cut.items():
        for piece in pieces:
            table.add(metric, labels, piece, values_at(metric, labels, piece))
    found = table.finish()
    frame = join_series(found)
    assert frame.schema == SAMPLE_SCHEMA
    assert [(metric, labels) for metric, labels, _ in find_runs(frame)] == sorted(cut)
    for key, one in zip(sorted(cut), split_series(frame), strict=True):
        whole = np.concatenate(cut[key])
        assert one.ts_ns.tolist() == whole.tolist()
        assert one.values.tolist() == values_at(*key, whole).tolist()
    assert [one.labels for one in found] == [one.labels for one in split_series(frame)]


def two_series(second: Times) -> list[Series]:
    """Series a with the pieces 1, 2 and 3; series b with 1, 2 and ``second``."""
    table = SeriesTable()
    for metric, last in (("a", times(3)), ("b", second)):
        table.add(metric, "{}", times(1, 2), np.array([1.0, 2.0]))
        table.add(metric, "{}", last, np.ones(last.size))
    return table.finish()


def test_series_that_are_scraped_together_share_their_times():
    first, second = two_series(times(3))
    assert first.ts_ns is second.ts_ns
    assert second.ts_ns.tolist() == [1, 2, 3]


@pytest.mark.parametrize("last", [times(4), times(3, 4), times(3, 4, 5)])
def test_series_that_are_not_have_their_own(last: Times):
    first, second = two_series(last)
    assert first.ts_ns.tolist() == [1, 2, 3]
    assert second.ts_ns.tolist() == [1, 2, *last.tolist()]


def test_pieces_that_only_begin_and_end_alike_are_not_taken_for_the_same():
    table = SeriesTable()
    table.add("a", "{}", times(1, 2, 9), np.zeros(3))
    table.add("b", "{}", times(1, 3, 9), np.zeros(3))
    assert [one.ts_ns.tolist() for one in table.finish()] == [[1, 2, 9], [1, 3, 9]]


@pytest.mark.parametrize(("piece", "at"), [(times(5, 6), 5), (times(4, 6), 4), (times(6, 6), 6), (times(7, 9, 8), 8)])
def test_times_must_increase_within_a_piece_and_from_one_to_the_next(piece: Times, at: int):
    table = SeriesTable()
    table.add("m", "{}", times(5), np.zeros(1))
    with pytest.raises(
        SchemaError, match=rf"^m\{{\}}: expected times that increase, was {at} ns at or before the last"
    ):
        table.add("m", "{}", piece, np.zeros(piece.size))


def test_labels_are_read_when_they_come():
    with pytest.raises(SchemaError, match="m: labels: expected JSON, was 'x'"):
        SeriesTable().add("m", "x", times(1), np.zeros(1))


def test_what_was_given_is_copied_and_what_is_given_away_cannot_be_changed():
    at, values = times(1, 2), np.array([1.0, 2.0])
    table = SeriesTable()
    table.add("m", "{}", at, values)
    at[:], values[:] = 7, 7
    (one,) = table.finish()
    assert (one.ts_ns.tolist(), one.values.tolist()) == ([1, 2], [1.0, 2.0])
    for array in (one.ts_ns, one.values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_table_is_empty_once_its_series_are_given_away():
    table = SeriesTable()
    table.add("m", "{}", times(1), np.zeros(1))
    assert len(table.finish()) == 1
    assert table.finish() == []
