"""``mm-ops paperbot record``: the embedded bot's evidence, in seconds."""

from datetime import date
from pathlib import Path

import click

from mm_ops.cli.context import UtcDay, marker, say, yesterday


@click.group()
def paperbot() -> None:
    """Record the embedded paper bot."""


@paperbot.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Where to; default var/recordings/paper.")
@click.option("--profile", type=click.Choice(["healthy", "degraded"]), default="healthy", show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=9, show_default=True)
@click.option("--date", "end", type=UtcDay(), help="The last UTC day; default yesterday.")
@click.option("--seed", type=int, default=7, show_default=True)
def record(out: Path | None, profile: str, days: int, end: date | None, seed: int) -> None:
    """Record whole UTC days of samples, quotes, fills, one drill and one self-test a day.

    Days that are there and whole are left alone, so it can be run again at any time.
    """
    from mm_ops.adapters.environment import Environment
    from mm_ops.domain.errors import SchemaError
    from mm_ops.paperbot.recording import RecordingError
    from mm_ops.paperbot.recording import record as record_days

    root = out if out is not None else Environment.read().path("var/recordings/paper")
    last = end if end is not None else yesterday()
    try:
        record_days(root, profile=profile, end=last, days=days, seed=seed, progress=say)
    except RecordingError as error:  # the paper bot knows none of our errors, on purpose
        raise SchemaError(str(error)) from error
    click.echo(str(root))
    marker("paperbot record", "OK")
