"""One look at every task: the policy, the evidence and the verdict, and how Dagster shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.defs.resources import Site
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.sentinel.freshness import Freshness, document_of, judge_tasks, rows_of
from mm_ops.domain.sentinel.runs import Evidence
from mm_ops.domain.sentinel.tasks import CronPolicy, Task
from mm_ops.domain.sentinel.watched import needed_by, tasks_of

if TYPE_CHECKING:
    from mm_ops.adapters.artifacts import Stored

FILE = "deploy/cron/sentinel.yaml"
STORED_AS = "sentinel/cron_freshness.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found; ``tasks`` are those that were looked at."""

    policy: CronPolicy
    tasks: tuple[Task, ...]
    freshness: Freshness


def read_cron_policy(site: Site) -> CronPolicy:
    """Read the tasks.

    Raises:
        PolicyError: says file, line and field.
    """
    from mm_ops.adapters.policy_files import read_policy

    return read_policy(site.path(FILE), CronPolicy)


def look_at_tasks(site: Site, instance: dg.DagsterInstance, chosen: Sequence[str] = ()) -> Look:
    """Read what proves every task, or some and what they need, and judge them; also of each bot's, sound or not.

    Those of a bot whose entry is broken are down with its line, whatever ran: it cannot be loaded again.

    Raises:
        PolicyError: the file is impossible, or has no such task.
    """
    from mm_ops.adapters.sentinel_evidence import Sources, read_evidence
    from mm_ops.defs.sentinel.evidence import DagsterRecords

    policy, bots = read_cron_policy(site), site.sound_bots()
    tasks = needed_by(tasks_of(policy, bots.fleet.bots, bots.left_out), chosen)
    sources = Sources(
        root=site.environment().root,
        journal=site.journal(),
        other=DagsterRecords(instance, site.now()).read,
        attempt=policy.attempt.length,
    )
    fault = Evidence(fault="; ".join(bots.faults))
    broken = {f"{task.name}_{bot}": fault for task in policy.tasks for bot in bots.left_out}
    evidence = {**read_evidence(tasks, sources), **broken}
    return Look(
        policy=policy, tasks=tasks, freshness=judge_tasks(tasks, evidence, site.now(), policy.clock_skew.length)
    )


def store(site: Site, freshness: Freshness) -> "Stored":
    """Keep what was found, beside all other evidence."""
    return site.store().put(STORED_AS, encode(document_of(freshness)))


def shown(tasks: Sequence[Task], freshness: Freshness, outside: str) -> dict[str, Any]:
    """Give the metadata of the asset: the table of tasks, and what is wrong with the outside heartbeat."""
    table = dg.MetadataValue.table([dg.TableRecord(row) for row in rows_of(tasks, freshness)])
    counts: dict[str, int] = {}
    for one in freshness.standings:
        counts[one.state.value] = counts.get(one.state.value, 0) + 1
    return {
        "tasks": table,
        "verdict": freshness.verdict.value,
        "at": dg.MetadataValue.timestamp(freshness.at),
        "outside_heartbeat": outside or "taken",
        **{f"tasks_{state}": count for state, count in sorted(counts.items())},
    }


def version_of(freshness: Freshness) -> str:
    """Give one word that changes when a task stands otherwise."""
    return digest(encode({one.task: [one.state, one.since] for one in freshness.standings}))
