"""A real ``dagster-daemon`` over a deployment in a folder, ended with all that it started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_ENDS_WITHIN_S = 20
_NOT_OURS = {"MM_OPS_ARTIFACTS", "MM_OPS_REPORTS_URL", "CI_FAKE_UTC"}


@contextmanager
def daemon(root: Path, variables: Mapping[str, str]) -> Iterator[Path]:
    """Run it on the wall clock until the block ends; gives its log."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", "mm_ops.definitions"]
    with ended(command, root / "daemon.log", root, variables) as log:
        yield log


@contextmanager
def ended(command: Sequence[str], log: Path, folder: Path, variables: Mapping[str, str]) -> Iterator[Path]:
    """Run a command in a folder, and end it with all that it started when the block ends; gives its log."""
    usual = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, cwd=folder, env={**usual, **variables}, start_new_session=True
        )
    try:
        yield log
    finally:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ENDS_WITHIN_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(_ENDS_WITHIN_S)
