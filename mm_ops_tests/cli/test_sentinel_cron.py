"""``mm-ops sentinel cron`` as a user runs it: a table, an exit code, one line for what is wrong in the file."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from mm_ops.adapters.policy_files import read_policy
from mm_ops.cli.replay import replay
from mm_ops.cli.sentinel import sentinel
from mm_ops.domain.bots import Fleet
from mm_ops.domain.errors import PolicyError
from mm_ops_tests.live_watcher import TOKEN, watching
from mm_ops_tests.requirements import PROJECT

LENGTH = {"length": "1m", "source": "made up for a test"}
NOW = "2026-11-25T09:00:00+00:00"


def entry(name: str, proof: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": name, "proof": proof, "due": {"max_age": "24h"}, "source": "made up for a test", **fields}


def files(glob: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "file", "glob": glob, **fields}


class Home:
    """A project with a policy of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.config = root, root / "deploy/cron/sentinel.yaml"
        self.variables = {"MM_OPS_ROOT": str(root), "CI_FAKE_UTC": NOW, "MM_OPS_JOURNAL": ""}
        self.variables |= {"MM_OPS_POLICIES": str(PROJECT / "deploy/policies"), "DAGSTER_HOME": str(root / "dagster")}

    def watch(self, *tasks: dict[str, Any]) -> None:
        lengths = dict.fromkeys(("clock_skew", "attempt", "gap", "told_at_least"), LENGTH)
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(json.dumps({"source": "made up for a test", **lengths, "tasks": list(tasks)}))

    def write(self, name: str, hour: int = 8) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
        moment = datetime(2026, 11, 25, hour, tzinfo=UTC).timestamp()
        os.utime(path, (moment, moment))

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(sentinel, ["cron", *arguments], env=self.variables)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_all_up_is_zero_with_a_table_and_a_marker(home: Home):
    home.watch(entry("report", files("out/*.json")))
    home.write("out/x.json")
    shown = home.run()
    assert shown.exit_code == 0, shown.output
    assert "it ran at 2026-11-25T08:00:00Z; due every 24h" in shown.stdout
    assert shown.stdout.endswith("| sentinel cron | UP | SENTINEL_CRON=UP |\n")


def test_one_down_is_one(home: Home):
    home.watch(entry("report", files("out/*.json")), entry("other", files("out/*.csv")))
    home.write("out/x.json")
    shown = home.run("--json")
    assert shown.exit_code == 1
    document = json.loads(shown.stdout)
    states = {one["task"]: (one["state"], one["reason"]) for one in document["tasks"]}
    assert states["other"] == ("down", "no file matches out/*.csv")
    assert states["report"][0] == "up"
    assert document["verdict"] == "fail"
    assert shown.stderr.endswith("| sentinel cron | DOWN | SENTINEL_CRON=DOWN |\n")


def test_one_that_never_ran_is_two(home: Home):
    home.watch(entry("backup", {"kind": "heartbeat", "task": "backup"}), entry("night", {"kind": "job", "name": "n"}))
    shown = home.run("--json")
    assert shown.exit_code == 2
    backup, night = json.loads(shown.stdout)["tasks"]
    assert "no journal there: `mm-ops watch` makes it" in backup["reason"]
    assert night["reason"].endswith("/dagster: no Dagster instance there (DAGSTER_HOME)")
    assert {backup["state"], night["state"]} == {"new"}


def test_a_journal_that_is_named_and_is_not_there_is_down(home: Home):
    home.watch(entry("backup", {"kind": "heartbeat", "task": "backup"}))
    home.variables["MM_OPS_JOURNAL"] = "gone.sqlite"
    shown = home.run()
    assert shown.exit_code == 1
    assert "gone.sqlite: no journal there" in " ".join(shown.stdout.split())


def test_a_journal_that_cannot_be_read_is_down(home: Home):
    home.watch(entry("backup", {"kind": "heartbeat", "task": "backup"}))
    home.variables["MM_OPS_JOURNAL"] = "nope://x/y"
    assert home.run().exit_code == 1


def test_only_what_is_asked_for_and_what_it_needs_is_judged(home: Home):
    home.watch(
        entry("a", files("out/a")), entry("b", files("out/b"), needs=["a"]), entry("c", files("out/c"), needs=["b"])
    )
    home.write("out/a")
    home.write("out/b")
    assert home.run("--task", "b").exit_code == 0
    assert home.run().exit_code == 1
    refused = home.run("--task", "x")
    assert str(refused.exception) == "--task: no task x; there are: a, b, c"


def test_a_file_of_a_time_to_come_is_down(home: Home):
    home.watch(entry("report", files("out/x")))
    home.write("out/x", hour=10)
    shown = home.run("--json")
    assert shown.exit_code == 1
    (one,) = json.loads(shown.stdout)["tasks"]
    assert one["reason"] == "its last sign is 1h in the future: expected none after now; see the clocks"


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


GOOD = """\
source: made up for a test
clock_skew: {length: 5s, source: made up for a test}
attempt: {length: 5s, source: made up for a test}
gap: {length: 5m, source: made up for a test}
told_at_least: {length: 1h, source: made up for a test}
tasks:
  - name: nightly
    proof: {kind: job, name: nightly}
    due: {cron: "30 0 * * *", zone: UTC, start: 10m, finish: 1h}
    source: made up for a test
  - name: report
    proof: {kind: file, glob: "out/*"}
    due: {oncalendar: "daily UTC", start: 10m, finish: 1h}
    needs: [nightly]
    source: made up for a test
"""


def _doubled(text: str) -> str:
    return text.replace("name: report", "name: nightly").replace("    needs: [nightly]\n", "")


