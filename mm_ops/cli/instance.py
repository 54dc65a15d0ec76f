"""The Dagster instance that the commands and the UI share."""

import shutil
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
