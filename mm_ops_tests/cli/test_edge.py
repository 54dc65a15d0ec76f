"""``mm-ops edge report`` as a user runs it, on two small files."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from mm_ops.cli import cli
from mm_ops.domain.errors import MmOpsError
from mm_ops_tests.builders import START_NS, fill, fills, quotes
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
    done = report(data, "--out-json", "edge.json", "--out-md", "edge.md", "--out-html", "edge.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n| edge report | PASS | EDGE_REPORT=PASS |\n")
    assert "No interval: 2 fills were measured, at least 100 are needed. above 0 bps: not decided" in done.stdout
    assert "ema24h │ total" in done.stdout
    assert "<h1>Edge of f.parquet</h1>" in (data / "edge.html").read_text()
    found = json.loads((data / "edge.json").read_text())
    assert (found["total"]["fills"], found["identity"]["holds"]) == (2, True)
    assert (data / "edge.md").read_text().startswith("# Edge, ")


def test_json_on_standard_output_is_the_report_that_is_written(data: Path):
    done = report(data, "--json", "--out-json", "edge.json")
    assert done.stdout == (data / "edge.json").read_text()
    assert done.stderr == "| edge report | PASS | EDGE_REPORT=PASS |\n"


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


def saved(data: Path) -> dict[str, Any]:
    """The report of a second run with the same arguments, as JSON."""
    found: dict[str, Any] = json.loads((data / "edge.json").read_text())
    return found


def test_other_names_words_and_units_are_read_by_a_mapping(data: Path):
    assert report(data, "--out-json", "edge.json").returncode == 0
    ours = saved(data)
    side = {"buy": "B", "sell": "S"}
    theirs = [
        {"t": row["ts_ns"] // 10**6, "sym": SYMBOL, "S": side[row["side"]], "p": str(row["price"]), "q": "1", "fee": 0}
        for row in pl.read_parquet(data / "f.parquet").iter_rows(named=True)
    ]
    (data / "f.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in theirs).encode()))
    names = {"ts_ns": "t", "exch_ts_ns": "t", "symbol": "sym", "side": "S", "price": "p", "qty": "q"}
    mapping = {"fills": {"columns": names, "values": {"side": {"buy": ["B"], "sell": ["S"]}}, "time_unit": "ms"}}
    (data / "m.yaml").write_text(yaml.safe_dump(mapping))
    done = report(data, "--fills", "f.jsonl.gz", "--mapping", "m.yaml", "--out-json", "edge.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert saved(data)["total"]["net_edge_bps"] == ours["total"]["net_edge_bps"]


def test_an_impossible_mapping_is_named_with_its_line(data: Path):
    (data / "m.yaml").write_text("fills:\n  columns:\n    prise: px\n")
    done = report(data, "--mapping", "m.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("mm-ops: m.yaml:2: fills: columns: expected ")


def test_folders_and_urls_are_read_as_files_are(data: Path):
    place = data / f"fills/date=2026-11-20/symbol={SYMBOL}"
    place.mkdir(parents=True)
    (data / "f.parquet").rename(place / "f.parquet")
    done = report(data, "--fills", f"file://{data}/fills", "--quotes", f"file://{data}/q.parquet")
    assert (done.returncode, done.stderr) == (0, "")


def test_of_several_days_each_is_told_when_it_begins(data: Path):
    for n in range(3):
        for kind, frame in (
            ("fills", fills(fill(n * 86400 + 1.5, "buy", 99, symbol=SYMBOL))),
            ("quotes", quotes(*((n * 86400 + at, 99, 101) for at in (0, 86399)), symbol=SYMBOL)),
        ):
            place = data / kind / f"date=2026-11-{20 + n}" / f"symbol={SYMBOL}"
            place.mkdir(parents=True)
            frame.write_parquet(place / "data.parquet")
    done = report(data, "--fills", "fills", "--quotes", "quotes", "--json")
    *days, thin, _ = done.stderr.splitlines()
    assert days == [
        "day 1 of 3, 2026-11-20: AAA-USDT, 0 fills and 0 quotes so far",
        "day 2 of 3, 2026-11-21: AAA-USDT, 1 fills and 2 quotes so far",
        "day 3 of 3, 2026-11-22: AAA-USDT, 2 fills and 4 quotes so far",
    ]
    assert "longest_fill_gap_s was 86400, at most 900 is allowed" in thin, "three fills are none to believe"
    assert json.loads(done.stdout)["total"]["fills"] == 3
    one = report(data, "--fills", "fills/date=2026-11-20", "--quotes", "quotes/date=2026-11-20", "--json")
    assert "day" not in one.stderr, "of one day nothing is counted"


def test_rejected_rows_are_written_and_too_many_fail(data: Path):
    broken = fills(*(fill(at, "buy", 99, symbol=SYMBOL) for at in (1, 2, 3)), {**fill(4, "buy", 0, symbol=SYMBOL)})
    broken.write_parquet(data / "f.parquet")
    done = report(data, "--rejects", "rejects.jsonl", "--out-json", "edge.json", "--out-md", "edge.md")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "| edge report | FAIL | EDGE_REPORT=FAIL |")
    assert done.stderr == "inputs: fail: 0.25 of the fills were rejected, at most 0.001 is allowed\n"
    (line,) = (data / "rejects.jsonl").read_text().splitlines()
    assert {name: json.loads(line)[name] for name in ("reason", "file", "row")} == {
        "reason": "bad_price",
        "file": "f.parquet",
        "row": 3,
    }
    assert saved(data)["intake"]["fills"]["rejected"] == {"bad_price": 1}
    assert "| fills rejected bad price | 1 |" in (data / "edge.md").read_text()


def test_a_policy_of_ones_own_may_refuse_them(data: Path):
    policy = yaml.safe_load((PROJECT / "deploy/policies/inputs.yaml").read_text())
    policy["rows"]["faults"]["bad_price"] = "refuse"
    (data / "inputs.yaml").write_text(yaml.safe_dump(policy))
    fills(fill(1, "buy", 0, symbol=SYMBOL)).write_parquet(data / "f.parquet")
    done = report(data, "--inputs", "inputs.yaml")
    assert (done.returncode, done.stderr) == (
        2,
        "mm-ops: f.parquet: price: row 0: expected a number from 1e-12 to 1e15, was 0.0 (1 such rows)\n",
    )


def test_what_another_clock_would_give_is_told_on_request(data: Path):
    assert "what another clock would give" not in report(data).stdout
    done = report(data, "--alternatives", "--out-json", "edge.json", "--out-md", "edge.md")
    assert (done.returncode, done.stderr) == (0, "")
    assert "what another clock would give" in done.stdout
    choices = [item["choice"] for item in saved(data)["clock_alternatives"]]
    assert choices[:3] == ["policy", "other clock", "at or before"]
    assert "## What another clock would give" in (data / "edge.md").read_text()


def test_a_clock_that_is_not_in_the_data_is_said_so(data: Path):
    pl.read_parquet(data / "q.parquet").drop("exch_ts_ns").write_parquet(data / "q.parquet")
    done = report(data, "--alternatives", "--clock", "receive")
    assert done.returncode == 0
    assert "other clock     │ not in the data" in done.stdout


def test_aggressors_are_inferred_on_request(data: Path):
    bare = fills(fill(1.5, "buy", 101, symbol=SYMBOL), fill(2.5, "buy", 98, symbol=SYMBOL)).drop("side")
    bare.write_parquet(data / "f.parquet")
    done = report(data, "--infer-aggressor", "--out-json", "edge.json")
    assert done.returncode == 0
    assert saved(data)["intake"]["aggressor"]["quote_share"] == 1.0
    assert saved(data)["by_side"]["sell"]["fills"] == 1, "the buyer took at the ask, so a seller was passive"
    refused = report(data)
    assert refused.returncode == 2
    assert "f.parquet: expected the columns side, found " in refused.stderr


def in_units(divisor: int) -> pl.DataFrame:
    return fills(fill(1, "buy", 99, symbol=SYMBOL)).with_columns(pl.col("ts_ns") // divisor)


NO_FILLS: dict[str, tuple[pl.DataFrame, str]] = {
    "milliseconds where nanoseconds belong": (
        in_units(10**6),
        f"ts_ns: row 0: expected nanoseconds of 1990 to 2099, was {START_NS // 10**6 + 1000} (looks like milliseconds)",
    ),
    "seconds where nanoseconds belong": (in_units(10**9), "(looks like seconds)"),
    "milliseconds in one row of two": (pl.concat([in_units(1), in_units(10**6)]), "ts_ns: row 1: expected"),
    "a column of another type": (
        in_units(1).with_columns(pl.col("qty").cast(pl.Float32)),
        "qty: expected Float64 or decimal text, was Float32",
    ),
    "a missing column": (in_units(1).drop("qty"), "expected the columns qty, found ts_ns, "),
    "a symbol that is not listed": (
        in_units(1).with_columns(symbol=pl.lit("BTC")),
        "symbol: row 0: expected a symbol of instruments.yaml, was 'BTC' (1 such rows)",
    ),
    "fills of two venues": (
        pl.concat([in_units(1)] * 2).with_columns(
            venue=pl.Series(["paper", "elsewhere"]), fill_id=pl.Series(["1", "2"])
        ),
        f"{SYMBOL}: venue: expected paper, was elsewhere",
    ),
    "a fee in an unknown asset": (
        in_units(1).with_columns(fee_asset=pl.lit("BNB")),
        f"{SYMBOL}: fee_asset: expected USDT, was BNB; convert the fee",
    ),
    "no fee and no schedule": (in_units(1).drop("fee"), f"{SYMBOL}: fills without a fee"),
    "the exchange clock in no row": (
        in_units(1).drop("exch_ts_ns"),
        f"{SYMBOL}: fills: the exchange clock needs exch_ts_ns in every row",
    ),
}


def refusal(data: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What the command says, called in this process: a new one for each fault would take minutes."""
    monkeypatch.chdir(data)
    monkeypatch.setenv("MM_OPS_POLICIES", str(PROJECT / "deploy/policies"))
    with pytest.raises(MmOpsError) as refused:
        cli(["edge", "report", "--fills", "f.parquet", "--quotes", "q.parquet", *arguments], standalone_mode=False)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("name", NO_FILLS)
