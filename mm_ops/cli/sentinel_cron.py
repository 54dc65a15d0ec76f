"""``mm-ops sentinel cron``: the freshness of every task, as the sensor judges it, with no daemon to ask."""

import sys
from pathlib import Path

import click

from mm_ops.cli.context import marker, show_table, utc_now

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
    from mm_ops.cli.sentinel_tasks import evidence_of, read_tasks
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.sentinel.freshness import document_of, judge_tasks, rows_of
    from mm_ops.domain.verdict import exit_code

    now = utc_now()
    policy, tasks = read_tasks(config, chosen)
    freshness = judge_tasks(tasks, evidence_of(policy, tasks, now), now, policy.clock_skew.length)
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
