"""The edge report's rows of ``make bench``; alone: ``python deploy/bench_edge.py [days] [share]``.

``days`` of two symbols for the long run (10: fifty million fills on two hundred million quotes), ``share`` of the full
size of a symbol-day (1: 2.5 million fills on 10 million quotes). Each ratio is of two measurements in one run, and the
best of several pairs is shown with all of them: a busy machine makes a pair worse and never better.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

PROJECT = Path(__file__).resolve().parents[1]
SYMBOLS = ("AAA-USDT", "BBB-USDT")
FIRST = date(2026, 11, 1)
DAY_NS = 86_400_000_000_000
FILLS, QUOTES = 2_500_000, 10_000_000
PAIRS = 5

READ = """
import sys, time
from pathlib import Path
import polars as pl
start = time.perf_counter()
for file in sorted(Path(sys.argv[1]).rglob("*.parquet")):
    pl.read_parquet(file)
print(time.perf_counter() - start)
"""
REPORT = """
import resource, sys, time
from datetime import date, timedelta
from pathlib import Path
from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.symbol_days import find_symbol_days
from mm_ops.domain.canonical import encode
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.edge.report import measure_days
from mm_ops.domain.windows import TimeWindow
root, first, days = Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), int(sys.argv[3])
policies = Path("deploy/policies")
edge = read_policy(policies / "edge.yaml", EdgePolicy)
instruments = read_policy(policies / "instruments.yaml", Instruments)
window = TimeWindow(TimeWindow.of_day(first).start, TimeWindow.of_day(first + timedelta(days=days - 1)).end)
start = time.perf_counter()
parts = find_symbol_days(root / "fills", root / "quotes", lambda symbol: "exchange", window)
report = measure_days(parts, policy=edge, instruments=instruments, window=window)
encode(report)
seconds = time.perf_counter() - start
assert report["identity"]["holds"] is True
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, report["total"]["fills"])
"""


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


def numbers(code: str, *arguments: str) -> list[float]:
    """What a fresh interpreter prints: seconds first, without its imports."""
    command = (sys.executable, "-c", code, *arguments)
    out = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return [float(each) for each in out.split()]


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
    pairs = [(numbers(READ, str(one))[0], numbers(REPORT, str(one), str(FIRST), "1")) for _ in range(PAIRS)]
    shutil.rmtree(one)
    ratios = [report[0] / read for read, report in pairs]
    read, (seconds, megabytes, fills) = pairs[int(np.argmin(ratios))]
    size = f"{fills / 1e6:.3g} M fills on {QUOTES * share * 2 / 1e6:.3g} M quotes"
    yield f"edge report, {size}", f"{seconds:.2f} s, {min(ratios):.2f} x reading ({read:.2f} s)", "<= 3 x"
    yield "  all pairs", ", ".join(f"{ratio:.2f}" for ratio in ratios), ""
    yield "  its peak resident memory", f"{megabytes:.0f} MB", "< 1,536 MB"
    if days > 1:
        yield from _measure_days(root, days, megabytes)


def _measure_days(root: Path, days: int, megabytes: float) -> Iterator[tuple[str, str, str]]:
    found = [
        (numbers(REPORT, str(root), str(FIRST), "1"), numbers(REPORT, str(root), str(FIRST), str(days)))
        for _ in range(3)
    ]
    ratios = [long[0] / short[0] for short, long in found]
    best = found[int(np.argmin(ratios))]
    name = f"edge report, {days} days ({best[1][2] / 1e6:.3g} M fills)"
    yield name, f"{best[1][0]:.1f} s, {min(ratios):.2f} x one day", f"<= {1.05 * days:.1f} x"
    yield "  its peak resident memory", f"{best[1][1]:.0f} MB (one day {megabytes:.0f} MB)", "as one day"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        place, day, symbol, share = sys.argv[2:]
        write_symbol_day(Path(place), date.fromisoformat(day), symbol, float(share))
    else:
        wanted = [float(each) for each in sys.argv[1:]]
        with tempfile.TemporaryDirectory() as name:
            for what, value, target in measure_edge(Path(name), *(int(wanted[0]) if wanted else 10, *wanted[1:2])):
                print(f"{what:<48} {value:<44} {target}", flush=True)
