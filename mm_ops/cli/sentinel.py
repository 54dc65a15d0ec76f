"""``mm-ops sentinel``: what watches the watchers."""

import click

from mm_ops.cli.sentinel_cron import cron


@click.group()
def sentinel() -> None:
    """Say which tasks have run when they should have."""


sentinel.add_command(cron)
