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


def tune(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "MM_OPS_ROOT": str(root), "CI_FAKE_UTC": "2026-11-25T06:00:00Z"}
    command = [sys.executable, "-m", "mm_ops", "tune", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=root)
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
