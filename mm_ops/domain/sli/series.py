"""Raw samples: the frame that every source gives, and its series.

A sample frame has the columns of ``SAMPLE_SCHEMA`` and is sorted by (metric, labels, ts_ns), so that each series
is one run of rows. ``labels`` is compact JSON with sorted keys, without ``__name__``.
"""

import dataclasses
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.policy import CLOSED
from mm_ops.domain.windows import TimeWindow

SAMPLE_SCHEMA = pl.Schema({"ts_ns": pl.Int64, "metric": pl.String, "labels": pl.String, "value": pl.Float64})

MetricName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
LabelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]


@dataclass(frozen=True, config=CLOSED)
class Selector:
    """The series of one metric whose labels have these values; an empty value means that the label is absent."""

    metric: MetricName
    match: dict[LabelName, str] = Field(default_factory=dict)

    def selects(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Whether a series is one of them."""
        return metric == self.metric and all(labels.get(name, "") == value for name, value in self.match.items())

    def promql(self, matchers: Mapping[str, str]) -> str:
        """Write the selector as PromQL, with further labels that must match; ``match`` wins over them."""
        wanted = {**matchers, **self.match}
        if not wanted:
            return self.metric
        pairs = (f"{name}={json.dumps(wanted[name], ensure_ascii=False)}" for name in sorted(wanted))
        return f"{self.metric}{{{','.join(pairs)}}}"


class SampleSource(Protocol):
    """Where raw samples come from: a recording, or a Prometheus. The same data gives the same frame."""

    def read(self, selectors: Sequence[Selector], window: TimeWindow) -> pl.DataFrame:
        """Read every sample of the selected series with ``start`` <= t < ``end``.

        Returns:
            A frame of ``SAMPLE_SCHEMA``, sorted by (metric, labels, ts_ns); empty where there is no such series.

        Raises:
            MissingEvidenceError: nothing was recorded in the window.
            SchemaError: what is stored is not a sample frame.
            SourceUnavailableError: the source did not answer, or not in full.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series; both arrays have shape (n_samples,), times are UTC nanoseconds, strictly increasing."""

    metric: str
    labels: Mapping[str, str]
    ts_ns: NDArray[np.int64]
    values: NDArray[np.float64]

    def within(self, window: TimeWindow) -> "Series":
        """Cut to the half-open window; the arrays are views, nothing is copied."""
        first, last = np.searchsorted(self.ts_ns, [window.start_ns, window.end_ns], side="left")
        return Series(self.metric, self.labels, self.ts_ns[first:last], self.values[first:last])


def labels_text(labels: Mapping[str, str]) -> str:
    """Write labels the one way a sample frame holds them."""
    return json.dumps(labels, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def check_columns(schema: pl.Schema, where: str) -> None:
    """Refuse other columns or types than those of ``SAMPLE_SCHEMA``; further columns are left alone.

    Raises:
        SchemaError: names ``where``, the column, what was expected and what was found.
    """
    for column, expected in SAMPLE_SCHEMA.items():
        found = schema.get(column)
        if found != expected:
            was = "absent" if found is None else str(found)
            raise SchemaError(f"{where}: {column}: expected {expected}, was {was}")


def check_samples(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """Give back the columns of ``SAMPLE_SCHEMA``; refuse a frame that has not all of them, or a null in one.

    Raises:
        SchemaError: names ``where``, the column, what was expected and what was found.
    """
    check_columns(frame.schema, where)
    for column in SAMPLE_SCHEMA:
        nulls = frame[column].null_count()
        if nulls:
            raise SchemaError(f"{where}: {column}: expected a value in every row, was null in {nulls} of them")
    return frame.select(SAMPLE_SCHEMA.names())


def find_runs(frame: pl.DataFrame) -> list[tuple[str, str, pl.DataFrame]]:
    """Split a sample frame into its series: metric, labels text, rows (a slice, nothing is copied).

    Raises:
        SchemaError: a series stands in two places, or its times do not strictly increase.
    """
    metric, labels, time = pl.col("metric"), pl.col("labels"), pl.col("ts_ns")
    new = metric.ne_missing(metric.shift()) | labels.ne_missing(labels.shift())
    marks = frame.select(new=new, disordered=~new & (time <= time.shift()))
    starts = marks["new"].arg_true().to_list()
    runs: dict[tuple[str, str], pl.DataFrame] = {}
    for start, end in itertools.pairwise([*starts, frame.height]):
        key = (frame.item(start, "metric"), frame.item(start, "labels"))
        if key in runs:
            raise SchemaError(f"{key[0]}{key[1]}: expected all rows of a series together, was in two places")
        runs[key] = frame.slice(start, end - start)
    if marks["disordered"].any():
        row = frame.row(marks["disordered"].arg_true()[0], named=True)
        where = f"{row['metric']}{row['labels']}"
        raise SchemaError(f"{where}: expected times that increase, was {row['ts_ns']} ns at or before the last")
    return [(*key, rows) for key, rows in runs.items()]


def join_runs(parts: Mapping[tuple[str, str], Sequence[pl.DataFrame]]) -> pl.DataFrame:
    """Make one sample frame of the pieces of each series (metric, labels text), which are in order of time."""
    ordered = [rows for key in sorted(parts) for rows in parts[key]]
    return pl.concat([SAMPLE_SCHEMA.to_frame(), *ordered], rechunk=True)


def parse_labels(metric: str, text: str) -> dict[str, str]:
    """Read the labels of a series.

    Raises:
        SchemaError: the text is not a JSON object of texts, or not written the one way that :func:`labels_text`
            does, so that one series could stand under two names.
    """
    try:
        labels = json.loads(text)
    except ValueError as error:
        raise SchemaError(f"{metric}: labels: expected JSON, was {text[:80]!r}") from error
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise SchemaError(f"{metric}: labels: expected a JSON object of texts, was {text[:80]!r}")
    if labels_text(labels) != text:
        raise SchemaError(f"{metric}: labels: expected compact JSON with sorted keys, was {text[:80]!r}")
    return labels


def split_series(frame: pl.DataFrame) -> list[Series]:
    """Make the series of a checked sample frame.

    Raises:
        SchemaError: the frame is not sorted, or labels are not a JSON object of texts.
    """
    return [
        Series(metric, parse_labels(metric, text), rows["ts_ns"].to_numpy(), rows["value"].to_numpy())
        for metric, text, rows in find_runs(frame)
    ]
