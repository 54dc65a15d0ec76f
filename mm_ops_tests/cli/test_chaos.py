import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from mm_ops.adapters.result_files import read_drill
from mm_ops_tests.requirements import PROJECT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mm_ops", "chaos", "run", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert "Traceback" not in result.stdout + result.stderr
    return result


def test_a_drill_on_the_embedded_bot_leaves_a_file_that_a_night_reads(tmp_path: Path):
    result = run("--drill", "deafness", "--json", "--out", str(tmp_path / "chaos_drill.json"))
    assert (result.returncode, result.stderr.splitlines()[-1]) == (0, "| chaos run | OK | CHAOS_RUN=OK |")
    document = json.loads(result.stdout)
    assert set(document["observed"]) == {"told_unconfirmed_s", "halted_s"}
    assert document["bot"]["where"] == "an embedded paper bot"
    assert read_drill(tmp_path / "chaos_drill.json", date.fromisoformat(document["date"])) == document


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--drill", "flood"), "no drill flood in chaos.yaml; there are: feed_cut, "),
        (("--url", "mm1:9108"), "expected the address"),
    ],
)
def test_what_cannot_be_held_is_refused_in_one_line(arguments: tuple[str, ...], said: str):
    result = run(*arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