def test_what_are_no_fills_is_one_line(data: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    frame, message = NO_FILLS[name]
    frame.write_parquet(data / "f.parquet")
    assert message in refusal(data, monkeypatch)


NO_FILE = {
    "a Parquet cut short": ("f.parquet", b"PAR1\x00\x00", "f.parquet: not readable: "),
    "an empty file": ("f.jsonl", b"", "f.jsonl: expected at least one row, was an empty file"),
    "a gzip cut short": ("f.jsonl.gz", gzip.compress(b"{}\n" * 99)[:-6], "f.jsonl.gz: not readable: "),
    "a page of the web": ("f.jsonl", b"<html>", "f.jsonl: not readable: "),
}


@pytest.mark.parametrize("name", NO_FILE)
def test_what_is_no_data_is_one_line(data: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    file, bytes_of_it, message = NO_FILE[name]
    (data / file).write_bytes(bytes_of_it)
    assert refusal(data, monkeypatch, "--fills", file).startswith(message)


def test_quotes_of_another_time_decide_nothing(data: Path):
    quotes((-86400, 99, 101), (2, 98, 100), symbol=SYMBOL).write_parquet(data / "q.parquet")
    done = report(data)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        2,
        "| edge report | INCONCLUSIVE | EDGE_REPORT=INCONCLUSIVE |",
    )
    assert done.stderr.startswith(
        "measured: inconclusive: 1 of 2 fills have a quote before them, at least 0.99 of them must: "
        "are the quotes of the fills' time, and on the same clock?\n"
    )


def test_bid_and_ask_swapped_in_every_quote_fail(data: Path):
    market = pl.read_parquet(data / "q.parquet")
    market.rename({"bid_px": "ask_px", "ask_px": "bid_px"}).write_parquet(data / "q.parquet")
    done = report(data)
    assert done.returncode == 1
    assert f"{market.height} of {market.height} quotes have a bid above the ask" in done.stderr


def test_a_last_quote_that_no_hour_has_seen_decides_nothing(data: Path):
    rows = [(60.0 * minute, 99.0, 101.0) for minute in range(60)]
    quotes(*rows, (3600.0, 149.0, 151.0), symbol=SYMBOL).write_parquet(data / "q.parquet")
    done = report(data)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        2,
        "| edge report | INCONCLUSIVE | EDGE_REPORT=INCONCLUSIVE |",
    )
    assert "mark_jump_bps was 5000, at most 300 is allowed" in done.stderr
