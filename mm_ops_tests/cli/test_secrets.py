import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mm_ops_tests.planted_secrets import drawn
from mm_ops_tests.requirements import PROJECT

KEY = drawn(64)
PASSED, FAILED, UNDECIDED = 0, 1, 2


@pytest.fixture(name="root")
def copied(tmp_path: Path) -> Path:
    (tmp_path / "deploy/policies").mkdir(parents=True)
    shutil.copy(PROJECT / "deploy/policies/secrets.yaml", tmp_path / "deploy/policies")
    return tmp_path


def scan(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mm_ops", "secrets", "scan", *arguments]
    variables = {**os.environ, "MM_OPS_ROOT": str(root), "CI_FAKE_UTC": "2026-11-25T06:00:00Z"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=root)
    assert "Traceback" not in result.stdout + result.stderr
    assert KEY not in result.stdout + result.stderr
    return result


def last(result: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return result.returncode, (result.stdout.splitlines() or [""])[-1]


def test_a_planted_key_fails_until_somebody_has_looked_at_it(root: Path):
    assert last(scan(root)) == (PASSED, "| secrets scan | PASS | SECRETS_SCAN=PASS |")
    artifacts = root / "var/artifacts/paper"
    artifacts.mkdir(parents=True)
    (artifacts / "report.json").write_text(f'{{"binance": "{KEY}"}}', encoding="utf-8")
    failed = scan(root)
    assert last(failed) == (FAILED, "| secrets scan | FAIL | SECRETS_SCAN=FAIL |")
    assert "binance_key in artifacts/paper/report.json:1" in failed.stdout

    found = json.loads(scan(root, "--json").stdout)["findings"][0]
    policy = root / "deploy/policies/secrets.yaml"
    entry = (
        f"baseline:\n  - {{rule: {found['rule']}, path: {found['path']}, fingerprint: '{found['fingerprint']}', "
        "state: unaudited, by: Ada, expires: 2026-12-01, reason: 'of a demonstration account'}\n"
    )
    policy.write_text(policy.read_text(encoding="utf-8").replace("baseline: []\n", entry), encoding="utf-8")
    unaudited = scan(root)
    assert last(unaudited)[0] == FAILED
    assert "nobody has looked at it" in unaudited.stdout
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("state: unaudited", "state: revoked"), encoding="utf-8")
    assert last(scan(root))[0] == PASSED


def test_what_cannot_be_read_to_its_end_is_undecided(root: Path):
    (root / "cut.gz").write_bytes(b"\x1f\x8b\x08 and no more")
    assert last(scan(root)) == (UNDECIDED, "| secrets scan | INCONCLUSIVE | SECRETS_SCAN=INCONCLUSIVE |")
    assert last(scan(root, "deploy"))[0] == PASSED


def test_a_path_that_is_not_there_is_refused_in_one_line(root: Path):
    refused = scan(root, "none")
    assert refused.returncode == UNDECIDED
    assert refused.stderr.endswith("none: no such file or folder\n")
