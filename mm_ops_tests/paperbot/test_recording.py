import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mm_ops.paperbot.recording import RecordingError, record

LAST = date(2026, 11, 20)
RECORD = """
import sys
from datetime import date
from pathlib import Path
from mm_ops.paperbot.recording import record
record(Path(sys.argv[1]), profile="healthy", end=date(2026, 11, 20), days=int(sys.argv[2]), seed=7, progress=print)
"""


def silent(_: str) -> None: ...


def digests(root: Path) -> dict[str, dict[str, str]]:
    return {path.parent.name: json.loads(path.read_bytes())["files"] for path in root.glob("days/*/day.json")}


def contents(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*") if path.is_file() and path.name != ".recording.lock"]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("two_days")
    record(root, profile="healthy", end=LAST, days=2, seed=7, progress=silent)
    return root


def test_the_same_days_and_seed_give_the_same_bytes(two_days: Path, tmp_path: Path):
    record(tmp_path, profile="healthy", end=LAST, days=2, seed=7, progress=silent)
    assert contents(tmp_path) == contents(two_days)


def test_day_by_day_gives_the_same_bytes_as_all_at_once(two_days: Path, tmp_path: Path):
    record(tmp_path, profile="healthy", end=date(2026, 11, 19), days=1, seed=7, progress=silent)
    record(tmp_path, profile="healthy", end=LAST, days=1, seed=7, progress=silent)
    assert contents(tmp_path) == contents(two_days)


def test_another_seed_gives_other_fills(two_days: Path, tmp_path: Path):
    record(tmp_path, profile="healthy", end=LAST, days=1, seed=8, progress=silent)
    assert digests(tmp_path)["date=2026-11-20"] != digests(two_days)["date=2026-11-20"]


def test_what_is_there_is_left_alone_and_said(two_days: Path):
    before = {path: path.stat().st_mtime_ns for path in two_days.rglob("*.parquet")}
    said: list[str] = []
    record(two_days, profile="healthy", end=LAST, days=2, seed=7, progress=said.append)
    assert said == [
        "paper bot: 2026-11-19 is there (1 of 2)",
        "paper bot: 2026-11-20 is there (2 of 2)",
    ]
    assert {path: path.stat().st_mtime_ns for path in two_days.rglob("*.parquet")} == before


def test_a_damaged_day_is_recorded_again_to_the_same_bytes(tmp_path: Path):
    record(tmp_path, profile="healthy", end=LAST, days=1, seed=7, progress=silent)
    before = contents(tmp_path)
    (tmp_path / "results/date=2026-11-20/junit.xml").write_bytes(b"<html/>")
    said: list[str] = []
    record(tmp_path, profile="healthy", end=LAST, days=1, seed=7, progress=said.append)
    assert said[0] == "paper bot: 2026-11-20 is damaged, recording it again"
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("profile", "seed"), [("degraded", 7), ("healthy", 8)])
def test_a_folder_of_another_bot_is_refused(two_days: Path, profile: str, seed: int):
    with pytest.raises(RecordingError, match="choose another folder with --out"):
        record(two_days, profile=profile, end=LAST, days=1, seed=seed, progress=silent)


@pytest.mark.parametrize(("profile", "seed"), [("degraded", 7), ("healthy", 8)])
def test_a_folder_of_another_bot_is_refused_however_far_its_days_lie(two_days: Path, profile: str, seed: int):
    before = contents(two_days)
    with pytest.raises(RecordingError, match="recorded with profile healthy and seed 7, asked for"):
        record(two_days, profile=profile, end=date(2027, 2, 1), days=1, seed=seed, progress=silent)
    assert contents(two_days) == before


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"profile": "sick"}, "no profile sick; there are: healthy, degraded"),
        ({"seed": -1}, "the seed was -1, expected 0 or more"),
        ({"days": 0}, "0 days up to 2026-11-20 are none"),
        ({"days": 30_000}, "30000 days up to 2026-11-20 are none, or not all from 1970-01-02 to 2261-12-31"),
        ({"end": date.min}, "not all from 1970-01-02"),
        ({"end": date.max}, "to 2261-12-31"),
    ],
    ids=str,
)
def test_what_cannot_be_recorded_is_refused_before_anything_is_written(
    tmp_path: Path, asked: dict[str, Any], message: str
):
    whole: dict[str, Any] = {"profile": "healthy", "end": LAST, "days": 1, "seed": 7, "progress": silent}
    with pytest.raises(RecordingError, match=message):
        record(tmp_path / "new", **(whole | asked))
    assert not (tmp_path / "new").exists()


def test_a_state_of_another_version_is_refused_by_name(tmp_path: Path):
    yesterday = tmp_path / "days/date=2026-11-19/day.json"
    yesterday.parent.mkdir(parents=True)
    entry = {"day": "2026-11-19", "profile": "healthy", "seed": 7, "files": {}, "state": {"start_s": 0.0}}
    yesterday.write_text(json.dumps(entry))
    with pytest.raises(RecordingError, match=r"date=2026-11-19/day\.json: not a recorded day \(KeyError: 'symbols'\)"):
        record(tmp_path, profile="healthy", end=LAST, days=1, seed=7, progress=silent)


