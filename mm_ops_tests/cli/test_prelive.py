import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mm_ops.domain.prelive.policy import REQUIRED
from mm_ops_tests.quick_pack import write_quick_pack
from mm_ops_tests.requirements import PROJECT

SCAN = (
    "  - {name: scan, command: [secrets, scan, deploy], marker: SECRETS_SCAN=PASS, within: 60, source: made up here}\n"
)
LATE = "  - {name: late, command: [paperbot, serve], marker: PAPERBOT_SERVE=OK, within: 1, source: made up for it}\n"
GONE = "  - {name: gone, command: [no-such-command], marker: GONE=OK, within: 60, source: made up for it}\n"


@pytest.fixture(name="root")
def copied(tmp_path: Path) -> Path:
    (tmp_path / "deploy/policies").mkdir(parents=True)
    for name in ("secrets.yaml", "bots.yaml"):
        shutil.copy(PROJECT / "deploy/policies" / name, tmp_path / "deploy/policies")
    return tmp_path


def run(root: Path, steps: str, *arguments: str) -> tuple[int, list[str]]:
    write_quick_pack(root, steps)
    command = [sys.executable, "-m", "mm_ops", *arguments]
    variables = {**os.environ, "MM_OPS_ROOT": str(root), "CI_FAKE_UTC": "2026-11-25T06:00:00Z"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=root)
    assert "Traceback" not in result.stdout + result.stderr
    return result.returncode, result.stdout.splitlines()


def test_a_pack_whose_steps_all_pass_is_ok(root: Path):
    code, said = run(root, "", "prelive", "--out", str(root / "pack.json"))
    assert (code, said[-1]) == (0, "| prelive | OK | PRELIVE=OK |")
    assert json.loads((root / "pack.json").read_text(encoding="utf-8"))["blockers"] == []


def test_a_step_that_fails_is_1_and_one_that_cannot_run_is_2(root: Path):
    asked = [word for name in ("scan", "gone", "late") for word in ("--step", name)]
    code, said = run(root, SCAN + GONE + LATE, "prelive", "--json", *asked)
    ends = {step["step"]: step["ended"] for step in json.loads("\n".join(said))["steps"]}
    left = dict.fromkeys(REQUIRED, "not-run")
    assert (code, ends) == (2, {**left, "scan": "passed", "gone": "could-not-run", "late": "could-not-run"})
    (root / "deploy/key.txt").write_text("AKIA" + "ABCDEFGHIJ234567", encoding="utf-8")
    code, said = run(root, SCAN + GONE, "prelive", *asked[:4])
    assert (code, said[-1]) == (1, "| prelive | FAIL | PRELIVE=FAIL |")


def test_a_step_that_is_left_out_is_no_pass(root: Path):
    code, said = run(root, SCAN + GONE, "prelive", "--step", "scan")
    assert (code, said[-1]) == (2, "| prelive | INCONCLUSIVE | PRELIVE=INCONCLUSIVE |")
    assert run(root, SCAN, "prelive", "--step", "other")[0] == 2


def test_make_ready_names_what_stands_in_the_way(root: Path):
    code, said = run(root, "", "make-ready")
    assert (code, said[-1]) == (2, "| make_ready | FAIL | MAKE_READY=BLOCKED |")
    file = root / "var/artifacts/paper/2026-11-24/reports/readiness.json"
    why = f"blocked by readiness_paper: could-not-run: exit 2: mm-ops: {file}: no such file"
    assert [line for line in said if line.startswith("blocked by ")] == [why]


def test_make_ready_in_dry_mode_runs_nothing_and_is_blocked(root: Path):
    code, said = run(root, SCAN, "make-ready", "--dry-run")
    assert (code, said[-1]) == (2, "| make_ready | FAIL | MAKE_READY=BLOCKED |")
    assert "blocked by scan: not-run: not asked for" in said


def test_a_pack_without_a_step_that_it_must_have_is_refused(root: Path):
    path = root / "deploy/policies/prelive.yaml"
    command = [sys.executable, "-m", "mm_ops", "make-ready"]
    run(root, "", "prelive", "--step", "rotation")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "secrets_scan" not in line]
    path.write_text("\n".join(lines), encoding="utf-8")
    variables = {**os.environ, "MM_OPS_ROOT": str(root)}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=root)
    assert result.returncode == 2
    assert "missing: secrets_scan" in result.stderr
