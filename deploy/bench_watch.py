"""What the watcher takes: from an alert to the last confirmed action, intake, start, memory. For ``make bench``.

One live paper bot stands behind many names, so that each alert is the first of its bot and goes the whole way.
"""

import http.client
import json
import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_paperbot import running
from mm_ops_tests.live_watcher import TOKEN, RunningWatcher, prepare
from mm_ops_tests.watcher.alerts import body, one

STOPS, PER_SECOND = 200, 100
BURST, SENDERS = 10_000, 16
MORE, AT_ONCE = 90_000, 100
MB, KIB = 1e6, 1024


def measure_watch(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what was measured: name, value, the target of the issue."""
    (folder / "stops").mkdir()
    yield from _stops(folder / "stops")
    (folder / "burst").mkdir()
    yield from _burst(folder / "burst")


def _stops(folder: Path) -> Iterator[tuple[str, str, str]]:
    with running(folder, speed=20) as bot:
        prepare(
            folder, catalogue_of({f"bot{n}": bot.url for n in range(STOPS)}, "http://127.0.0.1/alert-hook", 1).fleet
        )
        watcher = RunningWatcher(folder)
        begun = time.perf_counter()
        watcher.start()
        yield "watcher: start to ready", f"{time.perf_counter() - begun:.2f} s", "< 1 s"
        sent = _send_stops(watcher)
        watcher.until(lambda: len(finished(watcher)) == STOPS, 120)
        took = [at - sent[name] for name, at in finished(watcher).items()]
        watcher.stop()
    fsyncs = _four_fsyncs(folder)
    p50, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
    least = f"4 fsyncs {fsyncs * 1e3:.1f} ms, beside it"
    yield (
        f"watcher: alert to last action confirmed, {PER_SECOND}/s, p50",
        f"{p50 * 1e3:.0f} ms ({least})",
        "<= 4 fsyncs + 15 ms",
    )
    yield "  p99", f"{p99 * 1e3:.0f} ms", "< 250 ms"


def _send_stops(watcher: RunningWatcher) -> dict[str, float]:
    """Send an alert of each bot, evenly; gives when."""
    sent: dict[str, float] = {}
    connection = http.client.HTTPConnection("127.0.0.1", watcher.port, timeout=30)
    begun = time.monotonic()
    for number in range(STOPS):
        time.sleep(max(0.0, begun + number / PER_SECOND - time.monotonic()))
        name = f"bot{number}"
        data = json.dumps(body(one("SoakLatencyP95High", bot=name))).encode()
        sent[name] = time.time()
        _post(connection, data)
    return sent


def finished(watcher: RunningWatcher) -> dict[str, float]:
    """When the last action of each bot's stop was read back, in seconds since 1970."""
    stops = [stop for episode in watcher.get("/episodes?limit=1000") for stop in episode["stops"]]
    ended = [stop for stop in stops if stop["finished_at"] and stop["confirmed"]]
    return {
        stop["bot"]: max(
            datetime.fromisoformat(step["at"]).timestamp()
            for step in stop["outcome"]["timeline"]
            if step["what"].endswith("read back")
        )
        for stop in ended
    }


def _burst(folder: Path) -> Iterator[tuple[str, str, str]]:
    prepare(folder, catalogue_of({"paper": "http://127.0.0.1:9"}, "http://127.0.0.1/alert-hook", 1).fleet)
    watcher = RunningWatcher(folder)
    watcher.start()
    numbers, lock = iter(range(BURST)), threading.Lock()
    refused: list[int] = []
    senders = [threading.Thread(target=_sender, args=(watcher.port, numbers, lock, refused)) for _ in range(SENDERS)]
    begun = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    rate = BURST / (time.perf_counter() - begun)
    said = f"{rate:,.0f} alerts/s ({len(refused):,} of {BURST:,} were asked to come again)"
    yield "watcher: intake with fsync", said, ">= 1,000 alerts/s"
    connection = http.client.HTTPConnection("127.0.0.1", watcher.port, timeout=60)
    begun = time.perf_counter()
    for first in range(BURST, BURST + MORE, AT_ONCE):
        alerts = (one("SoakWSLagHigh", symbol=str(number)) for number in range(first, first + AT_ONCE))
        _until_taken(connection, json.dumps(body(*alerts)).encode())
    watcher.until(lambda: watcher.get("/state")["waiting"]["bodies"] == 0, 600)
    rate = MORE / (time.perf_counter() - begun)
    yield f"  {MORE:,} more, {AT_ONCE} in a body: taken in and dealt with", f"{rate:,.0f} alerts/s", "-"
    yield f"  most resident memory with {BURST + MORE:,} alerts dealt with", f"{_most_mb(watcher):.0f} MB", "< 100 MB"
    watcher.stop()


def _most_mb(watcher: RunningWatcher) -> float:
    """The most that was ever resident, in MB."""
    pid = 0 if watcher.process is None else watcher.process.pid
    (line,) = (one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) * KIB / MB


def _until_taken(connection: http.client.HTTPConnection, data: bytes) -> int:
    """Send until it is taken; gives how often it was refused."""
    refused = 0
    while _post(connection, data) != 200:  # noqa: PLR2004 - HTTP's own number
        refused += 1
        time.sleep(0.2)
    return refused


def _sender(port: int, numbers: Iterator[int], lock: threading.Lock, refused: list[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while True:
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        data = json.dumps(body(one("SoakWSLagHigh", symbol=str(number)))).encode()
        if _until_taken(connection, data):
            refused.append(number)


def _post(connection: http.client.HTTPConnection, data: bytes) -> int:
    connection.request("POST", "/alert-hook", data, {"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _four_fsyncs(folder: Path) -> float:
    """The median time of four small writes, each brought to the disk."""
    with (folder / "fsync").open("wb") as file:
        return statistics.median(_time_of(lambda: _write(file)) for _ in range(25))


def _write(file: object) -> None:
    for _ in range(4):
        file.write(b"x" * 4096)  # type: ignore[attr-defined]
        file.flush()  # type: ignore[attr-defined]
        os.fsync(file.fileno())  # type: ignore[attr-defined]


def _time_of(work: object) -> float:
    begun = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - begun


def show(rows: Sequence[tuple[str, str, str]]) -> None:
    """Print the rows."""
    for what, value, target in rows:
        print(f"{what:<60} {value:<60} {target}")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        show(list(measure_watch(Path(name))))
