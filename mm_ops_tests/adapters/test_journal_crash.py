"""The watcher is killed with SIGKILL at seeded points: exactly one effect an episode, none lost, and a sound chain."""

import json
import os
import subprocess
import sys
from pathlib import Path

from mm_ops_tests.requirements import PROJECT

SEEDS, PROCESSES = 160, 4


def test_a_watcher_that_is_killed_anywhere_stops_the_bot_exactly_once(tmp_path: Path):
    share, running = SEEDS // PROCESSES, []
    for number in range(PROCESSES):
        folder = tmp_path / str(number)
        folder.mkdir()
        seeds = (str(number * share), str((number + 1) * share))
        command = [sys.executable, str(PROJECT / "mm_ops_tests/journal_crash.py"), str(folder), *seeds]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
    came = [json.loads(line) for process in running for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in running] == [0] * PROCESSES
    assert [one["seed"] for one in came] == list(range(SEEDS))
    assert sum(one["killed"] for one in came) >= 100, "too few of the lives ended by a kill to prove anything"
    assert sum(one["asked"] for one in came) > 4 * SEEDS, "no kill hit a stop that was under way"
    for one in came:
        keys = [f"{one['stops'][0]}/{name}" for name in ("freeze_orders", "halt", "open_circuit", "scale_to_zero")]
        assert sorted(one["effects"]) == keys, one
        assert (len(one["stops"]), one["confirmed"], one["left"], one["problems"]) == (1, 1, 0, []), one
