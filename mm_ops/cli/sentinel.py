"""``mm-ops sentinel``: what watches the watchers."""

import click

from mm_ops.cli.sentinel_cron import cron
from mm_ops.cli.sentinel_edge import edge


@click.group()
def sentinel() -> None:
    """Say which tasks have run when they should have, and which profile an edge asks for."""


sentinel.add_command(cron)
sentinel.add_command(edge)
