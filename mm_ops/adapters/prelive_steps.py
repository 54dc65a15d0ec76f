"""Runs the commands of the pack, each in a process group of its own that is ended with its time."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from mm_ops.adapters.environment import child_variables
from mm_ops.domain.prelive.ended import Ran, StepEnd, judge_step
from mm_ops.domain.prelive.policy import Step

_KEPT_BYTES = 65_536
_KEPT_LINES = 40
_GRACE_S = 5.0


def run_steps(
    steps: Sequence[Step],
    names: Collection[str] = (),
    *,
    clock: Callable[[], float],
    root: Path,
    say: Callable[[str], object],
    variables: Mapping[str, str] | None = None,
) -> list[StepEnd]:
    """Run steps one after the other, all or those named; the others are told as not run.

    Args:
        steps: in order.
        names: of those to be run; none of them means all.
        clock: seconds that never go backwards.
        root: the folder they run in.
        say: told how each ended.
        variables: of the environment, where they differ from this process's.
    """
    ends = []
    for step in steps:
        asked = not names or step.name in names
        given = variables or {}
        ran = run_step(step.command, within_s=step.within, clock=clock, root=root, variables=given) if asked else None
        ends.append(judge_step(step, ran))
        say(f"{step.name}: {ends[-1].ended.value}")
    return ends


def run_step(
    words: Sequence[str],
    *,
    within_s: float,
    clock: Callable[[], float],
    root: Path,
    program: Sequence[str] = (sys.executable, "-m", "mm_ops"),
    variables: Mapping[str, str] | None = None,
) -> Ran:
    """Run a command to its end, or to the end of its time; whatever it started ends with it.

    Args:
        words: of the command.
        within_s: how long it may take, in seconds.
        clock: seconds that never go backwards.
        root: the folder it runs in.
        program: what the words are given to.
        variables: of the environment, where they differ from this process's.
    """
    begun = clock()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*program, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=root,
            env=child_variables(variables or {}),
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(within_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
        return Ran(exit_code=code, said=_last_lines(output), took_s=clock() - begun)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the whole group to end, and kill what does not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)


def _last_lines(output: IO[bytes]) -> list[str]:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _KEPT_BYTES))
    lines = output.read().decode("utf-8", "replace").splitlines()
    return ["".join(letter if letter.isprintable() else " " for letter in line) for line in lines[-_KEPT_LINES:]]
