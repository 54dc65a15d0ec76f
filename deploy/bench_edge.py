"""The edge report's rows of ``make bench``; alone: ``python deploy/bench_edge.py [days] [share]``.

``days`` of two symbols for the long run (10: fifty million fills on two hundred million quotes), ``share`` of the full
size of a symbol-day (1: 2.5 million fills on 10 million quotes). Each ratio is of the CPU of two measurements one after
the other, and the best of several pairs is shown with all of them: a busy machine makes a pair worse and never better.
The report is what the command and the asset make, averages included, of a window that is given.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

PROJECT = Path(__file__).resolve().parents[1]
SYMBOLS = ("AAA-USDT", "BBB-USDT")
FIRST = date(2026, 11, 1)
DAY_NS = 86_400_000_000_000
FILLS, QUOTES = 2_500_000, 10_000_000
PAIRS = 5
PAIRS_OF_DAYS = 2

READ = """
import os, sys, time
from pathlib import Path
import polars as pl
start, before = time.perf_counter(), os.times()
for file in sorted(Path(sys.argv[1]).rglob("*.parquet")):
    pl.read_parquet(file, hive_partitioning=False)
after = os.times()
print(time.perf_counter() - start, after.user + after.system - before.user - before.system)
"""
REPORT = """
import os, resource, sys, time
from datetime import date, timedelta
from pathlib import Path
from mm_ops.adapters.market_inputs import MarketInputs, Request
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.canonical import encode
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.edge.inputs import InputsPolicy
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.edge.report import measure_parts
from mm_ops.domain.windows import TimeWindow
root, first, days = Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), int(sys.argv[3])
folder = Path("deploy/policies")
policies = EdgePolicies(
    inputs=read_policy(folder / "inputs.yaml", InputsPolicy),
    edge=read_policy(folder / "edge.yaml", EdgePolicy),
    instruments=read_policy(folder / "instruments.yaml", Instruments),
)
ema = read_policy(folder / "ema.yaml", EmaPolicy)
window = TimeWindow(TimeWindow.of_day(first).start, TimeWindow.of_day(first + timedelta(days=days - 1)).end)
start, before = time.perf_counter(), os.times()
inputs = MarketInputs(Request(fills=root / "fills", quotes=root / "quotes", window=window), policies)
shape = {"policy": policies.edge, "instruments": policies.instruments, "window": window, "ema": ema}
report = measure_parts(inputs.parts(), **shape).report
encode({**report, "intake": inputs.section})
seconds, after = time.perf_counter() - start, os.times()
if report["identity"]["holds"] is not True:
    sys.exit(f"the identity does not hold: {report['identity']}")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(seconds, after.user + after.system - before.user - before.system, peak, report["total"]["fills"])
"""


class Took(NamedTuple):
    """What a fresh interpreter took without its imports, and what the report says of itself."""

    seconds: float
    cpu: float
    megabytes: float = 0.0
    fills: float = 0.0


def write_symbol_day(root: Path, day: date, symbol: str, share: float) -> None:
    """Generate a symbol's day: a random walk of quotes on one tick, and fills just after some of them."""
    rng = np.random.default_rng([day.toordinal(), SYMBOLS.index(symbol)])
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000
    size, fills = round(QUOTES * share), round(FILLS * share)
    at = start + np.sort(rng.integers(0, DAY_NS, size))
    mid = np.round(np.maximum(100 + np.cumsum(rng.normal(0, 0.003, size)), 20), 2)
    half = rng.integers(1, 4, size) * 0.01
    bid, ask = mid - half, mid + half
    sizes = rng.integers(1, 100, (2, size)) / 10
    quotes = {"bid_px": bid, "bid_qty": sizes[0], "ask_px": ask, "ask_qty": sizes[1]}
    _write(root, "quotes", day, symbol, at, quotes)
    met = np.sort(rng.integers(0, size, fills))
    when = np.sort(at[met] + rng.integers(1, 1_000_000, fills))
    buy, maker = rng.uniform(size=(2, fills)) < np.array([[0.5], [0.9]])
    price, qty = np.where(buy == maker, bid[met], ask[met]), rng.integers(1, 1000, fills) / 1000
    ours = {
        "fill_id": pl.Series(np.arange(fills)).cast(pl.String),
        "side": np.where(buy, "buy", "sell"),
        "price": price,
        "qty": qty,
        "liquidity": np.where(maker, "maker", "taker"),
        "fee": np.where(maker, -0.00002, 0.0005) * price * qty,
        "order_ts_ns": when - rng.integers(1_000_000, 10_000_000_000, fills),
    }
    _write(root, "fills", day, symbol, when, ours)


