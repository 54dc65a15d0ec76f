"""A soak of 72 h x 1 s x 50 series, for the bench: written once, then read, judged and collected by fresh processes.

``python deploy/long_soak.py write|read|judge|collect FOLDER`` prints seconds and samples. 20 gauges, 20 counters and
the 10 buckets of a histogram make 50 series and as many SLIs, 10 of which are quantiles of the one histogram.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.adapters.recording import RecordingSamples, encode_samples
from mm_ops.adapters.segments import collect_day
from mm_ops.domain.sli.catalogue import Sli, SliCatalogue
from mm_ops.domain.sli.kinds import CounterIncrease, Gauge, HistogramQuantile
from mm_ops.domain.sli.measurement import Scope
from mm_ops.domain.sli.series import Series, join_series
from mm_ops.domain.windows import TimeWindow

LAST = date(2026, 11, 20)
WINDOW = TimeWindow.ending(TimeWindow.of_day(LAST).end, timedelta(hours=72))
STEP = timedelta(seconds=1)
BOUNDS = (25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0)


def catalogue() -> SliCatalogue:
    """50 SLIs."""
    measures = [
        *(Gauge(metric=f"bench_{n:02d}_ms", statistic="max") for n in range(20)),
        *(CounterIncrease(metric=f"bench_{n:02d}_total") for n in range(20)),
        *(HistogramQuantile(metric="bench_duration_ms", q=(n + 1) / 11, bounds=BOUNDS) for n in range(10)),
    ]
    return SliCatalogue(
        slis=tuple(
            Sli(name=f"bench_{n:02d}", unit="ms", measure=measure, source="deploy/bench.py")
            for n, measure in enumerate(measures)
        )
    )


def write(root: Path) -> int:
    """Write three days in hourly parts, as they are collected, with their entries."""
    rng = np.random.default_rng(7)
    for day in WINDOW.days():
        digests = {}
        for hour in range(24):
            start = TimeWindow.of_day(day).start + timedelta(hours=hour)
            name = f"samples/date={day}/part-{hour:02d}.parquet"
            data = encode_samples(join_series(make(TimeWindow(start, start + timedelta(hours=1)), rng)))
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
            digests[name] = hashlib.sha256(data).hexdigest()
        entry = root / f"days/date={day}/day.json"
        entry.parent.mkdir(parents=True)
        entry.write_text(json.dumps({"files": digests}))
    return 0


def make(window: TimeWindow, rng: np.random.Generator) -> Iterator[Series]:
    """Noise that does not compress, and counts that go on over the hours."""
    times = np.arange(window.start_ns, window.end_ns, 10**9, dtype=np.int64)
    counted = (times - WINDOW.start_ns) / 10**9
    for n in range(20):
        yield Series(f"bench_{n:02d}_ms", {"bot": "paper"}, times, rng.normal(100, 10, times.size))
        yield Series(
            f"bench_{n:02d}_total", {"bot": "paper"}, times, np.floor(counted * (n + 1) + rng.random(times.size))
        )
    for n, bound in enumerate([*map(str, BOUNDS), "+Inf"]):
        yield Series("bench_duration_ms_bucket", {"bot": "paper", "le": bound}, times, counted * (n + 1))


def read(root: Path) -> int:
    """Read every series."""
    return sum(one.values.size for one in RecordingSamples(root).read_series(catalogue().selectors(), WINDOW))


def decode(root: Path) -> int:
    """Only let polars decode the two columns of numbers: less cannot be done."""
    files = root.glob("samples/*/*.parquet")
    return sum(pl.read_parquet(file, columns=["ts_ns", "value"], hive_partitioning=False).height for file in files)


def judge(root: Path) -> int:
    """Read every series and measure every SLI."""
    table = RecordingSamples(root).read_series(catalogue().selectors(), WINDOW)
    scope = Scope(WINDOW, STEP)
    for sli in catalogue().slis:
        found = sli.measure.evaluate(table, scope)
        if found.value is None or found.coverage != 1:
            sys.exit(f"{sli.name}: expected a value of every sample, was {found}")
    return sum(one.values.size for one in table)


def collect(root: Path) -> int:
    """Collect the last day into another folder, an hour at a time."""
    evidence = BotEvidence(Artifacts(str(root / "collected")), "paper")
    done = collect_day(RecordingSamples(root), catalogue().selectors(), LAST, evidence, origin="deploy/bench.py")
    return done.samples


ACTIONS: dict[str, Callable[[Path], int]] = {
    "write": write,
    "read": read,
    "decode": decode,
    "judge": judge,
    "collect": collect,
}

if __name__ == "__main__":
    action, folder = sys.argv[1:]
    start = time.perf_counter()
    samples = ACTIONS[action](Path(folder))
    print(f"{time.perf_counter() - start:.2f} {samples}")
