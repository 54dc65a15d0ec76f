"""``mm-ops sentinel cron``: the freshness of every task, as the sensor judges it, with no daemon to ask."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mm_ops.cli.context import marker, show_table, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack
    from datetime import datetime

    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.sentinel_evidence import Reader
    from mm_ops.domain.sentinel.tasks import Task

_FILE = click.Path(dir_okay=False, path_type=Path)
_COLUMNS = ("task", "state", "due", "last_seen", "age", "since", "why")
_ANSWERS = {0: "UP", 1: "DOWN", 2: "UNDECIDED"}


@click.command()
@click.option("--config", type=_FILE, help="Default deploy/cron/sentinel.yaml of the project.")
@click.option("--task", "chosen", multiple=True, help="Only this one, with what it needs; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="All of it as canonical JSON.")
def cron(config: Path | None, chosen: tuple[str, ...], *, as_json: bool) -> None:
    """Judge whether every task of deploy/cron/sentinel.yaml ran when it should have.

    Reads the records themselves, so it needs no daemon, and loads Dagster only for tasks that Dagster proves. Exit 0
    where all are up, 1 where one is down, 2 where one has never run or the file cannot be read.
    """
    from contextlib import ExitStack

    from mm_ops.adapters.environment import Environment, journal_named
    from mm_ops.adapters.journal_follow import JournalPlace
    from mm_ops.adapters.journal_place import DEFAULT
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.adapters.sentinel_evidence import Sources, read_evidence
    from mm_ops.domain.bots import Fleet
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.sentinel.freshness import document_of, judge_tasks, rows_of
    from mm_ops.domain.sentinel.tasks import CronPolicy
    from mm_ops.domain.sentinel.watched import needed_by, tasks_of
    from mm_ops.domain.verdict import exit_code

    environment, now = Environment.read(), utc_now()
    policy = read_policy(config or environment.path("deploy/cron/sentinel.yaml"), CronPolicy)
    fleet = read_policy(environment.policies / "bots.yaml", Fleet)
    tasks = needed_by(tasks_of(policy, [bot.name for bot in fleet.bots]), chosen)
    named = journal_named(environment)
    with ExitStack() as stack:
        sources = Sources(
            root=environment.root,
            journal=JournalPlace(named or str(environment.path(DEFAULT)), named=named is not None),
            other=_records(environment, tasks, now, stack),
            attempt=policy.attempt.length,
        )
        freshness = judge_tasks(tasks, read_evidence(tasks, sources), now, policy.clock_skew.length)
    if as_json:
        click.echo(encode(document_of(freshness)), nl=False)
    else:
        rows = rows_of(tasks, freshness)
        show_table(
            "sentinel cron", [name.replace("_", " ") for name in _COLUMNS], [[row[n] for n in _COLUMNS] for row in rows]
        )
    code = exit_code(freshness.verdict)
    marker("sentinel cron", _ANSWERS[code], err=as_json)
    sys.exit(code)


def _records(environment: "Environment", tasks: "Sequence[Task]", now: "datetime", stack: "ExitStack") -> "Reader":
    """Open Dagster's records, where a task is proved by them; without an instance nothing has ever run in it."""
    from mm_ops.adapters.environment import dagster_home
    from mm_ops.domain.sentinel.runs import Evidence
    from mm_ops.domain.sentinel.tasks import FileProof, HeartbeatProof

    home = dagster_home(environment)
    if all(isinstance(task.proof, FileProof | HeartbeatProof) for task in tasks):
        return lambda _: Evidence()
    if not (home / "dagster.yaml").is_file():
        return lambda _: Evidence(remark=f"{home}: no Dagster instance there (DAGSTER_HOME)")
    from mm_ops.cli.instance import open_instance
    from mm_ops.defs.sentinel.evidence import DagsterRecords

    return DagsterRecords(stack.enter_context(open_instance(environment)), now).read
