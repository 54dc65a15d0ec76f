from pathlib import Path

import polars as pl

from mm_ops.adapters.origin import Origin

FIRST, SECOND = Path("first"), Path("second")


def mask(*values: int) -> pl.Series:
    return pl.Series([bool(value) for value in values], dtype=pl.Boolean)


def found(origin: Origin, *which: int) -> list[tuple[Path, list[int], list[int]]]:
    return [(file, at.to_list(), rows.to_list()) for file, at, rows in origin.find(mask(*which))]


def two_files() -> Origin:
    """Rows 0 and 2 of the first file, and row 1 of the second."""
    origin = Origin()
    origin.add(FIRST, mask(1, 0, 1))
    origin.add(SECOND, mask(0, 1))
    return origin


def test_fills_are_found_in_their_files_by_the_rows_that_these_had():
    assert found(two_files(), 1, 1, 1) == [(FIRST, [0, 1], [0, 2]), (SECOND, [2], [1])]
    assert found(two_files(), 0, 1, 0) == [(FIRST, [1], [2])]
    assert found(two_files(), 0, 0, 0) == []


def test_those_that_are_left_keep_their_file_and_row():
    some = two_files().filter(mask(0, 1, 1))
    assert found(some, 1, 1) == [(FIRST, [0], [2]), (SECOND, [1], [1])]
    assert found(some.filter(mask(0, 1)), 1) == [(SECOND, [0], [1])]