NO_UNIT = replaced("start: 10m, finish: 1h}\n    source", "start: 10, finish: 1h}\n    source")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (replaced("kind: job", "kind: jobs"), ":8: tasks.0.proof: Input tag 'jobs' found using 'kind' does not match"),
        (replaced("30 0 * * *", "0 0 30 2 *"), ":9: tasks.0.due.cron: bad day-of-month in '0 0 30 2 *'"),
        (replaced("30 0 * * *", "* * */20 * 1L"), ":9: tasks.0.due.cron: '* * */20 * 1L' never fires"),
        (replaced("daily UTC", "*-02-30 UTC"), ":13: tasks.1.due.oncalendar: '*-02-30 UTC' never elapses"),
        (replaced("zone: UTC", "zone: Mars/Olympus"), ":9: tasks.0.due.zone: expected a time zone such as"),
        (
            replaced("start: 10m, finish: 1h}\n    source", "start: 10, finish: 1h}\n    source"),
            ":9: tasks.0.due.start: ",
        ),
        (replaced("needs: [nightly]", "needs: [night]"), ":7: tasks: report: needs: no task night"),
        (replaced("needs: [nightly]", "needs: [report]"), ":11: tasks.1: needs: expected each once, and not the task"),
        (_doubled, ":7: tasks: expected every name once, was twice: nightly"),
        (replaced("cron:", "chron:"), ":9: tasks.0.due: expected one of max_age, cron, oncalendar"),
        (replaced("glob:", "path:"), ":12: tasks.1.proof.path: Unexpected keyword argument"),
        (replaced("5m,", "5,"), ":4: gap.length: expected a duration such as 30m, 36h, 7d or 1h30m, was 5"),
        (lambda text: text[: text.index("tasks:")], ":1: tasks: Field required"),
        (
            lambda text: text[: text.index("  - name")].replace("tasks:", "tasks: []"),
            "tasks: Tuple should have at least 1",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_wrong_in_the_file_is_told_with_its_line(home: Home, edit: Callable[[str], str], words: str):
    home.config.parent.mkdir(parents=True)
    home.config.write_text(edit(GOOD))
    refused = home.run()
    assert isinstance(refused.exception, PolicyError)
    assert any(
        line.startswith(f"{home.config}{words}") or words in line for line in str(refused.exception).splitlines()
    )


def test_the_good_file_is_good(home: Home):
    home.config.parent.mkdir(parents=True)
    home.config.write_text(GOOD)
    assert home.run().exit_code == 1  # no file matches


def test_a_file_that_is_not_there_is_one_line_and_two(home: Home):
    command = [sys.executable, "-m", "mm_ops", "sentinel", "cron"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **home.variables})
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == f"mm-ops: {home.config}: the policy file is missing\n"


def test_dagster_is_not_loaded_where_no_task_needs_it(home: Home):
    home.watch(entry("report", files("out/x")))
    home.write("out/x")
    code = (
        "import sys, contextlib; sys.argv = ['mm-ops', 'sentinel', 'cron']; import mm_ops.cli\n"
        "with contextlib.suppress(SystemExit): mm_ops.cli.main()\n"
        "print('dagster' in sys.modules, file=sys.stderr)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **home.variables}
    )
    assert shown.stderr.splitlines()[-1] == "False"
    assert "SENTINEL_CRON=UP" in shown.stdout


def test_the_heartbeats_that_a_watcher_took_in_are_runs(home: Home, tmp_path: Path):
    del home.variables["CI_FAKE_UTC"]
    home.watch(entry("backup", {"kind": "heartbeat", "task": "backup"}, min_duration="100ms"))
    home.variables["MM_OPS_JOURNAL"] = str(tmp_path / "watcher/journal.sqlite")
    with watching(tmp_path / "watcher", read_policy(PROJECT / "deploy/policies/bots.yaml", Fleet)) as watcher:
        assert home.run().exit_code == 2
        for signal, code in (("start", 0), ("0", 0), ("start", 0), ("3", 1)):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            answer = requests.post(f"{watcher.url}/heartbeat/backup/{signal}", headers=headers, timeout=30)
            assert answer.status_code == 200
            time.sleep(0.2)  # a run that takes time, by the watcher's clock
            shown = home.run("--json")
            (one,) = json.loads(shown.stdout)["tasks"]
            assert shown.exit_code == code, one
    assert one["reason"] == "it ended with exit status 3"


def test_history_is_replayed_with_each_change_and_its_reason(home: Home, healthy: Path):
    home.watch(entry("report", files("out/*")))
    for day, hour in ((19, 8), (20, 12)):
        home.write(f"out/{day}")
        moment = datetime(2026, 11, day, hour, tzinfo=UTC).timestamp()
        os.utime(home.root / f"out/{day}", (moment, moment))
    asked = ["--sentinels", "--recording", str(healthy), "--from", "2026-11-20T00:00Z", "--to", "2026-11-21T00:00Z"]
    shown = CliRunner().invoke(replay, [*asked, "--json"], env=home.variables)
    assert shown.exit_code == 0, shown.output
    changes = [(one["at"][11:16], one["before"], one["state"]) for one in json.loads(shown.stdout)["cron"]]
    assert changes == [("00:00", None, "up"), ("08:00", "up", "down"), ("12:00", "down", "up")]
    assert "it was due at 2026-11-20T08:00:00Z and had not run by" in shown.stdout
    table = CliRunner().invoke(replay, asked, env=home.variables)
    assert "it was due at 2026-11-20T08:00:00Z" in table.stdout
