"""The rows that were left out as faulty, each with its reason, file and row: JSON lines for who repairs them."""

import json
from collections import Counter
from pathlib import Path
from typing import Literal

import polars as pl

from mm_ops.domain.edge.columns import Kind
from mm_ops.domain.edge.inputs import Reason

Why = Reason | Literal["duplicate_fill", "alike_without_id"]
_NO_FAULTS = ("duplicate_fill", "alike_without_id")


class Rejects:
    """Collects rejected rows of one report's inputs, in the order in which they were met."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._counts: dict[Kind, Counter[str]] = {"fills": Counter(), "quotes": Counter()}

    def add(self, kind: Kind, file: Path, why: Why, column: str, rows: pl.Series, values: pl.DataFrame) -> None:
        """Add rows of one file.

        Args:
            kind: fills or quotes.
            file: where they are from.
            why: the fault they share.
            column: where it is.
            rows: their numbers in the file, counted from 0.
            values: the same rows as they came; what is no JSON, such as NaN, is written as null.
        """
        self._counts[kind][why] += values.height
        head = json.dumps({"kind": kind, "reason": why, "column": column, "file": str(file)})[:-1]
        for row, line in zip(rows, values.write_ndjson().splitlines(), strict=True):
            self._lines.append(f'{head}, "row": {row}, "values": {line}}}\n')

    def counts(self, kind: Kind) -> dict[str, int]:
        """How many rows by reason, without those that are too many and not wrong."""
        return {why: n for why, n in sorted(self._counts[kind].items()) if why not in _NO_FAULTS}

    def duplicates(self) -> int:
        """How many fills came twice or were alike, and were left out for it."""
        return sum(self._counts["fills"][why] for why in _NO_FAULTS)

    def encode(self) -> bytes:
        """All of them as JSON lines; empty where there are none."""
        return "".join(self._lines).encode()
