"""Buckets of one SLI, made of nothing but its values."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from mm_ops.domain.sli.measurement import Measurement
from mm_ops.domain.soak.buckets import Buckets, Restart, Restarts, SliBuckets
from mm_ops_tests.builders import START

HOUR = timedelta(hours=1)
GOOD = Measurement(
    value=1.0, samples=17280, coverage=1.0, longest_gap_s=15.0, series=1, not_finite=0, labels={"bot": "x"}
)
"""Of the whole window, without a fault."""


def sli_buckets(values: Sequence[float | None], **different: Any) -> SliBuckets:
    usual: dict[str, Any] = {
        "unit": "ms",
        "definition": {"kind": "gauge", "metric": "x", "statistic": "mean"},
        "values": tuple(values),
        "coverage": (1.0,) * len(values),
        "remarks": {},
    }
    return SliBuckets(**{**usual, **different})


def restarted(*hours: float) -> tuple[Restart, ...]:
    """Restarts within the 15 s after these hours."""
    times = [START + hour * HOUR for hour in hours]
    return tuple(Restart(after=time, by=time + timedelta(seconds=15)) for time in times)


def buckets(
    values: Sequence[float | None],
    *,
    restarts: tuple[Restart, ...] = (),
    start_time: Measurement = GOOD,
    sli: SliBuckets | None = None,
    **different: Any,
) -> Buckets:
    """Hourly buckets of the SLI ``x``, from ``start`` on."""
    length, start = different.pop("length", HOUR), different.pop("start", START)
    usual: dict[str, Any] = {
        "length_s": length.total_seconds(),
        "scrape_interval_s": 15.0,
        "starts": tuple(start + n * length for n in range(len(values))),
        "restarts": Restarts(times=restarts, evidence=start_time),
        "slis": {"x": sli or sli_buckets(values)},
    }
    return Buckets(**{**usual, **different})
