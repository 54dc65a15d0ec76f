"""A soak of 72 h x 1 s x 50 series, for the bench: written once, then read, judged and collected by fresh processes.

``python deploy/long_soak.py write|read|judge|collect FOLDER`` prints seconds and samples. 20 gauges, 20 counters and
the 10 buckets of a histogram make 50 series and as many SLIs, 10 of which are quantiles of the one histogram. Each SLI
has a gate with an alert, each gauge a trend; rules are evaluated every 15 s, as in deploy/policies/soak.yaml.
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
from mm_ops.domain.sli.kinds import CounterIncrease, Gauge, HistogramQuantile, Kind
from mm_ops.domain.sli.series import Series, join_series
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.bucket_rules import BucketPolicy, Trend
from mm_ops.domain.soak.metrics import measure_soak
from mm_ops.domain.soak.policy import Action, Alert, Gate, Level, SoakPolicy
from mm_ops.domain.soak.resolve import resolve, selectors_of
from mm_ops.domain.soak.verdicts import Reference, fold
from mm_ops.domain.soak.verdicts import judge as judge_soak
from mm_ops.domain.verdict import Severity, Verdict
from mm_ops.domain.windows import TimeWindow

LAST = date(2026, 11, 20)
WINDOW = TimeWindow.ending(TimeWindow.of_day(LAST).end, timedelta(hours=72))
STEP = timedelta(seconds=1)
SOURCE = "deploy/bench.py"
BOUNDS = (25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0)


def catalogue() -> SliCatalogue:
    """50 SLIs."""
    measures: list[Kind] = [
        *(Gauge(metric=f"bench_{n:02d}_ms", statistic="max") for n in range(20)),
        *(CounterIncrease(metric=f"bench_{n:02d}_total") for n in range(20)),
        *(HistogramQuantile(metric="bench_duration_ms", q=(n + 1) / 12, bounds=BOUNDS) for n in range(10)),
    ]
    return SliCatalogue(
        slis=tuple(
            Sli(name=f"bench_{n:02d}", unit="ms", measure=measure, source=SOURCE) for n, measure in enumerate(measures)
        )
    )


def policy(slis: SliCatalogue) -> SoakPolicy:
    """A gate with an alert for each SLI, and a trend for each gauge; the first gauge stands for the start time."""
    soak = SoakPolicy(
        window=WINDOW.duration,
        scrape_interval=STEP,
        evaluation_interval=timedelta(seconds=15),
        gates=tuple(_gate(sli) for sli in slis.slis),
        buckets=BucketPolicy(length=timedelta(hours=1), restart_metric="bench_00_ms", source=SOURCE),
        trends=tuple(_trend(sli) for sli in slis.slis if not sli.measure.windowed),
        source=SOURCE,
    )
    resolve(slis, soak)
    return soak


def _gate(sli: Sli) -> Gate:
    alert = Alert(
        name=f"Bench{sli.name.title().replace('_', '')}",
        window=timedelta(minutes=5) if sli.measure.windowed else None,
        hold=timedelta(minutes=10),
        level=Level.CRITICAL,
        action=Action.ROLLBACK,
        source=SOURCE,
    )
    limit = BOUNDS[-1] if isinstance(sli.measure, HistogramQuantile) else 1e9
    return Gate(
        name=sli.name,
        sli=sli.name,
        bound=Bound.AT_MOST,
        limit=limit,
        unit=sli.unit,
        severity=Severity.HARD,
        min_samples=259_200,
        alert=alert,
        source=SOURCE,
    )


def _trend(sli: Sli) -> Trend:
    return Trend(
        name=f"{sli.name}_trend",
        sli=sli.name,
        bound=Bound.AT_MOST,
        limit=1e9,
        unit=sli.unit,
        horizon=timedelta(days=7),
        significance=0.01,
        min_points=24,
        severity=Severity.HARD,
        source=SOURCE,
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
        yield Series(f"bench_{n:02d}_ms", {"bot": "paper"}, times, rng.normal(100, 10 if n else 0, times.size))
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
    """Read every series, measure, replay and judge all of it, as ``mm-ops soak run`` does."""
    slis = catalogue()
    soak = policy(slis)
    table = RecordingSamples(root).read_series(selectors_of(slis, soak), WINDOW)
    findings = judge_soak(measure_soak(slis, soak, table, WINDOW), soak, Reference(version=None))
    others = [one for one in findings if one.verdict is not Verdict.PASS]
    if others or fold(findings, soak) is not Verdict.PASS:
        sys.exit(f"expected a pass of every rule, was {others}")
    return sum(one.values.size for one in table)


def collect(root: Path) -> int:
    """Collect the last day into another folder, an hour at a time."""
    evidence = BotEvidence(Artifacts(str(root / "collected")), "paper")
    done = collect_day(RecordingSamples(root), catalogue().selectors(), LAST, evidence, origin=SOURCE)
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
