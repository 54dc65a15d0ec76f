import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mm_ops_tests.requirements import PROJECT


@pytest.fixture(name="root")
def copied(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "deploy/policies", tmp_path / "deploy/policies")
    path = tmp_path / "deploy/policies/tune.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("[0.75, 1.0, 1.25, 1.5]", "[0.5, 1.0]").replace("days: 2", "days: 1")
    path.write_text(text, encoding="utf-8")
    return tmp_path


def tune(root: Path, *arguments: str, said: str = "", ci: str = "") -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "MM_OPS_ROOT": str(root), "CI_FAKE_UTC": "2026-11-25T06:00:00Z", "CI": ci}
    command = [sys.executable, "-m", "mm_ops", "tune", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=root, input=said)
    assert "Traceback" not in result.stdout + result.stderr
    return result


def test_a_sweep_tells_every_width_and_the_same_again(root: Path):
    first, again = tune(root, "sweep", "--json"), tune(root, "sweep", "--json")
    assert (first.returncode, first.stderr.splitlines()[-1]) == (0, "| tune sweep | OK | TUNE_SWEEP=OK |")
    assert first.stdout == again.stdout
    assert first.stdout.count('"spread_factor"') == 2


def test_a_proposal_changes_nothing(root: Path):
    before = {path.name: path.read_bytes() for path in (root / "deploy/policies").iterdir()}
    dry = tune(root, "apply", "--dry-run")
    assert (dry.returncode, dry.stdout.splitlines()[-1]) == (0, "| tune apply | DRYRUN | TUNE_APPLY=DRYRUN |")
    assert {path.name: path.read_bytes() for path in (root / "deploy/policies").iterdir()} == before
    assert tune(root, "apply").returncode == 2


WHO = ("apply", "--by", "Ada", "--reason", "the sweep of November says so")


def width(root: Path, factor: str) -> Path:
    """Let the base quote so wide."""
    path = root / "deploy/policies/profiles.yaml"
    text = path.read_text(encoding="utf-8")
    assert "  spread_factor: 1.0\n" in text
    path.write_text(text.replace("  spread_factor: 1.0\n", f"  spread_factor: {factor}\n", 1), encoding="utf-8")
    return path


def test_a_change_is_written_after_a_yes_alone_with_who_and_why_on_record(root: Path) -> None:
    path = width(root, "0.5")
    before = path.read_text(encoding="utf-8")
    declined = tune(root, *WHO, said="n\n")
    assert (declined.returncode, declined.stdout.splitlines()[-1]) == (
        2,
        "| tune apply | DECLINED | TUNE_APPLY=DECLINED |",
    )
    assert path.read_text(encoding="utf-8") == before
    assert not (root / "deploy/tuning").exists()
    done = tune(root, *WHO, said="y\n")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "| tune apply | APPLIED | TUNE_APPLY=APPLIED |")
    assert "-  spread_factor: 0.5\n+  spread_factor: 1\n" in done.stdout
    assert path.read_text(encoding="utf-8") == before.replace("spread_factor: 0.5", "spread_factor: 1", 1)
    (record,) = json.loads((root / "deploy/tuning/APPLIED_profiles.json").read_text(encoding="utf-8"))
    assert (record["by"], record["reason"]) == ("Ada", "the sweep of November says so")
    assert (record["factor_before"], record["factor_after"], len(record["cells"])) == (0.5, 1, 2)
    assert record["after"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    again = tune(root, *WHO, "--yes")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "| tune apply | NOTHING | TUNE_APPLY=NOTHING |")


@pytest.mark.parametrize(
    ("arguments", "ci", "said"),
    [
        (("apply", "--yes"), "", "expected --dry-run, or --by and --reason"),
        (("apply", "--yes", "--by", "Ada"), "", "expected --dry-run, or --by and --reason"),
        ((*WHO, "--yes"), "true", "CI is set"),
    ],
)
def test_nobody_applies_a_change_without_a_name_or_in_ci(
    root: Path, arguments: tuple[str, ...], ci: str, said: str
) -> None:
    path = width(root, "0.5")
    before = path.read_bytes()
    refused = tune(root, *arguments, ci=ci)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert path.read_bytes() == before