def _write(root: Path, kind: str, day: date, symbol: str, at: object, columns: dict[str, object]) -> None:
    folder = root / kind / f"date={day}" / f"symbol={symbol}"
    folder.mkdir(parents=True)
    frame = pl.DataFrame({"exch_ts_ns": at, **columns}).with_columns(
        ts_ns=pl.col("exch_ts_ns") + 1_000_000, symbol=pl.lit(symbol)
    )
    frame.write_parquet(folder / f"{kind}.parquet", compression="zstd")


def took(code: str, *arguments: str) -> Took:
    """Run code in a fresh interpreter; ends the bench with what it said when it failed."""
    command = (sys.executable, "-c", code, *arguments)
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-800:]}")
    return Took(*(float(each) for each in done.stdout.split()))


def measure_edge(root: Path, days: int = 10, share: float = 1.0) -> Iterator[tuple[str, str, str]]:
    """Yield what was measured: name, value, target."""
    for day in (FIRST + timedelta(days=n) for n in range(days)):
        for symbol in SYMBOLS:
            subprocess.run(  # each in a process of its own, so that the bench stays small beside what it measures
                (sys.executable, __file__, "--write", str(root), day.isoformat(), symbol, str(share)), check=True
            )
    one = root / "one"
    for kind in ("fills", "quotes"):
        shutil.copytree(root / kind / f"date={FIRST}", one / kind / f"date={FIRST}")
    pairs = [(took(READ, str(one)), took(REPORT, str(one), str(FIRST), "1")) for _ in range(PAIRS)]
    shutil.rmtree(one)
    read, report = min(pairs, key=lambda pair: pair[1].cpu / pair[0].cpu)
    size = f"{report.fills / 1e6:.3g} M fills on {QUOTES * share * 2 / 1e6:.3g} M quotes"
    ratio = f"{report.cpu / read.cpu:.2f} x reading ({read.cpu:.2f} s)"
    yield f"edge report, {size}", f"{report.cpu:.2f} s of CPU, {ratio}", "<= 3 x"
    every = ", ".join(f"{report.cpu / read.cpu:.2f}" for read, report in pairs)
    yield "  all pairs; wall time", f"{every}; {report.seconds:.2f} s, reading {read.seconds:.2f} s", ""
    yield "  its peak resident memory", f"{max(report.megabytes for _, report in pairs):.0f} MB", "< 1,536 MB"
    if days > 1:
        yield from _measure_days(root, days)


def _measure_days(root: Path, days: int) -> Iterator[tuple[str, str, str]]:
    pairs = [
        (took(REPORT, str(root), str(FIRST), "1"), took(REPORT, str(root), str(FIRST), str(days)))
        for _ in range(PAIRS_OF_DAYS)
    ]
    _, long = min(pairs, key=lambda pair: pair[1].cpu / pair[0].cpu)
    every = ", ".join(f"{long.cpu / short.cpu:.2f}" for short, long in pairs)
    name = f"edge report, {days} days ({long.fills / 1e6:.3g} M fills)"
    yield name, f"{long.cpu:.1f} s of CPU; pairs: {every} x one day", f"<= {1.05 * days:.1f} x"
    of_one, most = (max(pair[at].megabytes for pair in pairs) for at in (0, 1))
    yield "  its peak resident memory", f"{most:.0f} MB (one day {of_one:.0f} MB)", "as one day"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        place, day, symbol, share = sys.argv[2:]
        write_symbol_day(Path(place), date.fromisoformat(day), symbol, float(share))
    else:
        length = int(sys.argv[1]) if sys.argv[1:] else 10
        size = float(sys.argv[2]) if sys.argv[2:] else 1.0
        with tempfile.TemporaryDirectory() as name:
            for what, value, target in measure_edge(Path(name), length, size):
                print(f"{what:<48} {value:<44} {target}", flush=True)
