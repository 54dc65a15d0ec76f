"""Follows the watcher's journal: one run for each stop, and what a bot's state has become.

Both are on by default. They command nothing, and a fleet whose stops are not told is worse than a tick that says that
there is no journal. A journal that was named, or was read before, and is not there fails the tick; at the default
place none may ever have been, which is told and no fault.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.defs.jobs import BOT_TAG
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.resources import Site
from mm_ops.defs.rollback.assets import episodes_of, observe, shown
from mm_ops.domain.bots import Bot, Fleet

if TYPE_CHECKING:
    from mm_ops.domain.rollback.report.follow import Rules

ALERT_TAG, ANSWER_TAG, LATE_TAG, WHOLE_TAG = "mm_ops/alert", "mm_ops/answer", "mm_ops/late", "mm_ops/whole"
_EVERY_S = 30
_AT_ONCE = 16


def rollback_sensors(fleet: Fleet) -> list[dg.SensorDefinition]:
    """Build both, over all bots."""
    return [_rollback_sensor(fleet), _rollback_state_sensor(fleet)]


def _rollback_sensor(fleet: Fleet) -> dg.SensorDefinition:
    @dg.sensor(
        name="rollback_sensor",
        asset_selection=dg.AssetSelection.assets(*(BotKeys(bot.name).rollback_report for bot in fleet.bots)),
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="One run for each stop in the watcher's journal, and one more when its quarter of an hour is over.",
    )
    def rollback_sensor(context: dg.SensorEvaluationContext, site: Site) -> dg.SensorResult | dg.SkipReason:
        from mm_ops.adapters.journal_follow import following
        from mm_ops.domain.rollback.report.follow import Cursor, plan_runs

        place, before = site.journal(), Cursor.parse(context.cursor)
        if not (place.is_there or place.named or before.seq):
            return dg.SkipReason(place.missing())
        with following(place) as journal:
            journal.check(before, place)
            ended, end = journal.ended_after(before.seq)
            running = [f"{one.bot}: a stop for {one.alert} has not ended" for one in journal.unfinished()]
        plan = plan_runs(before, ended, end, _rules(site, fleet), site.now())
        for ask in plan.asks:  # before the run is asked for: one that is lost is then seen as missing
            context.instance.add_dynamic_partitions(str(episodes_of(ask.bot).name), [ask.episode])
        said = "; ".join((*plan.remarks, *running)) or f"no stop has ended since record {before.seq} of {end.seq}"
        context.log.info(said)
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=ask.run_key,
                    partition_key=ask.episode,
                    asset_selection=[BotKeys(ask.bot).rollback_report],
                    tags={
                        BOT_TAG: ask.bot,
                        ALERT_TAG: ask.alert,
                        ANSWER_TAG: "confirmed" if ask.confirmed else "unconfirmed",
                        LATE_TAG: str(ask.late).lower(),
                        WHOLE_TAG: str(ask.whole).lower(),
                    },
                )
                for ask in plan.asks
            ],
            skip_reason=None if plan.asks else said,
            cursor=plan.cursor.encode(),
        )

    return rollback_sensor


def _rules(site: Site, fleet: Fleet) -> "Rules":
    from mm_ops.domain.rollback.policy import RollbackPolicy
    from mm_ops.domain.rollback.report.follow import Rules
    from mm_ops.domain.rollback.report.policy import ReportPolicy

    evidence = {bot.name: site.evidence(bot) for bot in fleet.bots}

    def reported(bot: str, episode: str, number: int) -> bool:
        found = evidence[bot].find_json(evidence[bot].rollback(episode, names.ROLLBACK_REPORT))
        return found is not None and any(one["round"] == number for one in found["rounds"])

    report = site.policy("rollback_report.yaml", ReportPolicy)
    return Rules(
        bots=evidence,
        most=report.runs_per_tick,
        around=report.whole_after,
        old_after=site.policy("rollback.yaml", RollbackPolicy).max_event_age.length,
        reported=reported,
    )


def _rollback_state_sensor(fleet: Fleet) -> dg.SensorDefinition:
    @dg.sensor(
        name="rollback_state_sensor",
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells a bot's rollback_state when it has changed, without a run; else once in a while.",
    )
    def rollback_state_sensor(context: dg.SensorEvaluationContext, site: Site) -> dg.SensorResult | dg.SkipReason:
        place = site.journal()
        if not (place.is_there or place.named or context.cursor):
            return dg.SkipReason(place.missing())
        told: dict[str, Any] = json.loads(context.cursor or "{}")
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:  # a dead bot takes its time, and holds up no other
            found = list(pool.map(lambda bot: _observation(site, bot, told.get(bot.name)), fleet.bots))
        events = [event for event, _ in found if event is not None]
        told = {bot.name: of_it for bot, (_, of_it) in zip(fleet.bots, found, strict=True)}
        skipped = None if events else "nothing has changed"
        return dg.SensorResult(asset_events=events, skip_reason=skipped, cursor=json.dumps(told, sort_keys=True))

    return rollback_state_sensor


def _observation(site: Site, bot: Bot, told: Any) -> tuple[dg.AssetObservation | None, Any]:
    """Observe a bot; where nothing has changed since it was told, and that is not too long ago, nothing is told."""
    from mm_ops.domain.rollback.report.policy import ReportPolicy
    from mm_ops.domain.rollback.report.state import state_version

    described, now = observe(site, bot), site.now()
    version = state_version(described)
    at_least = site.policy("rollback_report.yaml", ReportPolicy).state_at_least
    if told is not None and told["version"] == version and now - datetime.fromisoformat(told["at"]) < at_least:
        return None, told
    tags = {"dagster/data_version": version}
    event = dg.AssetObservation(BotKeys(bot.name).rollback_state, metadata=shown(described), tags=tags)
    return event, {"version": version, "at": now.isoformat()}
