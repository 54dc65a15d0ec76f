import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mm_ops_tests.requirements import PROJECT


@pytest.fixture(name="root")
def copied(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "deploy", tmp_path / "deploy")
    return tmp_path


def render(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mm_ops", "render", *arguments]
    variables = {**os.environ, "MM_OPS_ROOT": str(root)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=root)


def answer(result: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    assert "Traceback" not in result.stdout + result.stderr
    return result.returncode, (result.stdout.splitlines() or [""])[-1]


def raise_a_limit(root: Path) -> None:
    soak = root / "deploy/policies/soak.yaml"
    text = soak.read_text(encoding="utf-8")
    assert "limit: 200\n" in text
    soak.write_text(text.replace("limit: 200\n", "limit: 250\n", 1), encoding="utf-8")


def test_the_project_is_as_rendered() -> None:
    assert answer(render(PROJECT, "--check")) == (0, "| render | OK | RENDER=OK |")


def test_a_changed_limit_fails_the_check_until_it_is_rendered(root: Path) -> None:
    raise_a_limit(root)
    before = (root / "deploy/checks.md").read_bytes()
    drifted = render(root, "--check")
    assert answer(drifted) == (1, "| render | DRIFT | RENDER=DRIFT |")
    assert "deploy/runbooks/SoakWSLagHigh.md is not what the catalogue renders" in drifted.stdout
    assert "+| limit | ≤ 250 ms |" in drifted.stdout
    assert (root / "deploy/checks.md").read_bytes() == before

    written = render(root)
    assert answer(written) == (0, "| render | OK | RENDER=OK |")
    assert "wrote deploy/prometheus/alerts_soak.yml" in written.stdout.splitlines()
    assert answer(render(root, "--check")) == (0, "| render | OK | RENDER=OK |")
    assert "wrote" not in render(root).stdout


def test_an_alert_without_a_page_fails_the_check_and_cannot_be_rendered(root: Path) -> None:
    (root / "deploy/runbooks/Watchdog.md").unlink()
    checked, written = render(root, "--check"), render(root)
    assert answer(checked) == (1, "| render | DRIFT | RENDER=DRIFT |")
    assert answer(written) == (2, "| render | DRIFT | RENDER=DRIFT |")
    for result in (checked, written):
        assert "deploy/runbooks/Watchdog.md: expected a runbook for the alert of that name, was none" in result.stdout


def test_policies_that_disagree_are_one_line_and_write_nothing(root: Path) -> None:
    alerting = root / "deploy/policies/alerting.yaml"
    alerting.write_text(alerting.read_text(encoding="utf-8").replace("hold: 2m", "hold: 100s", 1), encoding="utf-8")
    raise_a_limit(root)
    before = (root / "deploy/prometheus/alerts_soak.yml").read_bytes()
    for arguments in ([], ["--check"]):
        result = render(root, *arguments)
        assert answer(result)[0] == 2
        assert result.stderr == ("mm-ops: alerting.yaml: no_data.absent.hold: expected a multiple of 15s, was 1m40s\n")
    assert (root / "deploy/prometheus/alerts_soak.yml").read_bytes() == before


def test_a_machine_reads_what_differs_and_what_was_written(root: Path) -> None:
    raise_a_limit(root)
    paths = [item["path"] for item in _document(render(root, "--check", "--json"))["differences"]]
    assert "deploy/checks.md" in paths
    assert _document(render(root, "--json")) == {"differences": [], "faults": [], "written": paths}


def _document(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(result.stdout)
    return read


def test_a_rollback_policy_that_disagrees_with_the_rules_is_refused(root: Path) -> None:
    rollback = root / "deploy/policies/rollback.yaml"
    text = rollback.read_text(encoding="utf-8")
    rollback.write_text(text.replace("length: 15m", "length: 1m", 1), encoding="utf-8")
    for flags in (["--check"], []):
        refused = render(root, *flags)
        assert answer(refused)[0] == 2
        assert "rollback.yaml: alerts.0 (SoakLatencyP95High): cooldown.length: expected at least" in refused.stderr


def test_a_part_can_be_checked_by_itself_and_an_empty_part_cannot(root: Path) -> None:
    raise_a_limit(root)
    assert answer(render(root, "--check", "--only", "deploy/prometheus"))[0] == 1
    assert "1 renderings, 0 differed" in render(root, "--check", "--only", "deploy/alertmanager/").stdout
    assert render(root, "--check", "--only", "deploy/none").returncode == 2
    assert render(root, "--only", "deploy/prometheus").returncode == 2
