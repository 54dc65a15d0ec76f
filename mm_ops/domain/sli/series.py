"""Raw samples: the frame that every source gives, and its series.

A sample frame has the columns of ``SAMPLE_SCHEMA`` and is sorted by (metric, labels, ts_ns), so that each series
is one run of rows. ``labels`` is compact JSON with sorted keys, without ``__name__``.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.policy import CLOSED, MetricName
from mm_ops.domain.windows import TimeWindow

SAMPLE_SCHEMA = pl.Schema({"ts_ns": pl.Int64, "metric": pl.String, "labels": pl.String, "value": pl.Float64})

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
    """Where raw samples come from: a recording, or a Prometheus. The same data gives the same series."""

    def read_series(self, selectors: Sequence[Selector], window: TimeWindow) -> "list[Series]":
        """Read every sample of the selected series with ``start`` <= t < ``end``, as what measures it wants them.

        Returns:
            The series that have a sample there, sorted by (metric, labels text); those that are scraped together may
            share one array of times.

        Raises:
            MissingEvidenceError: nothing was recorded in the window, or what was is gone.
            IntegrityError: what is stored is not what was recorded.
            SchemaError: what is stored is not a sample frame.
            SourceUnavailableError: the source did not answer, or not in full.
        """
        ...

    def read(self, selectors: Sequence[Selector], window: TimeWindow) -> pl.DataFrame:
        """Read the same as one frame, for what stores samples; it takes six times the memory.

        Returns:
            A frame of ``SAMPLE_SCHEMA``, sorted by (metric, labels, ts_ns); empty where there is no such series.

        Raises:
            MmOpsError: as :meth:`read_series`.
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
    edges = np.union1d(_edges(frame["metric"]), _edges(frame["labels"])).tolist()
    runs: dict[tuple[str, str], pl.DataFrame] = {}
    for start, end in itertools.pairwise(edges):
        key = (frame.item(start, "metric"), frame.item(start, "labels"))
        if key in runs:
            raise SchemaError(f"{key[0]}{key[1]}: expected all rows of a series together, was in two places")
        runs[key] = frame.slice(start, end - start)
        refuse_disorder(*key, runs[key]["ts_ns"].to_numpy())
    return [(*key, rows) for key, rows in runs.items()]


def _edges(column: pl.Series) -> NDArray[np.int64]:
    """Where a column's value changes, with 0 and its length."""
    lengths = column.rle().struct.field("len").to_numpy()
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))


def refuse_disorder(metric: str, labels: str, ts_ns: NDArray[np.int64]) -> None:
    """Refuse times that do not strictly increase.

    Raises:
        SchemaError: names the series and the time.
    """
    late = np.flatnonzero(ts_ns[1:] <= ts_ns[:-1])
    if late.size:
        at = ts_ns[1 + late[0]]
        raise SchemaError(f"{metric}{labels}: expected times that increase, was {at} ns at or before the last")


def join_runs(parts: Mapping[tuple[str, str], Sequence[pl.DataFrame]]) -> pl.DataFrame:
    """Make one sample frame of the pieces of each series (metric, labels text), which are in order of time."""
    ordered = [rows for key in sorted(parts) for rows in parts[key]]
    return pl.concat([SAMPLE_SCHEMA.to_frame(), *ordered], rechunk=True)


def join_series(series: Iterable[Series]) -> pl.DataFrame:
    """Make one sample frame of series: what :func:`split_series` takes apart."""
    return join_runs(
        {
            (one.metric, text): [
                pl.DataFrame({"ts_ns": one.ts_ns, "value": one.values}).select(
                    "ts_ns", pl.lit(one.metric).alias("metric"), pl.lit(text).alias("labels"), "value"
                )
            ]
            for one in series
            for text in [labels_text(one.labels)]
        }
    )


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
