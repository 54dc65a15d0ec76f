import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mm_ops_tests.live_paperbot import running


def refused(*flags: str) -> str:
    command = [sys.executable, "-m", "mm_ops", "paperbot", "serve", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_it_ends_when_it_is_told_to_with_its_marker(tmp_path: Path):
    with running(tmp_path) as bot:
        bot.process.send_signal(signal.SIGINT)
        assert bot.process.wait(30) == 0
        assert bot.log.read_text().splitlines()[-1] == "| paperbot serve | OK | PAPERBOT_SERVE=OK |"


def test_a_crash_is_an_exit_that_no_verdict_has(tmp_path: Path):
    with running(tmp_path, "--allow-faults") as bot:
        bot.faults(crash=30)
        assert bot.process.wait(30) == 70


def test_what_it_cannot_use_is_one_line_and_exit_2(tmp_path: Path):
    empty = tmp_path / "token"
    empty.write_text("\n")
    assert "token: expected a token, was empty" in refused("--token-file", str(empty))
    assert "No such file" in refused("--token-file", str(tmp_path / "nothing"))
    assert "no fault 'x'; there are: latency" in refused("--fault", "x")
    assert "--host 0.0.0.0: expected --token-file: whoever" in refused("--host", "0.0.0.0")  # noqa: S104 - refused
    assert "faults.json: no such file" in refused("--faults", str(tmp_path / "faults.json"))


def test_a_port_that_is_taken_is_said(tmp_path: Path):
    with running(tmp_path) as bot:
        assert "Address already in use" in refused("--port", bot.url.rpartition(":")[2])


def test_it_imports_neither_dagster_nor_data_frames():
    code = "import sys, mm_ops.cli.paperbot, mm_ops.paperbot.serving; print(sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not [name for name in ("dagster", "polars", "pandas", "mm_ops.defs") if f"'{name}'" in shown]


@pytest.mark.parametrize("name", ["latency", "lie"])
def test_a_fault_named_on_the_command_line_is_there_from_the_start(tmp_path: Path, name: str):
    with running(tmp_path, "--fault", name) as bot:
        assert f"faults: {name}" in bot.log.read_text()
