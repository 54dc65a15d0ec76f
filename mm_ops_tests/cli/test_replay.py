"""``mm-ops replay`` as a user runs it, on three days of small samples with one bad hour."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from mm_ops.cli import cli
from mm_ops.domain.errors import MissingEvidenceError, PolicyError
from mm_ops_tests.soak_samples import POLICIES, WINDOW, healthy, write_recording

HOUR_NS = 3_600_000_000_000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days; the edge stands at 1 bps for the eleventh hour."""
    start = WINDOW.start_ns + 10 * HOUR_NS
    low = (pl.col("metric") == "mm_edge_bps_ema24h") & pl.col("ts_ns").is_between(start, start + HOUR_NS, closed="left")
    frame = healthy().with_columns(value=pl.when(low).then(1.0).otherwise("value"))
    return write_recording(tmp_path_factory.mktemp("recording"), frame)


def replay(root: Path, *arguments: str) -> Result:
    stretch = ["--from", "2026-11-18", "--to", "2026-11-21"]
    return CliRunner().invoke(cli, ["replay", "--recording", str(root), *stretch, *arguments])


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_what_would_have_fired_is_told_with_its_times_and_the_soak_fails(root: Path):
    result = replay(root)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "| replay | FAIL | REPLAY=FAIL |")
    words = " ".join(result.stdout.replace("│", " ").split())
    assert "SoakEdgeDegradation rollback bot=paper 2026-11-18T10:00:00Z 2026-11-18T10:30:00Z" in words
    assert "2026-11-21T00:00:00Z fail edge_bps_ema24h, edge_bps_ema24h_sustained" in words


def test_another_policy_is_compared_with_the_one_that_is_there(root: Path, tmp_path: Path):
    other = tmp_path / "other.yaml"
    text = (POLICIES / "soak.yaml").read_text(encoding="utf-8")
    assert "limit: 2.0" in text
    other.write_text(text.replace("limit: 2.0", "limit: 0.5"), encoding="utf-8")
    result = replay(root, "--policy", str(other), "--json")
    assert result.exit_code == 0  # under the other policy every soak passes
    changed = {change["what"]: (change["before"][:5], change["after"][:5]) for change in document(result)["changes"]}
    assert changed == {
        "SoakEdgeDegradation {bot=paper}": ("fired", "did n"),
        "edge_bps_ema24h, soak up to 2026-11-21T00:00:00Z": ("fail:", "pass:"),
        "edge_bps_ema24h_sustained, soak up to 2026-11-21T00:00:00Z": ("fail:", "pass:"),
    }
    assert "3 changes" in replay(root, "--policy", str(other)).stdout
    assert "nothing changes" in replay(root, "--policy", str(POLICIES / "soak.yaml")).stdout


def test_a_stretch_without_a_whole_soak_decides_nothing(root: Path):
    result = CliRunner().invoke(
        cli, ["replay", "--recording", str(root), "--from", "2026-11-19", "--to", "2026-11-21", "--json"]
    )
    assert (result.exit_code, document(result)["histories"][0]["soaks"]) == (2, [])
    why = "no soak of 72h begins in 2026-11-19T00:00:00Z/2026-11-21T00:00:00Z and ends with a UTC midnight of it"
    assert f"replay: {why}" in result.stderr
    assert result.stderr.splitlines()[-1] == "| replay | INCONCLUSIVE | REPLAY=INCONCLUSIVE |"
    shown = (
        CliRunner()
        .invoke(cli, ["replay", "--recording", str(root), "--from", "2026-11-19", "--to", "2026-11-21"])
        .stdout.splitlines()
    )
    assert shown[-2].startswith(why)


def test_each_soak_is_told_on_standard_error_and_standard_output_is_one_document(root: Path):
    result = replay(root, "--policy", str(POLICIES / "soak.yaml"), "--json")
    assert set(document(result)) == {"window", "histories", "changes"}
    told = [line for line in result.stderr.splitlines() if "judging" in line]
    assert told == [
        f"replay: by {whose}: judging soak 1 of 1, 2026-11-18T00:00:00Z/2026-11-21T00:00:00Z"
        for whose in ("soak.yaml", "--policy")
    ]


