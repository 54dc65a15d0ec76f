"""0 and 1 are verdicts: nothing but a verdict may exit with them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from mm_ops.cli.exits import run
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.requirements import PROJECT

TABLE = """
import sys
from mm_ops.cli.context import marker, show_table
from mm_ops.cli.exits import run

def command():
    show_table("t", ("a", "b"), [("1", "2")] * 5000)
    marker("t", "PASS")
    sys.exit(0)

sys.exit(run(command))
"""


def raising(error: BaseException) -> Callable[[], object]:
    def command() -> object:
        raise error

    return command


class Panic(BaseException):
    """As those of Rust, which are no Exception."""


ENDS: dict[str, tuple[BaseException, int, str]] = {
    "a verdict of pass": (SystemExit(0), 0, ""),
    "a verdict of fail": (SystemExit(1), 1, ""),
    "an exit that says nothing": (SystemExit(), 0, ""),
    "an exit with words": (SystemExit("no"), 2, ""),
    "a refusal": (SchemaError("x.json: not JSON"), 2, "mm-ops: x.json: not JSON\n"),
    "a refusal of click with another code": (click.FileError("x", "gone"), 2, "Error: Could not open file 'x': gone\n"),
    "a refusal of the system": (FileNotFoundError(2, "No such file", "x"), 2, "mm-ops: x: No such file\n"),
    "a refusal of the system about nothing": (OSError("odd"), 2, "mm-ops: the system: odd\n"),
    "Ctrl-C": (KeyboardInterrupt(), 130, "mm-ops: interrupted; nothing was decided\n"),
    "Ctrl-C as click says it": (click.Abort(), 130, "mm-ops: interrupted; nothing was decided\n"),
    "a reader who left": (BrokenPipeError(), 141, ""),
    "a fault": (
        KeyError("day"),
        2,
        "mm-ops: a fault of mm_ops, nothing was decided: KeyError: 'day'; MM_OPS_TRACEBACK=1 shows where\n",
    ),
    "a fault without words": (
        RecursionError(),
        2,
        "mm-ops: a fault of mm_ops, nothing was decided: RecursionError; MM_OPS_TRACEBACK=1 shows where\n",
    ),
    "a fault of several lines": (
        ValueError("a\n  b"),
        2,
        "mm-ops: a fault of mm_ops, nothing was decided: ValueError: a b; MM_OPS_TRACEBACK=1 shows where\n",
    ),
    "a panic": (
        Panic("p"),
        2,
        "mm-ops: a fault of mm_ops, nothing was decided: Panic: p; MM_OPS_TRACEBACK=1 shows where\n",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_however_a_command_ends_the_exit_code_says_it_and_so_does_one_line(
    name: str, capsys: pytest.CaptureFixture[str]
):
    error, code, said = ENDS[name]
    assert run(raising(error)) == code
    assert capsys.readouterr().err == said


def test_a_command_that_returns_has_done_what_it_should():
    assert run(lambda: None) == 0
    assert run(lambda: 0) == 0
    assert run(lambda: "what click gives back") == 2


def test_the_traceback_of_a_fault_is_shown_when_it_is_asked_for():
    code = "from mm_ops.cli.exits import run; import sys; sys.exit(run(lambda: {}['day']))"
    done = python(code, variables={"MM_OPS_TRACEBACK": "1"})
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.endswith("mm-ops: a fault of mm_ops, nothing was decided: KeyError: 'day'\n")
    assert "Traceback" not in python(code, variables={}).stderr


def python(code: str, *, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=variables)


@pytest.mark.parametrize("command", [["-m", "mm_ops", "--help"], ["-c", TABLE]], ids=["help", "a table"])
def test_a_reader_who_leaves_early_is_neither_a_verdict_nor_a_fault(command: list[str]):
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 141)
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full: Linux only")
def test_a_full_disk_under_the_output_is_told():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", TABLE], stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=PROJECT
        )
    assert (done.returncode, done.stderr) == (2, "mm-ops: the system: No space left on device\n")
