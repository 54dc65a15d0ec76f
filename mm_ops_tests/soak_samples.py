"""Samples of a small healthy bot on a 15 s grid, every SLI's series among them; a test changes one thing."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.recording import encode_samples
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.sli.kinds import HistogramQuantile
from mm_ops.domain.sli.series import join_runs, labels_text, split_series
from mm_ops.domain.soak.metrics import measure_soak
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.verdicts import Reference, judge
from mm_ops.domain.verdict import Finding
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.requirements import PROJECT

POLICIES = PROJECT / "deploy" / "policies"
STEP = timedelta(seconds=15)
VERSION = "1.0.0"
END = date(2026, 11, 20)
WINDOW = TimeWindow.ending(TimeWindow.of_day(END).end, timedelta(hours=72))
Array = NDArray[np.float64]


def catalogue() -> SliCatalogue:
    """The project's own."""
    return read_policy(POLICIES / "slis.yaml", SliCatalogue)


def soak_policy() -> SoakPolicy:
    """The project's own."""
    return read_policy(POLICIES / "soak.yaml", SoakPolicy)


def bucket_bounds() -> tuple[float, ...]:
    """The finite bounds of the tick histogram."""
    return next(sli.measure.bounds for sli in catalogue().slis if isinstance(sli.measure, HistogramQuantile))


def measured(frame: pl.DataFrame, window: TimeWindow = WINDOW, source: str | None = None) -> dict[str, Any]:
    """A soak of these samples, measured as the project's policies say."""
    return measure_soak(catalogue(), soak_policy(), split_series(frame), window, source=source)


def judged(metrics: Mapping[str, Any], version: str | None = VERSION) -> list[Finding]:
    """Judged as the project's policies say."""
    return judge(metrics, soak_policy(), Reference(version=version))


def frame_of(series: Mapping[tuple[str, str], tuple[NDArray[np.int64], Array]]) -> pl.DataFrame:
    """A sample frame of series: (metric, labels text) to times in nanoseconds and values."""
    return join_runs(
        {
            key: [
                pl.DataFrame({"ts_ns": times, "value": values}).select(
                    "ts_ns", pl.lit(key[0]).alias("metric"), pl.lit(key[1]).alias("labels"), "value"
                )
            ]
            for key, (times, values) in series.items()
        }
    )


def healthy(
    window: TimeWindow = WINDOW, step: timedelta = STEP, bot: str = "paper", version: str = VERSION
) -> pl.DataFrame:
    """Every series that an SLI reads: 10 ticks a step, 0.1 % missed, cache 90 % hit, 100 ms at most for 97 %."""
    times = np.arange(window.start_ns, window.end_ns, step // timedelta(microseconds=1) * 1000, dtype=np.int64)
    n = np.arange(times.size, dtype=np.float64)
    wave = np.sin(n / 200)
    values: dict[tuple[str, str], Array] = {
        ("mm_ticks_total", ""): 10 * n,
        ("mm_deadline_miss_total", ""): np.floor(n / 100),
        ("mm_md_cache_hit_total", ""): 9 * n,
        ("mm_md_cache_miss_total", ""): n,
        ("mm_edge_bps_ema24h", ""): 2.8 + 0.3 * wave,
        ("mm_maker_share_ratio", ""): 0.92 + 0.02 * wave,
        ("mm_ws_lag_max_ms", ""): 80 + 20 * wave,
        ("mm_build_info", f"version={version}"): 0 * n + 1,
        ("mm_ws_lag_p95_ms", ""): 30 + wave,
        ("process_resident_memory_bytes", ""): 180 * 2**20 + 2**20 * wave,
        ("process_open_fds", ""): 64 + np.floor(wave + 0.5),
        ("process_start_time_seconds", ""): 0 * n + 1_795_000_000,
        ("mm_circuit_breaker_state", "state=open"): np.where(n % 10_000 < 2, 1.0, 0.0),
        ("mm_circuit_breaker_state", "state=closed"): np.where(n % 10_000 < 2, 0.0, 1.0),
    }
    for guard in ("max_position", "price_band", "loss_limit", "drift"):
        values["mm_guard_trip_total", f"guard={guard}"] = 0 * n
    values |= _buckets(n)
    return frame_of({(metric, _labels(bot, text)): (times, array) for (metric, text), array in values.items()})


def _buckets(n: Array) -> dict[tuple[str, str], Array]:
    bounds = [*bucket_bounds(), np.inf]
    shares = [min(0.97 * bound / 100, 0.97 + 0.03 * (bound > 100)) for bound in bounds]
    return {
        ("mm_stage_duration_ms_bucket", f"stage=tick_total,le={'+Inf' if bound == np.inf else bound}"): np.floor(
            10 * n * share
        )
        for bound, share in zip(bounds, shares, strict=True)
    }


def _labels(bot: str, text: str) -> str:
    further = dict(pair.split("=") for pair in text.split(",") if pair)
    return labels_text({"bot": bot, **further})


def write_recording(root: Path, frame: pl.DataFrame, window: TimeWindow = WINDOW) -> Path:
    """Write a frame as a recorder does, one file a day; a day without a row gets no file."""
    for day in window.days():
        inside = TimeWindow.of_day(day)
        rows = frame.filter((pl.col("ts_ns") >= inside.start_ns) & (pl.col("ts_ns") < inside.end_ns))
        if rows.height:
            file = root / "samples" / f"date={day.isoformat()}" / "samples.parquet"
            file.parent.mkdir(parents=True)
            file.write_bytes(encode_samples(rows))
    return root
