"""The README and the tutorial as a newcomer follows them, in a copy of the project: each command as it is printed."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mm_ops_tests.page_commands import commands_of, run_page
from mm_ops_tests.requirements import PROJECT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
LEFT_OUT = {"make test": "is what runs this"}
SERVES = (".venv/bin/mm-ops watch",)
ANSWERS = {".venv/bin/mm-ops sentinel cron": {0, 1, 2}}  # a fresh clone has had no night at its time
WRITTEN_ON = "2026-11-24"


@pytest.fixture(name="clone")
def copied(tmp_path: Path) -> Path:
    """What git holds, and the environment that is there already."""
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, tmp_path / name)
    for name in ("requirements.lock", "pyproject.toml"):
        os.utime(tmp_path / name, (0, 0))  # older than the environment: nothing is installed again
    (tmp_path / ".venv").symlink_to(PROJECT / ".venv")
    (tmp_path / "var").mkdir()
    return tmp_path


def variables(clone: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(clone), "MM_OPS_ROOT": str(clone), "DAGSTER_HOME": str(clone / "var/dagster")}


def as_printed(page: str) -> list[str]:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    printed = [one.replace(WRITTEN_ON, yesterday) for one in commands_of((PROJECT / page).read_text(encoding="utf-8"))]
    kept = [one for one in printed if one.split("  ")[0].strip() not in LEFT_OUT]
    return [f"{one} &\nsleep 3; kill -0 $!" if one.startswith(SERVES) and one[-1] != "&" else one for one in kept]


def test_every_command_works_as_it_is_printed(clone: Path):
    """One page after the other: the ports are as printed too."""
    for page in ("README.md", "deploy/tutorial.md"):
        commands = as_printed(page)
        assert len(commands) >= 6
        for ran in run_page(commands, clone, variables(clone)):
            allowed = next((codes for start, codes in ANSWERS.items() if ran.command.startswith(start)), {0})
            assert ran.code in allowed, f"{ran.command}\nended with {ran.code}: {ran.said[-3000:]}"
            assert "Traceback" not in ran.said
    readiness = next((clone / "var/artifacts/mybot").glob("*/reports/readiness.json"))
    assert json.loads(readiness.read_text(encoding="utf-8"))["verdict"] == "GO"
    assert "mybot: stopped" in (clone / "var/watch.log").read_text(encoding="utf-8")
