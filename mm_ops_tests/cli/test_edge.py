"""``mm-ops edge report`` as a user runs it, on two small files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mm_ops_tests.builders import fill, fills, quotes
from mm_ops_tests.requirements import PROJECT

SYMBOL = "AAA-USDT"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    fills(fill(1.5, "buy", 99, symbol=SYMBOL), fill(2.5, "sell", 100, symbol=SYMBOL)).write_parquet(
        tmp_path / "f.parquet"
    )
    quotes((0, 99, 101), (2, 98, 100), symbol=SYMBOL).write_parquet(tmp_path / "q.parquet")
    return tmp_path


def report(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mm_ops", "edge", "report", "--fills", "f.parquet", "--quotes", "q.parquet"]
    environment = {**os.environ, "MM_OPS_POLICIES": str(PROJECT / "deploy/policies")}
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False, cwd=data, env=environment
    )


def test_the_report_is_shown_and_written_and_the_last_line_is_the_marker(data: Path):
    done = report(data, "--out-json", "edge.json", "--out-md", "edge.md")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n| edge report | PASS | EDGE_REPORT=PASS |\n")
    found = json.loads((data / "edge.json").read_text())
    assert (found["total"]["fills"], found["identity"]["holds"]) == (2, True)
    assert (data / "edge.md").read_text().startswith("# Edge, ")


def test_json_on_standard_output_is_the_report_that_is_written(data: Path):
    done = report(data, "--json", "--out-json", "edge.json")
    assert done.stdout.rsplit("\n", 2)[0] + "\n" == (data / "edge.json").read_text()


def test_without_a_fill_in_the_window_it_could_not_decide(data: Path):
    done = report(data, "--start", "2026-11-22", "--end", "2026-11-23")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        2,
        "| edge report | INCONCLUSIVE | EDGE_REPORT=INCONCLUSIVE |",
    )


def test_a_venue_that_is_named_brings_its_clock(data: Path):
    done = report(data, "--venue", "binance_spot", "--out-json", "edge.json")
    assert done.returncode == 0
    assert json.loads((data / "edge.json").read_text())["clocks"] == {SYMBOL: "receive"}


def test_an_unlisted_venue_is_measured_only_with_a_clock_that_is_given(data: Path):
    listed = {"symbol": SYMBOL, "venue": "nowhere", "kind": "linear", "contract_size": 1.0, "settlement": "USDT"}
    (data / "i.yaml").write_text(yaml.safe_dump({"instruments": [{**listed, "source": "made up for a test"}]}))
    refused = report(data, "--instruments", "i.yaml")
    assert refused.returncode == 2
    assert refused.stderr == "mm-ops: edge.yaml: venues: no clock for venue 'nowhere'; add it, or give --clock\n"
    assert report(data, "--instruments", "i.yaml", "--clock", "exchange").returncode == 0


REFUSED = {
    "a window that ends before it starts": (
        ("--start", "2026-11-21", "--end", "2026-11-20"),
        "expected start before end, was 2026-11-21T00:00:00+00:00 to 2026-11-20T00:00:00+00:00",
    ),
    "a start that no data can have": (("--start", "0001-01-01"), "expected a window from 1970-01-01 to 2262-01-01"),
    "an end that no data can have": (("--end", "9999-12-31"), "expected a window from 1970-01-01 to 2262-01-01"),
    "a venue without a policy": (("--venue", "nowhere"), "no clock for venue 'nowhere'"),
    "a folder where the report should go": (("--out-json", "."), ".: cannot be written: is a folder"),
    "a file where the report's folder should be": (
        ("--out-md", "f.parquet/x.md"),
        "f.parquet/x.md: cannot be written: f.parquet is no folder",
    ),
    "fills that are not there": (("--fills", "x.parquet"), "x.parquet: no Parquet or JSON lines there"),
    "a policy that is not there": (("--policy", "x.yaml"), "x.yaml: the policy file is missing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_one_line_and_exit_2(data: Path, name: str):
    arguments, message = REFUSED[name]
    done = report(data, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("mm-ops: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_data_from_outside_of_time_is_refused_and_not_measured(data: Path):
    fills(fill(-2e9, "buy", 99, symbol=SYMBOL)).write_parquet(data / "f.parquet")  # 63 years before 2026
    done = report(data)
    assert done.returncode == 2
    assert done.stderr.startswith("mm-ops: f.parquet: ts_ns: row 0: expected nanoseconds of 1990 to 2099, was -2048672")
