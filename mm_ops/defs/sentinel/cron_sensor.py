"""Looks at every task each minute; tells people on a change, once, and somebody outside that it lives."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import TypeAdapter

from mm_ops.defs.keys import CRON_FRESHNESS
from mm_ops.defs.resources import Site
from mm_ops.defs.sentinel.cron_look import Look, look_at_tasks, read_cron_policy, shown, store, version_of
from mm_ops.defs.verdicts import check_result
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.sentinel.freshness import finding_of_task
from mm_ops.domain.sentinel.notices import Memory, Plan, Telling, plan_notices, plan_outside

if TYPE_CHECKING:
    from mm_ops.domain.sentinel.standing import Standing

SENSOR = "cron_freshness"
OUTBOX = "var/sentinel/cron.outbox"
_EVERY_S = 60
_Events = list[dg.AssetMaterialization | dg.AssetCheckEvaluation]
_MEMORY: TypeAdapter[Memory] = TypeAdapter(Memory)


def cron_sensor() -> dg.SensorDefinition:
    """Build the sensor; it starts no run."""

    @dg.sensor(
        name=SENSOR,
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Whether every task ran when it should have; tells changes, and shows outside that it lives.",
    )
    def cron_freshness(context: dg.SensorEvaluationContext, site: Site) -> dg.SensorResult:
        before = _MEMORY.validate_json(context.cursor) if context.cursor else Memory()
        look, outside = _look(context, site)
        plan = plan_notices(before, look.freshness, look.policy.gap.length)
        memory, told_outside = plan_outside(plan.memory, outside)
        with _told_outside(site):
            waiting = _tell(site, (*plan.tellings, *told_outside), before.waiting, context.log.warning)
        due = _is_due(memory.shown_at, look.freshness.at, look.policy.told_at_least.length)
        events: _Events = []
        said = f"{len(look.tasks)} tasks: {look.freshness.verdict.value}; nothing has changed"
        if plan.changed or told_outside or due:
            events, said = _kept(context, site, look, plan, memory.outside)
            memory = replace(memory, shown_at=look.freshness.at if events else None)
        cursor = _MEMORY.dump_json(replace(memory, waiting=waiting)).decode()
        return dg.SensorResult(asset_events=events, cursor=cursor, skip_reason=None if events else said)

    return cron_freshness


def _look(context: dg.SensorEvaluationContext, site: Site) -> tuple[Look, str]:
    """Look, and show outside how that went; gives what is wrong with the outside heartbeat."""
    with _told_outside(site):
        look = look_at_tasks(site, context.instance)
    return look, _ping(site)


@contextmanager
def _told_outside(site: Site) -> Iterator[None]:
    """Tell outside that a step of the look has failed; the tick fails too."""
    try:
        yield
    except (MmOpsError, OSError) as error:
        _ping(site, str(error))
        raise


def _ping(site: Site, failed: str = "") -> str:
    from mm_ops.adapters.sentinel_ping import ping

    try:
        policy = read_cron_policy(site)
    except MmOpsError as error:  # nobody knows the address: that no request comes says it
        return str(error)
    outside = policy.outside
    if outside is None:
        return "sentinel.yaml names no outside heartbeat"
    secret = site.environment().secret
    return ping(lambda: secret(outside.address), policy.attempt.length, failed=failed)


def _tell(site: Site, tellings: Sequence[Telling], waiting: bool, say: Callable[[str], Any]) -> bool:  # noqa: FBT001 - what the former tick left
    """Tell people; what cannot be delivered now stays in the outbox for the next tick. Gives whether something does."""
    if not (tellings or waiting):
        return False
    from mm_ops.adapters.notifier import Notifier
    from mm_ops.domain.notify.notice import Told
    from mm_ops.domain.notify.policy import NotifyPolicy

    outbox = site.path(OUTBOX)
    outbox.parent.mkdir(parents=True, exist_ok=True)
    notifier = Notifier(
        site.policy("notify.yaml", NotifyPolicy),
        outbox,
        site.live_clock(),
        say=say,
        secret=site.environment().secret,
        note=lambda *_: None,  # where there is no channel: the tick's log has it, by ``say``
    )
    notifier.start()
    for one in tellings:
        (notifier.page if one.told is Told.ONCALL else notifier.tell)(one.what, one.about)
    return not notifier.close()


def _is_due(shown_at: datetime | None, now: datetime, at_least: timedelta) -> bool:
    return shown_at is None or now - shown_at >= at_least


def _kept(context: dg.SensorEvaluationContext, site: Site, look: Look, plan: Plan, outside: str) -> tuple[_Events, str]:
    """Keep and show what was found. What cannot be kept is told outside, and tried again at the next tick.

    The tick does not fail for it: it would forget that people were told, and tell them every minute.
    """
    try:
        return _events(context, site, look, plan, outside), ""
    except (MmOpsError, OSError) as error:
        said = f"the table is not kept: {error}"
        context.log.warning(said)
        _ping(site, said)
        return [], said


def _events(context: dg.SensorEvaluationContext, site: Site, look: Look, plan: Plan, outside: str) -> _Events:
    """Tell the asset and its checks, without a run; a check that this code location does not have yet is left out."""
    stored = store(site, plan.freshness)
    known = {key.name for key in _checks(context)}
    metadata = {**shown(look.tasks, plan.freshness, outside), "digest": stored.digest}
    version = {"dagster/data_version": version_of(plan.freshness)}
    made = dg.AssetMaterialization(CRON_FRESHNESS, metadata=metadata, tags=version)
    return [made, *(_evaluation(one) for one in plan.freshness.standings if one.task in known)]


def _checks(context: dg.SensorEvaluationContext) -> set[dg.AssetCheckKey]:
    location = context.repository_def
    if location is None:
        return set()
    return {key for key in location.asset_graph.asset_check_keys if key.asset_key == CRON_FRESHNESS}


def _evaluation(standing: "Standing") -> dg.AssetCheckEvaluation:
    result = check_result(finding_of_task(standing))
    return dg.AssetCheckEvaluation(
        asset_key=CRON_FRESHNESS,
        check_name=standing.task,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )
