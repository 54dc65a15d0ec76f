"""Production with its runs on Celery's workers: a broker, and workers by the command of ``deploy/dagster/celery``."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import dagster as dg
import yaml

from mm_ops.defs.jobs import NIGHTLY
from mm_ops_tests.dagster_stack import LOCATION, PRODUCTION, DagsterStack, dagster_stack
from mm_ops_tests.redis_server import redis
from mm_ops_tests.site import Deployment

CELERY = PRODUCTION.parent / "celery"
_BACKFILL = """mutation($asked: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $asked) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""


@contextmanager
def celery_stack(deployment: Deployment, workers: int) -> Iterator[DagsterStack]:
    """All of it but the daemon up, with as many places for runs as there are workers."""
    blocks = yaml.safe_load((CELERY / "run_launcher.yaml").read_text(encoding="utf-8"))
    runs = yaml.safe_load((PRODUCTION / "dagster.yaml").read_text(encoding="utf-8"))["concurrency"]["runs"]
    blocks["run_monitoring"]["poll_interval_seconds"] = 2
    blocks["concurrency"] = {"runs": {**runs, "max_concurrent_runs": workers}}
    with redis(deployment.root) as broker, dagster_stack(deployment, **blocks) as made:
        stack = replace(made, variables={**made.variables, "MM_OPS_BROKER": broker})
        try:
            for number in range(1, workers + 1):
                start_worker(stack, number)
            stack.start("code server")
            stack.start("webserver")
            yield stack
        finally:
            stack.stop()


def start_worker(stack: DagsterStack, number: int) -> None:
    """Start a worker by the command that its file tells."""
    told = re.search(r"dagster-celery worker start .*", (CELERY / "worker.yaml").read_text(encoding="utf-8"))
    assert told is not None
    stack.spawn(f"w{number}", shlex.split(told[0].replace("-n w1", f"-n w{number}")))


def launch_backfill(stack: DagsterStack, days: Sequence[date], assets: Sequence[dg.AssetKey]) -> str:
    """Ask for one run of the nightly job a day, of some assets; gives its id."""
    repository = {"repositoryName": LOCATION["repositoryName"], "repositoryLocationName": "mm_ops"}
    asked: dict[str, Any] = {
        "selector": {"partitionSetName": f"{NIGHTLY}_partition_set", "repositorySelector": repository},
        "partitionNames": [day.isoformat() for day in days],
        "assetSelection": [{"path": list(key.path)} for key in assets],
    }
    answer = stack.query(_BACKFILL, asked=asked)["launchPartitionBackfill"]
    assert "backfillId" in answer, answer
    return str(answer["backfillId"])
