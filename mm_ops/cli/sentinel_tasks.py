"""The tasks that the commands judge, and what proves that they ran."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mm_ops.adapters.environment import Environment

if TYPE_CHECKING:
    from mm_ops.adapters.sentinel_evidence import Reader
    from mm_ops.domain.sentinel.runs import Evidence
    from mm_ops.domain.sentinel.tasks import CronPolicy, Task


def read_tasks(config: Path | None = None, chosen: Collection[str] = ()) -> "tuple[CronPolicy, tuple[Task, ...]]":
    """Read the policy and its tasks, or those that are chosen with what they need.

    Raises:
        PolicyError: the file is impossible, or has no such task.
    """
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.bots import Fleet
    from mm_ops.domain.sentinel.tasks import CronPolicy
    from mm_ops.domain.sentinel.watched import needed_by, tasks_of

    environment = Environment.read()
    policy = read_policy(config or environment.path("deploy/cron/sentinel.yaml"), CronPolicy)
    fleet = read_policy(environment.policies / "bots.yaml", Fleet)
    return policy, needed_by(tasks_of(policy, fleet.bots), chosen)


def evidence_of(
    policy: "CronPolicy", tasks: "Sequence[Task]", now: datetime, most: int | None = None
) -> "Mapping[str, Evidence]":
    """Read the latest runs of every task: as many as it takes to judge it, or ``most``."""
    from mm_ops.adapters.journal_follow import JournalPlace
    from mm_ops.adapters.sentinel_evidence import Sources, read_evidence

    environment = Environment.read()
    with ExitStack() as stack:
        sources = Sources(
            root=environment.root,
            journal=JournalPlace.of(environment),
            other=_records(environment, tasks, now, stack),
            attempt=policy.attempt.length,
        )
        return read_evidence(tasks, sources, most)


def _records(environment: Environment, tasks: "Sequence[Task]", now: datetime, stack: ExitStack) -> "Reader":
    """Open Dagster's records, where a task is proved by them; without an instance nothing has ever run in it."""
    from mm_ops.adapters.environment import dagster_home
    from mm_ops.domain.sentinel.runs import Evidence
    from mm_ops.domain.sentinel.tasks import FileProof, HeartbeatProof

    home = dagster_home(environment)
    if all(isinstance(task.proof, FileProof | HeartbeatProof) for task in tasks):
        return lambda *_: Evidence()
    if not (home / "dagster.yaml").is_file():
        return lambda *_: Evidence(remark=f"{home}: no Dagster instance there (DAGSTER_HOME)")
    from mm_ops.cli.instance import open_instance
    from mm_ops.defs.sentinel.evidence import DagsterRecords

    return DagsterRecords(stack.enter_context(open_instance(environment)), now).read