@pytest.mark.parametrize("start", ["1990-01-01", "2025-11-19"])
def test_a_stretch_of_more_than_a_year_is_refused_before_anything_is_read(tmp_path: Path, start: str):
    """The recording is not there, and nobody notices: 2025-11-19 to 2026-11-21 are 367 days."""
    result = CliRunner().invoke(
        cli, ["replay", "--recording", str(tmp_path / "none"), "--from", start, "--to", "2026-11-21"]
    )
    assert isinstance(result.exception, PolicyError)
    assert str(result.exception).startswith("--from, --to: expected a stretch of at most 366 days, was ")
    assert "reading" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (
            ["--from", "2026-11-21", "--to", "2026-11-20"],
            PolicyError,
            "expected a start before the end, was 2026-11-21T00:00:00Z and 2026-11-20T00:00:00Z",
        ),
        (
            ["--from", "2026-11-18", "--to", "2026-11-20", "--policy", "nowhere.yaml"],
            PolicyError,
            "nowhere.yaml: the policy file is missing",
        ),
        (["--from", "2020-01-01", "--to", "2020-01-05"], MissingEvidenceError, "no samples of any day in 2020-01-01"),
    ],
)
def test_what_cannot_be_replayed_is_refused(root: Path, arguments: list[str], error: type[Exception], words: str):
    result = CliRunner().invoke(cli, ["replay", "--recording", str(root), *arguments])
    assert isinstance(result.exception, error)
    assert words in str(result.exception)


def test_two_origins_or_none_are_a_usage_error(root: Path):
    assert replay(root, "--mock").exit_code == 2
    assert CliRunner().invoke(cli, ["replay", "--from", "2026-11-18", "--to", "2026-11-20"]).exit_code == 2


def test_the_edges_sentinel_is_run_over_what_was_recorded_with_every_change_and_its_reason(degraded: Path):
    stretch = ["--from", "2026-11-18", "--to", "2026-11-21"]
    place = ["replay", "--sentinels", "--recording", str(degraded), *stretch]
    shown, found = CliRunner().invoke(cli, place), document(CliRunner().invoke(cli, [*place, "--json"]))
    assert (shown.exit_code, shown.stdout.splitlines()[-1]) == (0, "| replay | SENTINELS | REPLAY=SENTINELS |")
    rows = found["edge"]["windows"]
    assert len(rows) == 144
    switches = [row for row in rows if row["answer"] in {"degrade", "recover"}]
    assert [row["answer"] for row in switches] == ["degrade"]
    assert switches[0]["reason"] == "ema1h below 0 bps in 3 windows in a row"
    words = " ".join(shown.stdout.replace("│", " ").split())
    assert "conservative degrade ema1h below 0 bps in 3 windows in a row" in words
    assert "144 windows, 1 switches, 0 pages; at the end profile conservative" in words
    apart = [
        abs(seen["fast"] - seen["fills_fast"]) for row in rows if (seen := row["window"])["fills_fast"] is not None
    ]
    assert len(apart) > 130
    assert max(apart) < 0.2, "an eighth of what the average lacked at its beginning"
    assert max(apart[24:]) < 0.1


def test_a_stretch_without_a_window_is_refused(degraded: Path):
    stretch = ["--from", "2026-11-18T00:00:00Z", "--to", "2026-11-18T00:20:00Z"]
    result = CliRunner().invoke(cli, ["replay", "--sentinels", "--recording", str(degraded), *stretch])
    assert isinstance(result.exception, PolicyError)
    assert "--from, --to: expected a window of 30m between" in str(result.exception)


def test_without_fills_the_gauges_stand_alone_and_it_says_why(root: Path):
    result = replay(root, "--sentinels", "--json")
    (first, *_) = document(result)["edge"]["windows"]
    assert result.exit_code == 0
    assert first["window"]["fills_fast"] is None
    assert any(one.startswith("fills: ") for one in first["window"]["unknown"])
