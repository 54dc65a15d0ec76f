"""Which file and row each of some fills came from, beside their frame: a column for it would copy all others."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl


class Origin:
    """The files of some fills one after the other, each with the numbers of the rows that were taken of it."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._rows: list[pl.Series] = []

    def add(self, file: Path, taken: pl.Series) -> None:
        """Add a file; ``taken`` says of each of its rows whether it is among the fills."""
        self._files.append(file)
        self._rows.append(taken.arg_true())

    def filter(self, kept: pl.Series) -> "Origin":
        """The origin of some of the fills."""
        some = Origin()
        some._files = self._files
        some._rows = [rows.filter(of_file) for rows, of_file in zip(self._rows, self._split(kept), strict=True)]
        return some

    def find(self, which: pl.Series) -> Iterator[tuple[Path, pl.Series, pl.Series]]:
        """Of each file that has any of the chosen fills: where they are among all, and their rows in the file."""
        first = 0
        for file, rows, of_file in zip(self._files, self._rows, self._split(which), strict=True):
            if of_file.any():
                yield file, of_file.arg_true() + first, rows.filter(of_file)
            first += rows.len()

    def _split(self, mask: pl.Series) -> list[pl.Series]:
        firsts = [sum(rows.len() for rows in self._rows[:at]) for at in range(len(self._rows))]
        return [mask.slice(first, rows.len()) for first, rows in zip(firsts, self._rows, strict=True)]
