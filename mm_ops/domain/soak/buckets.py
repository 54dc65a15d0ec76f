"""An SLI over consecutive parts of a window: what trends and comparisons of two soaks look at.

A bucket is measured by the SLI's own ``evaluate``, so that it means what the SLI means. What counters count
between the last sample of one bucket and the first of the next would belong to neither. So an SLI over counters
starts each bucket at the last sample before it (one scrape earlier, where none was lost), and the increases of
all buckets add up to that of the window. After an outage that sample is long ago: the bucket then holds what
happened since, and its coverage, taken over the longer stretch, says that it is no ordinary one. Gauges start at
the bucket's edge; the time of a condition loses what lies before a bucket's first sample, as a window does.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mm_ops.domain.canonical import encode, to_plain
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.policy import CLOSED
from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.gauges import Gauge
from mm_ops.domain.sli.measurement import Measurement, Scope, pick
from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.soak.bucket_rules import BucketPolicy
from mm_ops.domain.windows import TimeWindow, format_duration, from_ns

MOST = 1000
"""Buckets of a window. Source: the pairs of that many points, half a million, still fit into a few megabytes."""

Number = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Restart:
    """The process started anew after the one sample and by the next."""

    after: datetime
    by: datetime


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Restarts:
    """When the process started anew, and the evidence of the gauge that says so; without a value nothing is known."""

    times: tuple[Restart, ...]
    evidence: Measurement


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class SliBuckets:
    """One SLI: its unit, what defines it, and for each bucket a value and a coverage.

    A value is null where there is none or where a sample is NaN or infinite. ``remarks`` says why, by the number of
    the bucket, and also where a value is known but does not suffice for a pass.
    """

    unit: str
    definition: dict[str, Any]
    values: tuple[Number | None, ...]
    coverage: tuple[Share, ...]
    remarks: dict[int, str]

    @property
    def doubtful(self) -> list[int]:
        """The buckets whose value is known, but does not suffice for a pass."""
        return [number for number in sorted(self.remarks) if self.values[number] is not None]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Buckets:
    """All SLIs over the same buckets, oldest first."""

    length_s: Seconds
    scrape_interval_s: Seconds
    starts: Annotated[tuple[datetime, ...], Field(min_length=1)]
    restarts: Restarts
    slis: dict[str, SliBuckets]

    def __post_init__(self) -> None:
        if any(late - early != self.length for early, late in pairwise(self.starts)):
            raise ValueError(f"starts: expected one every {format_duration(self.length)}")
        for name, sli in self.slis.items():
            for what, array in (("values", sli.values), ("coverage", sli.coverage)):
                if len(array) != len(self.starts):
                    raise ValueError(f"slis.{name}.{what}: expected {len(self.starts)}, was {len(array)}")
            if not set(sli.remarks) <= set(range(len(self.starts))):
                raise ValueError(f"slis.{name}.remarks: expected numbers of buckets, was {sorted(sli.remarks)}")

    @property
    def length(self) -> timedelta:
        """Of one bucket."""
        return timedelta(seconds=self.length_s)

    @property
    def window(self) -> TimeWindow:
        """From the first bucket's start to the last one's end."""
        return TimeWindow(self.starts[0], self.starts[-1] + self.length)


_ADAPTER = TypeAdapter(Buckets)


def measure_buckets(slis: Iterable[Sli], table: Sequence[Series], scope: Scope, policy: BucketPolicy) -> dict[str, Any]:
    """Measure SLIs over the buckets of a window, as it is stored.

    Args:
        slis: what to measure.
        table: series as ``split_series`` gives them; samples outside the window are left out.
        scope: the window and the scrape interval.
        policy: the length of a bucket, and the metric that tells of a restart.

    Returns:
        The fields of ``Buckets`` as plain values, times as text.

    Raises:
        PolicyError: the window is not a whole number of buckets, or of more than ``MOST``.
    """
    windows = _split(scope.window, policy.length)
    inside = [series.within(scope.window) for series in table]
    measured = {sli.name: _measure(sli, inside, windows, scope.scrape_interval) for sli in slis}
    plain: dict[str, Any] = to_plain(
        Buckets(
            length_s=policy.length.total_seconds(),
            scrape_interval_s=scope.scrape_interval.total_seconds(),
            starts=tuple(window.start for window in windows),
            restarts=_find_restarts(inside, scope, policy.restart_metric),
            slis=measured,
        )
    )
    return plain


def buckets_from(document: Mapping[str, Any]) -> Buckets:
    """Read back what :func:`measure_buckets` gave.

    Raises:
        SchemaError: a field is absent, unknown or of another type, or the arrays do not fit each other; names it.
    """
    try:
        return _ADAPTER.validate_json(encode(document), strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(str(step) for step in fault["loc"]) or "all"
        raise SchemaError(f"soak buckets: {field}: {fault['msg']}, was {str(fault['input'])[:80]!r}") from error
    except (TypeError, ValueError) as error:
        raise SchemaError(f"soak buckets: not the JSON that was stored: {error}") from error


def _split(window: TimeWindow, length: timedelta) -> list[TimeWindow]:
    count, rest = divmod(window.duration, length)
    if rest or count > MOST:
        asked = f"expected a whole number of them up to {MOST} in {format_duration(window.duration)}"
        raise PolicyError(f"soak.yaml: buckets.length: {asked}, was {format_duration(length)}")
    return [TimeWindow(window.start + n * length, window.start + (n + 1) * length) for n in range(count)]


def _measure(sli: Sli, inside: Sequence[Series], windows: Sequence[TimeWindow], every: timedelta) -> SliBuckets:
    selectors = sli.measure.selectors()
    own = [one for one in inside if any(selector.selects(one.metric, one.labels) for selector in selectors)]
    found = []
    for window in windows:
        cut, reach = _reach_back(own, window) if sli.measure.windowed else (own, window)
        found.append(sli.measure.evaluate(cut, Scope(reach, every)))
    remarks = {number: _remark(one) for number, one in enumerate(found)}
    return SliBuckets(
        unit=sli.unit,
        definition=to_plain(sli.measure),
        values=tuple(None if one.not_finite else one.value for one in found),
        coverage=tuple(one.coverage for one in found),
        remarks={number: remark for number, remark in remarks.items() if remark},
    )


def _reach_back(own: Sequence[Series], window: TimeWindow) -> tuple[list[Series], TimeWindow]:
    """Cut each series to the bucket and its last sample before; one without a sample inside is not there."""
    cut = []
    for series in own:
        first, last = np.searchsorted(series.ts_ns, [window.start_ns, window.end_ns], side="left")
        if first < last:
            part = slice(max(0, first - 1), last)
            cut.append(Series(series.metric, series.labels, series.ts_ns[part], series.values[part]))
    earliest = min((int(series.ts_ns[0]) for series in cut), default=window.start_ns)
    return cut, TimeWindow(min(window.start, from_ns(earliest)), window.end)


def _remark(measurement: Measurement) -> str | None:
    if measurement.not_finite:
        return f"{measurement.not_finite} samples are NaN or infinite"
    return measurement.detail or measurement.doubt


def _find_restarts(inside: Sequence[Series], scope: Scope, metric: str) -> Restarts:
    evidence = Gauge(metric=metric, statistic="last").evaluate(inside, scope)
    if evidence.value is None or evidence.not_finite:
        return Restarts(times=(), evidence=evidence)
    series = pick(inside, Selector(metric), scope.window)[0]
    changed = np.flatnonzero(np.diff(series.values)).tolist()
    times = [(from_ns(int(series.ts_ns[n])), from_ns(int(series.ts_ns[n + 1]))) for n in changed]
    return Restarts(times=tuple(Restart(after=after, by=by) for after, by in times), evidence=evidence)
