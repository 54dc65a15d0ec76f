"""The whole watcher is killed with SIGKILL at over 100 seeded moments: one effect of each episode, none lost."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_paperbot import free_port, running
from mm_ops_tests.live_watcher import prepare
from mm_ops_tests.requirements import PROJECT

SEEDS, PROCESSES = 104, 2


def test_one_effect_of_each_episode_wherever_the_watcher_is_killed(tmp_path: Path):
    share, started = SEEDS // PROCESSES, []
    with ExitStack() as bots:
        for number in range(PROCESSES):
            folder = tmp_path / str(number)
            folder.mkdir()
            bot = bots.enter_context(running(folder, "--state-file", str(folder / "bot.json"), speed=1))
            prepare(folder, catalogue_of({"paper": bot.url}, "http://127.0.0.1/alert-hook", 1).fleet)
            ports = (str(free_port()), str(urlsplit(bot.url).port))
            seeds = (str(1 + number * share), str(1 + (number + 1) * share))
            command = [sys.executable, str(PROJECT / "mm_ops_tests/watcher_crash.py"), str(folder), *ports, *seeds]
            environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        said = [[json.loads(line) for line in process.communicate()[0].splitlines()] for process in started]
    assert [process.returncode for process in started] == [0] * PROCESSES
    assert [lines.pop() for lines in said] == [{"ended": 0, "problems": []}] * PROCESSES
    came = [one for lines in said for one in lines]
    assert [one["seed"] for one in came] == list(range(1, SEEDS + 1))
    assert sum(one["kills"] for one in came) >= SEEDS
    assert {one["acknowledged"] for one in came} == {True, False}, "every kill hit the same side of the answer"
    for one in came:
        assert one["asleep"], f"what was over was done again: {one}"
        assert (one["changes"], one["halted"]) == (4, ["HALTED", 0.0, "open", True]), one
        assert one["confirmed"] == [1], one
