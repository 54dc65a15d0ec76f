"""The Dagster instance that the commands and the UI share."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mm_ops.adapters.environment import Environment, dagster_home

if TYPE_CHECKING:
    import dagster as dg


def open_instance(environment: Environment) -> "dg.DagsterInstance":
    """Open the instance at ``DAGSTER_HOME``, or at ``var/dagster`` of the project, made where it is not there."""
    import dagster as dg

    home = dagster_home(environment)
    settings = home / "dagster.yaml"
    if not settings.is_file():
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(environment.root) / "deploy/dagster/dagster.yaml", settings)
    return dg.DagsterInstance.from_config(str(home))


@contextmanager
def passing_place(environment: Environment) -> "Iterator[tuple[Environment, dg.DagsterInstance]]":
    """Give an instance in memory and a folder for artifacts: both are gone when the block ends."""
    import dagster as dg

    with tempfile.TemporaryDirectory(prefix="mm-ops-") as folder, dg.DagsterInstance.ephemeral(folder) as instance:
        yield replace(environment, artifacts=str(Path(folder) / "artifacts")), instance