def test_a_damaged_day_does_not_exist_while_it_is_recorded_again(tmp_path: Path):
    record(tmp_path, profile="healthy", end=LAST, days=1, seed=7, progress=silent)
    (tmp_path / "results/date=2026-11-20/junit.xml").write_bytes(b"<html/>")
    there: list[bool] = []
    record(
        tmp_path,
        profile="healthy",
        end=LAST,
        days=1,
        seed=7,
        progress=lambda _: there.append((tmp_path / "days/date=2026-11-20/day.json").exists()),
    )
    assert there == [False, True]


def test_a_file_is_replaced_whole_so_that_a_reader_of_the_old_one_keeps_it(tmp_path: Path):
    record(tmp_path, profile="healthy", end=LAST, days=1, seed=7, progress=silent)
    path = tmp_path / "results/date=2026-11-20/junit.xml"
    path.write_bytes(b"<html/>")
    with path.open("rb") as reader:
        record(tmp_path, profile="healthy", end=LAST, days=1, seed=7, progress=silent)
        assert reader.read() == b"<html/>"
    assert b"<testsuite" in path.read_bytes()
    assert not list(tmp_path.rglob("*.tmp"))


def test_two_recorders_of_one_folder_queue_and_the_second_finds_all_there(two_days: Path, tmp_path: Path):
    command = [sys.executable, "-c", RECORD, str(tmp_path), "2"]
    recorders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(recorder.communicate()[0].splitlines() for recorder in recorders)
    assert [recorder.returncode for recorder in recorders] == [0, 0]
    assert said == [
        [f"paper bot: 2026-11-{19 + n} {how} ({n + 1} of 2)" for n in range(2)] for how in ("is there", "recorded")
    ]
    assert contents(tmp_path) == contents(two_days)


def test_an_unreadable_day_is_refused_by_name(tmp_path: Path):
    entry = tmp_path / "days/date=2026-11-20/day.json"
    entry.parent.mkdir(parents=True)
    entry.write_text('{"profile": "healthy"')
    with pytest.raises(RecordingError, match=r"day\.json: not a recorded day"):
        record(tmp_path, profile="healthy", end=LAST, days=1, seed=7, progress=silent)


def test_a_recorder_killed_at_any_moment_leaves_only_whole_days(tmp_path: Path):
    for pause in (0.0, 0.2):
        recorder = subprocess.Popen([sys.executable, "-c", RECORD, str(tmp_path), "9"], stdout=subprocess.DEVNULL)
        seen = len(digests(tmp_path))
        while len(digests(tmp_path)) <= seen:
            time.sleep(0.01)
        time.sleep(pause)
        os.kill(recorder.pid, signal.SIGKILL)
        recorder.wait()
        for day, files in digests(tmp_path).items():
            found = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in files}
            assert found == files, day
            assert len(files) == 7, "samples, two of quotes, two of fills, a drill and a self-test"
    said: list[str] = []
    record(tmp_path, profile="healthy", end=LAST, days=9, seed=7, progress=said.append)
    assert not [text for text in said if "damaged" in text]
    assert len(digests(tmp_path)) == 9


def test_every_series_has_a_sample_at_every_scrape(two_days: Path):
    frame = pl.read_parquet(two_days / "samples/date=2026-11-20/samples.parquet", hive_partitioning=False)
    counts = frame.group_by("metric", "labels").agg(
        n=pl.len(), first=pl.col("ts_ns").min(), steps=pl.col("ts_ns").diff().drop_nulls().unique().implode()
    )
    assert counts["n"].unique().to_list() == [5760]
    assert set(frame["metric"].unique()) >= {
        "mm_stage_duration_ms_bucket",
        "mm_ticks_total",
        "mm_deadline_miss_total",
        "mm_md_cache_hit_total",
        "mm_md_cache_miss_total",
        "mm_guard_trip_total",
        "mm_orders_sent_total",
        "mm_edge_bps_ema1h",
        "mm_edge_bps_ema24h",
        "mm_maker_share_ratio",
        "mm_ws_lag_max_ms",
        "mm_ws_lag_p95_ms",
        "mm_circuit_breaker_state",
        "mm_orders_open",
        "mm_position",
        "mm_trading_state",
        "mm_strategy_scale",
        "mm_profile",
        "mm_order_age_p95_ms",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
        "up",
    }
    assert frame.sort("metric", "labels", "ts_ns").equals(frame)


def test_counters_go_on_over_midnight(two_days: Path):
    days = [pl.read_parquet(two_days / f"samples/date=2026-11-{d}/samples.parquet") for d in (19, 20)]
    ticks = [frame.filter(metric="mm_ticks_total")["value"] for frame in days]
    assert ticks[1][0] - ticks[0][-1] == 30


def test_a_healthy_day_passes_its_drill_and_its_own_tests(two_days: Path):
    drill = json.loads((two_days / "results/date=2026-11-20/chaos_drill.json").read_bytes())
    assert drill["outcome"] == "ok"
    assert drill["observed"]["no_open_orders_s"] <= 2.0
    assert b"<failure" not in (two_days / "results/date=2026-11-20/junit.xml").read_bytes()


def test_a_degraded_day_fails_both_and_says_why(tmp_path: Path):
    record(tmp_path, profile="degraded", end=LAST, days=1, seed=7, progress=silent)
    drill = json.loads((tmp_path / "results/date=2026-11-20/chaos_drill.json").read_bytes())
    assert drill["outcome"] == "failed"
    assert drill["observed"]["breaker_open_s"] is None
    assert drill["reasons"]
    assert b"expected a taker share of at most 15%" in (tmp_path / "results/date=2026-11-20/junit.xml").read_bytes()
