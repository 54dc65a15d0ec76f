"""A real Prometheus over backfilled samples: write OpenMetrics, import it, start the server, stop it."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import requests

from mm_ops.domain.sli.series import find_runs, parse_labels
from mm_ops_tests.requirements import require_binary

_READY_WITHIN_S = 60
_NS_PER_MS = 1_000_000


def write_openmetrics(frame: pl.DataFrame, path: Path) -> None:
    """Write a sample frame as OpenMetrics text; times are seconds with milliseconds, values shortest and exact."""
    milliseconds = pl.col("ts_ns") // _NS_PER_MS
    fraction = (milliseconds % 1000).cast(pl.String).str.zfill(3)
    value = pl.col("value").cast(pl.String).replace({"inf": "+Inf", "-inf": "-Inf"})
    with path.open("w", encoding="utf-8") as stream:
        for metric, text, rows in find_runs(frame):
            pairs = (f"{name}={json.dumps(value)}" for name, value in parse_labels(metric, text).items())
            name = f"{metric}{{{','.join(pairs)}}}"
            line = pl.concat_str(pl.lit(f"{name} "), value, pl.lit(" "), milliseconds // 1000, pl.lit("."), fraction)
            stream.write("\n".join(rows.select(line=line)["line"]) + "\n")
        stream.write("# EOF\n")


def import_blocks(frame: pl.DataFrame, folder: Path) -> None:
    """Make TSDB blocks of a sample frame, and check that not one sample was dropped on the way."""
    promtool = require_binary("promtool")
    text = folder.parent / f"{folder.name}.om"
    write_openmetrics(frame, text)
    command = [
        promtool,
        "tsdb",
        "create-blocks-from",
        "--max-block-duration=72h",
        "openmetrics",
        str(text),
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    text.unlink()
    metas = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/meta.json")]
    assert sum(meta["stats"]["numSamples"] for meta in metas) == frame.height
    low, high = frame["ts_ns"].min(), frame["ts_ns"].max()
    assert min(meta["minTime"] for meta in metas) * _NS_PER_MS == low
    assert max(meta["maxTime"] for meta in metas) * _NS_PER_MS >= int(str(high))


@contextmanager
def serve(data: Path) -> Iterator[str]:
    """Run Prometheus over a folder of blocks, on a free loopback port; gives its address once it is ready."""
    prometheus = require_binary("prometheus")
    config = data.parent / "prometheus.yml"
    config.write_text("scrape_configs: []\n", encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        prometheus,
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address={address}",
    ]
    log = data.parent / "prometheus.log"
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as server:
        try:
            _wait_until_ready(f"http://{address}", server, log)
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait(30)


@contextmanager
def backfilled(frame: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Serve the samples of a frame from a folder that is empty."""
    data = folder / "tsdb"
    import_blocks(frame, data)
    with serve(data) as url:
        yield url


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < until and server.poll() is None:
        try:
            if requests.get(f"{url}/-/ready", timeout=2).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"prometheus is not ready: {log.read_text(encoding='utf-8')[-2000:]}")
