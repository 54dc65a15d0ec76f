"""Runs every pinned case several times, each time in a new process, to see by how much its report differs.

Each process has another number of threads and another order of hashes: what differs between machines, as far as one
machine can show it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mm_ops.adapters.environment import child_variables
from mm_ops.adapters.json_files import read_json
from mm_ops.domain.errors import SourceUnavailableError

_DEADLINE_S = 600.0
_THREADS = (1, 2, 4, 8)


def run_repeatedly(runs: int, cases: list[str], tell: Callable[[str], object]) -> dict[str, list[Any]]:
    """Run the cases so often and return their reports by case; ``tell`` hears of every run.

    Raises:
        SourceUnavailableError: a run did not end with a verdict.
    """
    found: dict[str, list[Any]] = {case: [] for case in cases}
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        for n in range(runs):
            threads = _THREADS[n % len(_THREADS)]
            tell(f"golden: run {n + 1} of {runs}, threads {threads}")
            place = Path(folder) / str(n)
            _run(place, cases, {"POLARS_MAX_THREADS": str(threads), "PYTHONHASHSEED": str(n)})
            for case in cases:
                found[case].append(read_json(place / f"EDGE_REPORT_{case}.json"))
    return found


def _run(place: Path, cases: list[str], variables: Mapping[str, str]) -> None:
    chosen = [text for case in cases for text in ("--case", case)]
    command = [sys.executable, "-m", "mm_ops", "golden", "run", "--out", str(place), "--unjudged", *chosen]
    try:
        ended = subprocess.run(
            command, env=child_variables(variables), capture_output=True, text=True, timeout=_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SourceUnavailableError(f"golden run: expected an end within {_DEADLINE_S:g} s, was none") from error
    if ended.returncode != 0:
        said = (ended.stderr.strip().splitlines() or ["nothing"])[-1]
        raise SourceUnavailableError(f"golden run: ended with {ended.returncode}, and said: {said}")
